"""Choosing by several seeds and cuts against choosing by one score: which network has the better test metric?

    python -m benchmarks.choosing [NAME...]     makes what is missing; all data sets by default
    python -m benchmarks.choosing --report      the page alone

Run from the root of the repository. Data lie where the configurations say, or where EVO_NAS_DATA says. What was made is
kept in the folder that EVO_NAS_BENCHMARKS names, ``~/.cache/evo-nas-benchmarks`` by default, so that a second call goes
on. One process, one thread. It ends by writing ``benchmarks/results/choosing.md``.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from benchmarks.data_sets import DataSet
from benchmarks.paired import Difference
from benchmarks.table import Table, write
from benchmarks.trainings import FOLDER, Kept, Trainings
from evo_nas.archive import Archive
from evo_nas.champion.finalist_plan import FinalistPlan
from evo_nas.champion.retrain import retrain_here
from evo_nas.champion.selection import select_champion
from evo_nas.cli.formatting import figure
from evo_nas.genome.codec import from_json, to_json
from evo_nas.runs import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.trainings import Result
    from evo_nas.champion.retrain import Retrained

ONE, BOUND, CUTS, KEPT = "one score", "bound", "other cuts", "other cuts, against GRU and LSTM"
WAYS = (ONE, BOUND, CUTS, KEPT)
"""Ways to choose, the reference first."""
EVALUATIONS = 16
FINALISTS = 4
SEARCHES = (1, 2)
"""Seeds of the searches of each data set."""
JUDGES = (1001, 1002, 1003)
"""Seeds of the trainings whose test metric counts; nothing before draws them."""
TRAINING = ("space.layers={max: 1}", "training.schedule=cosine")
SEARCH = (
    f"budget.evaluations={EVALUATIONS}",
    "strategy={kind: aging, population: 8, tournament: 3, warmup: 8}",
    "fitness={repeats: 0.2, rungs: null}",
    *TRAINING,
)
SMALL = ("space.widths=[8, 16, 24, 32]", "space.batch_sizes=[16, 32]")


def _series(file: str, column: str, *, window: int, season: int, epochs: int) -> DataSet:
    return DataSet(
        "series",
        (
            f"task.path=series/{file}.csv",
            f"task.targets=[{column}]",
            f"task.window={window}",
            f"task.season={season}",
            "task.gaps=keep",
            f"training.epochs={epochs}",
        ),
    )


DATA_SETS = {
    "airline": DataSet("series", ("training.epochs=20",)),
    "sunspots": _series("monthly-sunspots", "Sunspots", window=24, season=132, epochs=4),
    "temperatures": _series("daily-min-temperatures", "Temp", window=14, season=365, epochs=4),
    "japanese_vowels": DataSet("japanese_vowels", (*SMALL, "training.epochs=10")),
    "digits": DataSet("quickstart", (*SMALL, "training.epochs=6")),
    "promoters": DataSet("promoters", (*SMALL, "training.epochs=2")),
}
REMARKS = (
    f"Each search: aging evolution, {EVALUATIONS} evaluations of which one in five repeats an earlier network, on "
    f"small networks of one layer and few epochs; {len(SEARCHES)} searches of each data set.",
    f"{ONE}: the highest first score. {BOUND}: the highest lower bound given the noise of the run. {CUTS}: of the "
    f"{FINALISTS} highest bounds the best mean of 3 trainings on other cuts, with other seeds. {KEPT}: the same, and "
    "the same network around a GRU or LSTM in its place where that is as good on these cuts.",
    f"Test: mean test metric of what was chosen, trained again from scratch on the cut of the search with the same "
    f"{len(JUDGES)} seeds, which chose nothing. Gains are paired by search and seed, positive where the way is better "
    f"than {ONE}, with a 95 % interval by Student's t.",
)


@dataclass(frozen=True)
class Chosen:
    """What each way chose in one search, and its test metric with each seed that judges.

    Attributes:
        results: Trainings by the way, in the order of the seeds.
    """

    results: dict[str, list[Result]]


class Choice:
    """One search, what each way chooses from it, and how good that is.

    Args:
        name: Name of the data set.
        seed: Seed of the search.
        make: Whether to make what is missing.
    """

    def __init__(self, name: str, seed: int, *, make: bool) -> None:
        self._name = name
        self._data_set = DATA_SETS[name]
        self._seed = seed
        self._make = make
        self._kept = Kept(FOLDER / "choosing" / f"{name}.jsonl")
        self._trainings = Trainings(self._data_set, *TRAINING, kept=self._kept)

    def chosen(self) -> Chosen | None:
        """Returns what was chosen and how good it is; None if something is missing and must not be made."""
        networks = self._networks()
        if networks is None:
            return None
        results: dict[str, list[Result]] = {way: [] for way in WAYS}
        # One seed of all ways after the other, so that an interruption leaves whole pairs.
        for judge in JUDGES:
            for way in WAYS:
                architecture = from_json(networks[way])
                kept = self._trainings.kept(architecture, judge)
                if kept is None and not self._make:
                    return None
                results[way].append(kept or self._trainings.result(architecture, judge))
        return Chosen(results)

    def _networks(self) -> dict[str, str] | None:
        """Returns the JSON of the network that each way chooses."""
        key = f"search {self._seed}, {SEARCH}, {FINALISTS} finalists"
        kept = self._kept.get(key)
        if kept is None and self._make:
            kept = self._search()
            self._kept.add(key, kept)
        return None if kept is None else {way: str(kept[way]) for way in WAYS}

    def _search(self) -> dict[str, object]:
        started = time.process_time()
        experiment = self._data_set.experiment(*SEARCH, f"seed={self._seed}")
        run = Run.at(FOLDER / "choosing" / f"{self._name}-{self._seed}")
        with experiment.open(run, executor="inline") as search:
            search.run()
        told = run.history().told
        archive = Archive()
        # The first score of each network, as if nothing had been repeated.
        archive.update(each for each in told if each.candidate.repeats is None)
        assert archive.best is not None, "every search of this benchmark scores something"
        plan = FinalistPlan.of(run, experiment, count=FINALISTS)
        results: dict[str, Retrained] = {}
        for _ in plan.hold(run.champion, retrain_here, experiment.config.training, results):
            pass
        best = plan.judged(results)[0]
        decode = experiment.space.decode
        found: dict[str, object] = {
            ONE: to_json(decode(archive.best.candidate.genome)),
            BOUND: to_json(decode(select_champion(told, run).candidate.genome)),
            CUTS: to_json(best.architecture),
            KEPT: to_json(best.put_forward),
            "noise": str(plan.prior),
            "judged on": plan.judging.said,
            "said": best.sentence,
            "cpu_s": round(time.process_time() - started, 1),
        }
        print(f"{self._name}, search {self._seed}: {found}", flush=True)
        return found


def main(*names: str) -> None:
    """Makes what is missing and writes the page."""
    torch.set_num_threads(1)
    if names != ("--report",):
        # One search of every data set before the second of any.
        for seed in SEARCHES:
            for name in names or DATA_SETS:
                Choice(name, seed, make=True).chosen()
                report()
    report()


def report() -> None:
    """Writes the page from all that is kept."""
    found = {
        name: [each for seed in SEARCHES if (each := Choice(name, seed, make=False).chosen()) is not None]
        for name in DATA_SETS
    }
    rows = [row for name, searches in found.items() if searches for row in _rows(name, searches)]
    missing = [name for name, searches in found.items() if not searches]
    remarks = [*_verdict(found), *REMARKS, *([f"Not run: {', '.join(missing)}."] if missing else [])]
    header = ("data", "metric", "searches", "way", "test", "other choice in", f"gain over {ONE}, 95 %", "")
    table = Table("Test metric of the chosen", "python -m benchmarks.choosing", header, rows, remarks)
    print(table)
    write("choosing", "Choosing by several seeds and cuts, and by one score", [table])


def _rows(name: str, searches: Sequence[Chosen]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for way in WAYS:
        results = [result for each in searches for result in each.results[way]]
        gain = _gain(searches, way)
        other = sum(each.results[way] != each.results[ONE] for each in searches)
        rows.append(
            (
                name,
                results[0].metric,
                str(len(searches)),
                way,
                figure(statistics.fmean(result.test for result in results)),
                "" if way == ONE else f"{other} of {len(searches)}",
                "" if way == ONE else str(gain),
                "**better**" if gain.is_gain else "**worse**" if gain.is_loss else "",
            )
        )
    return rows


def _fitness(results: Sequence[Result]) -> list[float]:
    return [result.test if result.higher_is_better else -result.test for result in results]


def _gain(searches: Sequence[Chosen], way: str) -> Difference:
    pairs = [
        pair
        for each in searches
        for pair in zip(_fitness(each.results[way]), _fitness(each.results[ONE]), strict=True)
        if all(map(math.isfinite, pair))
    ]
    return Difference.of([mine for mine, _ in pairs], [other for _, other in pairs])


def _in_noise(chosen: Chosen, way: str) -> float:
    """Returns the mean gain of a way in standard deviations between seeds; NaN where these have no spread."""
    mine, others = _fitness(chosen.results[way]), _fitness(chosen.results[ONE])
    noise = statistics.stdev(others)
    return (statistics.fmean(mine) - statistics.fmean(others)) / noise if noise > 0 else math.nan


def _verdict(found: dict[str, list[Chosen]]) -> list[str]:
    """Returns one sentence for each way, over all data sets: gains in standard deviations between seeds."""
    told = []
    for way in WAYS[1:]:
        gains = list(
            filter(math.isfinite, (_in_noise(each, way) for some in found.values() for each in some))
        )
        if not gains:
            continue
        signs = [sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)]
        over = Difference.of(gains, [0.0] * len(gains))
        word = (
            "better"
            if over.is_gain
            else "worse"
            if over.is_loss
            else "no better and no worse, by the interval"
        )
        told.append(
            f"{way} against {ONE}, over {len(gains)} searches: {over} standard deviations between seeds: {word}; ahead "
            f"in {signs[0]}, behind in {signs[1]}, the same network in {sum(gain == 0 for gain in gains)}."
        )
    return told


if __name__ == "__main__":
    main(*sys.argv[1:])
