"""Compares all registered strategies: on landscapes, on recorded trainings, on real tasks, and in the cost of an ask.

    python -m benchmarks.strategies landscape [SECONDS [KIND...]]   500 evaluations of NK landscapes, 20 seeds
    python -m benchmarks.strategies recorded [SECONDS [KIND...]]    80 of the recorded cells of NAS-Bench-NLP, 20 seeds
    python -m benchmarks.strategies ask [SECONDS [KIND...]]         CPU time of an ask, up to 2,000 evaluations
    python -m benchmarks.strategies real [KIND...]                  two real tasks at equal CPU time, 3 seeds
    python -m benchmarks.strategies report                          the pages alone

A call ends after SECONDS of its own CPU time. What was made is kept, so that the next one goes on: searches in
``results/strategies.jsonl``, traces of real tasks in ``results/strategies/``. Each call writes its page in
``results/``. A strategy is measured from the day it is registered, with its defaults, which follow the number of
evaluations. The recorded trainings are read from ``nas_bench_nlp/wikitext2_runs.parquet`` in the folder that
EVO_NAS_DATA names.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import sys
import time
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.landscapes import cell_space, nk_problem, recorded_problem
from benchmarks.strategies_real import real, report_real
from benchmarks.table import RESULTS, Table, write
from benchmarks.trainings import Kept
from evo_nas.config import FitnessOptions, checked
from evo_nas.config.reference import example_of
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.strategies.strategy import ONCE
from evo_nas.testing.histories import evaluated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.landscapes import Problem
    from evo_nas.strategies.strategy import Strategy, StrategyOptions

SEEDS = range(1, 21)
EVALUATIONS = {"landscape": (100, 300, 500), "recorded": (20, 40, 80)}
ASKED = (100, 500, 2000)
WINDOW = 50
"""Asks whose mean is the cost at some number of evaluations."""
SLOWEST_S = 600.0
"""CPU seconds after which the asks of one strategy are not measured further."""
VECTORS = "random vectors"
"""Random search that draws features instead of rows, as strategies do that choose gene by gene."""
BASELINES = ("random", "grid", VECTORS)
KEPT = RESULTS / "strategies.jsonl"
RECORDED = Path(os.environ.get("EVO_NAS_DATA", "data")) / "nas_bench_nlp" / "wikitext2_runs.parquet"
NEGLIGIBLE = 0.01
BOUNDED = {
    "evolve_cell": False,
    "cells": ["lstm", "gru"],
    "layers": {"min": 1, "max": 1},
    "widths": [16, 32, 64],
    "batch_sizes": [32],
    "skips": False,
}
"""A space of some thousand networks, for grid search."""
TITLES = {
    "landscape": "NK landscapes over cells, without noise",
    "recorded": "Recorded cells of NAS-Bench-NLP",
}


def build(kind: str, space: SearchSpace, seed: int, evaluations: int) -> Strategy[StrategyOptions]:
    """Returns a strategy with its defaults; one that needs two objectives gets a second that is equal for all.

    Raises:
        ConfigError: It cannot serve the space, or something is not installed.
    """
    strategy = STRATEGIES[kind]
    if strategy.trains_long:
        raise ConfigError("it learns from a long training, and nothing is trained here")
    fields = strategy.Options.model_fields
    required = {
        name: value for name, value in example_of(strategy.Options).items() if fields[name].is_required()
    }
    options = checked(strategy.Options, required).following(evaluations)

    def scored(fitness: FitnessOptions) -> Strategy[StrategyOptions]:
        return strategy(space, options, seed=seed, epochs=1, fitness=fitness)

    try:
        return scored(ONCE)
    except ConfigError as error:
        if "objectives" not in str(error):
            raise
        return scored(ONCE.model_copy(update={"objectives": ("fitness", "parameters")}))


def outcome(fitness: float | None) -> Outcome:
    """Returns what a strategy is told of a candidate."""
    if fitness is None:
        return Outcome(Status.DIVERGED)
    return Outcome(
        Status.OK,
        fitness=fitness,
        metrics={"validation_loss": -fitness},
        metric="validation_loss",
        curve=(fitness,),
        parameters=1,
        epochs=1,
    )


def search(problem: Problem, kind: str, seed: int, sizes: Sequence[int]) -> list[float]:
    """Returns the best fitness that is found within each of ``sizes`` evaluations, on the problem's scale."""
    strategy = build(kind, problem.space, seed, max(sizes))
    best, found = -math.inf, []
    for evaluation in range(1, max(sizes) + 1):
        # One at a time, so that each choice knows all results before it.
        for candidate in strategy.ask(1):
            if candidate.trains:
                raise ConfigError(f"it trains a {candidate.trains.split()[0]}, which takes data")
            value = problem.value(candidate.genome)
            best = best if value is None else max(best, value)
            strategy.tell([Evaluation(candidate, outcome(value))])
        if evaluation in sizes:
            found.append(problem.told(max(best, problem.zero)))
    return found


def search_vectors(problem: Problem, seed: int, sizes: Sequence[int]) -> list[float]:
    """Returns the same of drawing every gene uniformly, each architecture once."""
    rng, known, best, found = random.Random(seed), set[str](), problem.zero, list[float]()
    while len(known) < max(sizes):
        genome = tuple(rng.randrange(gene.size) for gene in problem.space.genes)
        key = problem.space.canonical_hash(genome)
        if key in known:
            continue
        known.add(key)
        value = problem.value(genome)
        best = best if value is None else max(best, value)
        if len(known) in sizes:
            found.append(problem.told(best))
    return found


def problem_of(what: str) -> Callable[[int], Problem]:
    """Returns what makes the problem of a seed."""
    if what == "recorded":
        recorded = recorded_problem(RECORDED)
        return lambda _: recorded
    space = cell_space()
    return lru_cache(maxsize=2)(lambda seed: nk_problem(space, seed))


def searches(what: str, seconds: float, kinds: Sequence[str]) -> None:
    """Makes the searches that are missing, seed by seed, so that all strategies have as many."""
    kept, problem = Kept(KEPT), problem_of(what)
    for seed in SEEDS:
        for kind in kinds:
            label = _label(what, kind, seed)
            if kept.get(label) is not None or time.process_time() > seconds:
                continue
            made, started = problem(seed), time.process_time()
            try:
                sizes = EVALUATIONS[what]
                found = (
                    search_vectors(made, seed, sizes) if kind == VECTORS else search(made, kind, seed, sizes)
                )
            # A table of recorded trainings has no subspaces, which grid search enumerates.
            except (ConfigError, AttributeError) as error:
                print(f"{kind}: {error}")
                continue
            kept.add(label, {"best": found, "cpu_s": time.process_time() - started})
            print(f"{label}: {found[-1]:.3f}", flush=True)
    report_searches(what)


def report_searches(what: str) -> None:
    """Writes the page of searches without training from all that is kept."""
    kept, sizes = Kept(KEPT), EVALUATIONS[what]
    found = {kind: _found(kept, what, kind) for kind in _kinds(what)}
    rows = []
    for kind, runs in found.items():
        if not runs:
            rows.append([kind, *["-"] * (len(sizes) + 2)])
            continue
        means = [_mean([values[place] for values in runs.values()]) for place in range(len(sizes))]
        rows.append([kind, *means, _lead(runs, found["random"]), str(len(runs))])
    header = ("strategy", *(f"{size:,} evaluations" for size in sizes), "beats random, p", "seeds")
    command = f"python -m benchmarks.strategies {what}"
    table = Table(TITLES[what], command, header, rows, _remarks(what, found))
    write(f"strategies_{what}", "All strategies, without training", [table])


def _kinds(what: str) -> list[str]:
    """Returns what is compared on ``what``."""
    return [*sorted(STRATEGIES), *([VECTORS] if what == "recorded" else [])]


def _found(kept: Kept, what: str, kind: str) -> dict[int, list[float]]:
    """Returns by seed what the searches of ``kind`` found."""
    values = {seed: kept.get(_label(what, kind, seed)) for seed in SEEDS}
    return {
        seed: best
        for seed, each in values.items()
        if each is not None and isinstance(best := each["best"], list)
    }


def _label(what: str, kind: str, seed: int) -> str:
    return f"{what}, {kind}, seed {seed}"


def _mean(values: Sequence[float]) -> str:
    error = f" ± {statistics.stdev(values) / math.sqrt(len(values)):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{error}"


def _lead(ours: dict[int, list[float]], drawn: dict[int, list[float]]) -> str:
    """Returns the one-sided p-value of Wilcoxon's signed ranks against random search, pairs by seed."""
    from scipy.stats import wilcoxon  # noqa: PLC0415 - only a report needs it

    pairs = [ours[seed][-1] - drawn[seed][-1] for seed in ours.keys() & drawn.keys()]
    if len(pairs) < 5 or not any(pairs):
        return "-"
    return f"{wilcoxon(pairs, alternative='greater').pvalue:.2g}"


def _remarks(what: str, found: dict[str, dict[int, list[float]]]) -> list[str]:
    short = [
        kind
        for kind, runs in found.items()
        if runs and kind not in BASELINES and not _is_ahead(_lead(runs, found["random"]))
    ]
    one = (
        "1 is the lowest perplexity of the table"
        if what == "recorded"
        else "1 is a bound by dynamic programming, which no network exceeds and perhaps none reaches"
    )
    published = [
        "A vector of features means the nearest row, so that rows far from all others, the best one among them, are "
        f"drawn often: `{VECTORS}` does nothing else. `reinforce` and `tune` choose feature by feature; their lead "
        "over `random` shows this, and nothing that they have learnt.",
        "Published comparisons on this benchmark show their figures as plots alone. Of twelve algorithms with 100 full "
        "trainings, BANANAS - Bayesian optimisation whose model ranks mutations of the best - comes first (Yan et al., "
        "NAS-Bench-x11, NeurIPS 2021). No published comparison on it with REINFORCE was found.",
    ]
    return [
        f"Mean of the best found, with its standard error; 0 is the mean of random networks, {one}.",
        "p: Wilcoxon's signed ranks at the last number of evaluations, one-sided, pairs with the same seed; every "
        f"strategy other than random search and grid is to be below {NEGLIGIBLE}.",
        *([f"Not shown to be ahead of random search so far: {', '.join(short)}."] if short else []),
        "Every strategy with its defaults for so many evaluations, one candidate in flight. A dash: it was not run, "
        "refuses such a space, or has too few seeds for a test.",
        *(published if what == "recorded" else ()),
    ]


def _is_ahead(p_value: str) -> bool:
    return p_value != "-" and float(p_value) < NEGLIGIBLE


def asks(seconds: float, kinds: Sequence[str]) -> None:
    """Measures the CPU time of an ask, and of a tell, on the history that each strategy makes itself."""
    kept = Kept(KEPT)
    for kind in kinds:
        options = checked(SpaceOptions, BOUNDED) if kind == "grid" else SpaceOptions()
        space = SearchSpace(options, Signature(features=3, outputs=2), epochs=8)
        if kept.get(f"ask, {kind}") is None and time.process_time() < seconds:
            try:
                made = _asked(kind, space)
            except ConfigError as error:
                print(f"{kind}: {error}")
                continue
            kept.add(f"ask, {kind}", made)
            print(kind, made, flush=True)
    report_asks()


def _asked(kind: str, space: SearchSpace) -> dict[str, object]:
    """Returns the mean CPU milliseconds of an ask before each of `ASKED`, and of all tells until the last."""
    strategy = build(kind, space, 1, max(ASKED))
    asked_ms: list[float] = []
    told_ms: list[float] = []
    found: dict[str, object] = {}
    while len(asked_ms) < max(ASKED) and sum(asked_ms) + sum(told_ms) < 1e3 * SLOWEST_S:
        started = time.process_time()
        candidates = strategy.ask(1)
        asked = time.process_time()
        strategy.tell([evaluated(each) for each in candidates])
        asked_ms.append(1e3 * (asked - started))
        told_ms.append(1e3 * (time.process_time() - asked))
        if len(asked_ms) in ASKED:
            found[str(len(asked_ms))] = statistics.fmean(asked_ms[-WINDOW:])
    return {**found, "all": statistics.fmean(asked_ms), "tell": statistics.fmean(told_ms)}


def report_asks() -> None:
    """Writes the page of the cost of an ask from all that is kept."""
    kept, rows = Kept(KEPT), []
    for kind in sorted(STRATEGIES):
        values = kept.get(f"ask, {kind}") or {}
        columns = (*map(str, ASKED), "all", "tell")
        rows.append([kind, *(_ms(values.get(name)) for name in columns)])
    table = Table(
        "CPU milliseconds of an ask",
        "python -m benchmarks.strategies ask",
        ("strategy", *(f"after {size:,}" for size in ASKED), "mean of all asks", "mean of all tells"),
        rows,
        [
            "The default space, for `grid` a bounded one; one thread. Each column is the mean of the "
            f"{WINDOW} asks before so many evaluations.",
            f"A dash: not measured, refused, or not reached within {SLOWEST_S:,.0f} CPU seconds.",
        ],
    )
    write("strategies_ask", "The cost of an ask", [table])


def _ms(value: object) -> str:
    if not isinstance(value, float):
        return "-"
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def main(what: str, *rest: str) -> None:
    """Makes what is missing of ``what`` and writes its page."""
    warnings.filterwarnings("ignore")
    if what == "real":
        real(rest or sorted(STRATEGIES))
    elif what == "report":
        for name in EVALUATIONS:
            report_searches(name)
        report_asks()
        report_real()
    else:
        seconds, kinds = (
            float(rest[0]) if rest else math.inf,
            rest[1:] or (_kinds(what) if what in EVALUATIONS else sorted(STRATEGIES)),
        )
        if what == "ask":
            asks(seconds, kinds)
        else:
            searches(what, seconds, kinds)


if __name__ == "__main__":
    main(*sys.argv[1:])
