"""What Bayesian optimisation finds beside random search, and how long it takes to choose.

    python -m benchmarks.bayesian settings      the training genes of one LSTM on the digits, 30 evaluations, 10 seeds
    python -m benchmarks.bayesian landscapes    NK landscapes without training, 100 evaluations, 20 seeds
    python -m benchmarks.bayesian asks          the time of an ask by the number of evaluations
    python -m benchmarks.bayesian report        the page alone, of what is kept

Run from the root of the repository; needs the extra ``bayes``. What was made is kept in the folder that
EVO_NAS_BENCHMARKS names, ``~/.cache/evo-nas-benchmarks`` by default, so that a second call goes on. One process, one
thread. It ends by writing ``benchmarks/results/bayesian.md``.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

from scipy.stats import wilcoxon

from benchmarks.data_sets import DataSet
from benchmarks.landscapes import cell_space, network_space, nk_problem
from benchmarks.table import Table, write
from benchmarks.trainings import FOLDER, Kept, Trainings
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.strategies.mutation import mutated, operators_of
from evo_nas.strategies.registry import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.landscapes import Problem
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.strategy import Strategy, StrategyOptions

ARMS = ("bayesian", "agebo", "aging", "random")
"""What is compared; the last one is the reference."""
LSTM = DataSet(
    "quickstart",
    (
        *("training.epochs=4", "training.schedule=constant", "fitness.rungs=null"),
        # Few rows to train on, many to validate, so that scores differ by more than luck.
        *("task.validation=0.4", "task.test=0.3"),
        *(
            "space.layers={min: 1, max: 1}",
            "space.widths=[24]",
            "space.cells=[lstm]",
            "space.evolve_cell=false",
        ),
        *("space.fronts=[none]", "space.shortcuts=[none]", "space.norms=[none]", "space.poolings=[last]"),
        *("space.heads=[0]", "space.skips=false", "space.bidirectional=false", "space.seeds=[]"),
        *("space.batch_sizes=[16, 32, 64]", "space.clips=[0.25, 1.0, 5.0]"),
        "space.learning_rates={min: 3.0e-4, max: 0.1, count: 9}",
    ),
)
SETTINGS_SEEDS, LANDSCAPE_SEEDS = range(1, 11), range(1, 21)
SETTINGS_MARKS, LANDSCAPE_MARKS = (10, 20, 30), (30, 50, 100)
NOISE = 0.3
HISTORIES = (100, 500, 1000)
ASKS = 3


def strategy_of(kind: str, space: SearchSpace, *, seed: int, evaluations: int) -> Strategy[StrategyOptions]:
    """Returns a strategy with its defaults for so many evaluations."""
    strategy = STRATEGIES[kind]
    return strategy(space, strategy.Options().following(evaluations), seed=seed, epochs=1)


def searched(
    strategy: Strategy[StrategyOptions], score: Callable[[Genome], tuple[float, float]], marks: Sequence[int]
) -> list[float]:
    """Returns after each number of evaluations the true value of the best that a strategy has seen.

    Args:
        strategy: What searches, one candidate after another.
        score: Returns what a strategy sees of a genome and what is true of it.
        marks: Numbers of evaluations, ascending.
    """
    seen, best, found = -math.inf, math.nan, []
    for done in range(1, marks[-1] + 1):
        (candidate,) = strategy.ask(1)
        shown, value = score(candidate.genome)
        if shown > seen:
            seen, best = shown, value
        strategy.tell([_scored(candidate, shown)])
        if done in marks:
            found.append(best)
    return found


def run_settings(kept: Kept) -> None:
    """Searches the settings of one LSTM on the digits; each setting is trained once, with one seed."""
    trainings, experiment = Trainings(LSTM, kept=Kept(FOLDER / "bayesian_trainings.jsonl")), LSTM.experiment()

    def score(genome: Genome) -> tuple[float, float]:
        accuracy = trainings.result(experiment.space.decode(genome), seed=1).validation
        accuracy = 0.0 if math.isnan(accuracy) else accuracy
        return accuracy, accuracy

    for seed in SETTINGS_SEEDS:
        for kind in ARMS:
            key = f"settings, {kind}, seed {seed}"
            if kept.get(key) is None:
                strategy = strategy_of(kind, experiment.space, seed=seed, evaluations=SETTINGS_MARKS[-1])
                kept.add(key, {"best": searched(strategy, score, SETTINGS_MARKS)})


def run_landscapes(kept: Kept) -> None:
    """Searches NK landscapes over whole networks and over cells."""
    for name, problem_of in _landscapes().items():
        for seed in LANDSCAPE_SEEDS:
            for kind in ARMS:
                key = f"{name}, {kind}, seed {seed}"
                if kept.get(key) is None:
                    problem = problem_of(seed)
                    strategy = strategy_of(kind, problem.space, seed=seed, evaluations=LANDSCAPE_MARKS[-1])
                    found = searched(strategy, _shown(problem, seed), LANDSCAPE_MARKS)
                    kept.add(key, {"best": [problem.told(value) for value in found]})


def run_asks(kept: Kept) -> None:
    """Measures the CPU time of an ask after so many evaluations: the first, which may fit, and later ones."""
    space = network_space()
    for kind in ("bayesian", "agebo"):
        for evaluations in HISTORIES:
            key = f"asks, {kind}, {evaluations} evaluations"
            if kept.get(key) is None:
                kept.add(key, _asks(kind, space, evaluations))


def _asks(kind: str, space: SearchSpace, evaluations: int) -> dict[str, float]:
    rng, operators, problem = random.Random(1), operators_of(space), nk_problem(space, 1, uneven=True)
    genome, told = space.random(rng), []
    for number in range(evaluations):
        child = mutated(genome, rng.choice(operators), space=space, rng=rng)
        genome = child if space.is_feasible(child) else genome
        candidate = Candidate(
            id=number, genome=genome, canonical_hash=space.canonical_hash(genome), parents=(), operator="random",
            seed=number, budget=1, asked_after=0,
        )  # fmt: skip
        told.append(_scored(candidate, problem.value(genome) or 0.0))
    strategy = strategy_of(kind, space, seed=1, evaluations=evaluations)
    strategy.resume(told, [])
    times = []
    for _ in range(1 + ASKS):
        started = time.process_time()
        strategy.ask(1)
        times.append(time.process_time() - started)
    return {"first_s": times[0], "later_s": statistics.fmean(times[1:])}


def _scored(candidate: Candidate, fitness: float) -> Evaluation:
    metrics = {"validation_loss": -fitness}
    return Evaluation(candidate, Outcome(Status.OK, fitness=fitness, metrics=metrics, epochs=1, parameters=1))


@cache
def _landscapes() -> dict[str, Callable[[int], Problem]]:
    cell, network = cell_space(), network_space()
    return {
        "networks": lambda seed: nk_problem(network, seed, uneven=True, noise=NOISE),
        "cells": lambda seed: nk_problem(cell, seed),
    }


def _shown(problem: Problem, seed: int) -> Callable[[Genome], tuple[float, float]]:
    rng = random.Random(seed)

    def score(genome: Genome) -> tuple[float, float]:
        value = problem.value(genome)
        assert value is not None, "every genome of a landscape has a value"
        return rng.gauss(value, problem.noise) if problem.noise else value, value

    return score


def report(kept: Kept) -> None:
    """Writes the page from all that is kept."""
    command = "python -m benchmarks.bayesian"
    tables = [
        _compared(
            kept, "settings", SETTINGS_SEEDS, SETTINGS_MARKS,
            Table(
                "Training genes of a fixed LSTM on the digits", f"{command} settings", (), (),
                (
                    "Validation accuracy of the best setting so far, mean of the seeds with its standard error.",
                    "An LSTM of 24 units, 4 epochs. Optimizer, learning rate, clipping and batch size vary; each "
                    "setting is trained once, with one seed, so that all searches see the same scores.",
                    "`p` is that of a one-sided Wilcoxon test over the seeds against random search.",
                ),
            ),
        )
    ]  # fmt: skip
    titles = {
        "networks": "NK landscape over whole networks, some genes weightier, with noise",
        "cells": "NK landscape over cells, without noise",
    }
    for name, title in titles.items():
        remark = (
            "0 is the mean of random networks and 1 a bound that no network exceeds; the best is the one that looked "
            "best, told without noise. Mean of the seeds with its standard error."
        )
        table = Table(title, f"{command} landscapes", (), (), (remark,))
        tables.append(_compared(kept, name, LANDSCAPE_SEEDS, LANDSCAPE_MARKS, table))
    tables.append(_time_of_asks(kept, command))
    write("bayesian", "Bayesian optimisation beside random search", [each for each in tables if each.rows])


def _compared(kept: Kept, name: str, seeds: Sequence[int], marks: Sequence[int], empty: Table) -> Table:
    found = {kind: {seed: kept.get(f"{name}, {kind}, seed {seed}") for seed in seeds} for kind in ARMS}
    best = {
        kind: {seed: list(map(float, values["best"])) for seed, values in each.items() if values}  # type: ignore[call-overload]
        for kind, each in found.items()
    }
    rows = []
    for kind in ARMS:
        if len(best[kind]) > 1:
            both = sorted(best[kind].keys() & best[ARMS[-1]].keys())
            ours, theirs = ([best[arm][seed][-1] for seed in both] for arm in (kind, ARMS[-1]))
            p = "" if kind == ARMS[-1] else f"{wilcoxon(ours, theirs, alternative='greater').pvalue:.4f}"
            cells = [_cell([values[at] for values in best[kind].values()]) for at in range(len(marks))]
            rows.append([kind, *cells, p, str(len(best[kind]))])
    header = ("", *(f"{mark} evaluations" for mark in marks), f"p after {marks[-1]}", "seeds")
    return Table(empty.title, empty.command, header, rows, empty.remarks)


def _time_of_asks(kept: Kept, command: str) -> Table:
    rows = []
    for kind in ("bayesian", "agebo"):
        found = {each: kept.get(f"asks, {kind}, {each} evaluations") for each in HISTORIES}
        rows += [
            [
                kind,
                f"{each:,}",
                f"{float(str(values['first_s'])):.2f}",
                f"{float(str(values['later_s'])):.2f}",
            ]
            for each, values in found.items()
            if values is not None
        ]
    return Table(
        "Time of an ask",
        f"{command} asks",
        ("", "evaluations", "CPU s, the first, which fits", "CPU s, later ones"),
        rows,
        ("In the default space with three layers, 86 genes that vary.",),
    )


def _cell(values: Sequence[float]) -> str:
    return f"{statistics.fmean(values):.3f} ± {statistics.stdev(values) / math.sqrt(len(values)):.3f}"


PARTS = {"settings": run_settings, "landscapes": run_landscapes, "asks": run_asks}


def main(*parts: str) -> None:
    """Makes what is missing of the parts, and writes the page."""
    kept = Kept(FOLDER / "bayesian.jsonl")
    for part in parts or PARTS:
        if part in PARTS:
            PARTS[part](kept)
    report(kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
