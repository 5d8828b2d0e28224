"""Measures what strategies find without training: on NK landscapes over genomes, and on recorded trainings.

    python -m benchmarks.search_quality [SECONDS [NAME...]]    makes what is missing, for so many CPU seconds at most
    python -m benchmarks.search_quality --report               the page alone

Needs the extra ``opponents``: ``pip install -e '.[opponents]'``. The recorded trainings are read from
``nas_bench_nlp/wikitext2_runs.parquet`` in the folder that EVO_NAS_DATA names, and are left out without it. What was
made is kept in ``benchmarks/results/search_quality.jsonl``, so that a second call goes on. It ends by writing the page
beside it.
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

from benchmarks.landscapes import cell_space, network_space, nk_problem, recorded_problem
from benchmarks.samplers import SAMPLERS
from benchmarks.table import RESULTS, Table, write
from benchmarks.trainings import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.landscapes import Problem

SEEDS = range(1, 21)
NOISE = 0.3
"""Of the standard deviation of random networks: on digits a seed gives .005 to .008 where networks differ by .02."""
SLOW = {"Optuna TPE": (300, 5), "DeepHyper CBO": (100, 3), "Nevergrad": (300, 5)}
"""Samplers that need long to choose; the most evaluations and seeds that they are measured with."""
KEPT = RESULTS / "search_quality.jsonl"
RECORDED = Path(os.environ.get("EVO_NAS_DATA", "data")) / "nas_bench_nlp" / "wikitext2_runs.parquet"


def problems() -> dict[str, tuple[str, Callable[[int], Problem], tuple[int, ...]]]:
    """Returns by key the title of each problem, what makes it from a seed, and the numbers of evaluations."""
    cell, network = cell_space(), network_space()
    made = lru_cache(maxsize=len(SEEDS))(nk_problem)
    found = {
        "network": (
            "NK landscape over whole networks, some genes weightier, with noise",
            lambda seed: made(network, seed, uneven=True, noise=NOISE),
            (100, 300, 1000),
        ),
        "cell": (
            "NK landscape over cells, without noise",
            lambda seed: made(cell, seed),
            (100, 300, 1000),
        ),
    }
    if RECORDED.exists():
        recorded = recorded_problem(RECORDED)
        found["recorded"] = ("Recorded cells of NAS-Bench-NLP", lambda _: recorded, (20, 40, 80))
    return found


def search(problem: Problem, name: str, seed: int, evaluations: int) -> float:
    """Returns the fitness without noise of the best that the sampler ``name`` has seen, on the problem's scale."""
    sampler = SAMPLERS[name](problem.space, seed, evaluations)
    rng = random.Random(seed)
    seen, best = -math.inf, problem.zero
    for _ in range(evaluations):
        genome = sampler.ask()
        if genome is None:
            break
        value = problem.value(genome)
        shown = None if value is None else rng.gauss(value, problem.noise) if problem.noise else value
        if value is not None and shown is not None and shown > seen:
            seen, best = shown, value
        sampler.tell(shown)
    return problem.told(best)


def jobs() -> Iterator[tuple[str, str, int, int]]:
    """Yields problem, sampler, seed and evaluations of all searches, those first that say most for their time."""
    sizes = {key: sizes for key, (_, _, sizes) in problems().items()}
    for evaluations in sorted({size for each in sizes.values() for size in each}):
        for seed in SEEDS:
            for key, each in sizes.items():
                for name in SAMPLERS:
                    most, seeds = SLOW.get(name, (evaluations, len(SEEDS)))
                    if evaluations in each and evaluations <= most and seed <= seeds:
                        yield key, name, seed, evaluations


def main(seconds: float, *names: str) -> None:
    """Makes what is missing, of the samplers ``names`` alone if there are any."""
    warnings.filterwarnings("ignore")
    kept, known = Kept(KEPT), problems()
    for key, name, seed, evaluations in jobs():
        if names and name not in names:
            continue
        label = _label(key, name, seed, evaluations)
        if kept.get(label) is not None or time.process_time() > seconds:
            continue
        problem = known[key][1](seed)
        started = time.process_time()
        best = search(problem, name, seed, evaluations)
        kept.add(label, {"best": best, "cpu_s": time.process_time() - started})
    report()


def report() -> None:
    """Writes the page from all that is kept."""
    kept = Kept(KEPT)
    tables = []
    for key, (title, _, sizes) in problems().items():
        rows = []
        for name in SAMPLERS:
            found = {size: _found(kept, key, name, size) for size in sizes}
            costs = [values["cpu_s"] / size for size, each in found.items() for values in each.values()]
            cost = f"{1e3 * statistics.median(costs):.1f}" if costs else "-"
            rows.append(
                [
                    name,
                    *(_cell([values["best"] for values in each.values()]) for each in found.values()),
                    cost,
                ]
            )
        rows.append(["evo-nas - before", *(_cell(_leads(kept, key, size)) for size in sizes), ""])
        header = ("", *(f"{size:,} evaluations" for size in sizes), "CPU ms an evaluation")
        tables.append(Table(title, "python -m benchmarks.search_quality", header, rows, _remarks(key)))
    write("search_quality", "What strategies find, without training", tables)


def _found(kept: Kept, key: str, name: str, evaluations: int) -> dict[int, dict[str, float]]:
    """Returns by seed what is kept of the searches of ``name``."""
    found = {seed: kept.get(_label(key, name, seed, evaluations)) for seed in SEEDS}
    return {
        seed: {what: float(str(value)) for what, value in values.items()}
        for seed, values in found.items()
        if values is not None
    }


def _leads(kept: Kept, key: str, evaluations: int) -> list[float]:
    """Returns by how much the defaults are ahead of the earlier ones with the same seed."""
    now, before = (_found(kept, key, name, evaluations) for name in ("evo-nas", "evo-nas before"))
    return [now[seed]["best"] - before[seed]["best"] for seed in now.keys() & before.keys()]


def _label(key: str, name: str, seed: int, evaluations: int) -> str:
    return f"{key}, {name}, seed {seed}, {evaluations} evaluations"


def _cell(values: list[float]) -> str:
    if len(values) < 2:
        return "-"
    error = statistics.stdev(values) / math.sqrt(len(values))
    few = f" ({len(values)})" if len(values) < len(SEEDS) else ""
    return f"{statistics.fmean(values):.3f} ± {error:.3f}{few}"


def _remarks(key: str) -> list[str]:
    one = (
        "1 is the lowest perplexity of the table"
        if key == "recorded"
        else "1 is a bound by dynamic programming, which no network exceeds and perhaps none reaches"
    )
    drawn = [
        "Random search and evolution begin with rows of the table, all equally likely; the others draw features, which "
        "lead to the rows with unusual features more often, the published cells among them.",
    ]
    return [
        *(drawn if key == "recorded" else ()),
        f"Mean of {len(SEEDS)} seeds with its standard error; 0 is the mean of random networks, {one}. Where fewer "
        "seeds were run, their number is in brackets.",
        "The best is the one that looked best; its value is told without the noise.",
        "Each number of evaluations is a search of its own, since defaults may follow it. The last row compares "
        "searches with the same seed.",
        "Networks that cannot be built are not counted; known networks are, where they are asked again.",
    ]


if __name__ == "__main__":
    if sys.argv[1:] == ["--report"]:
        report()
    else:
        main(float(sys.argv[1]) if sys.argv[1:] else math.inf, *sys.argv[2:])
