"""Compares the default space with a narrower one, without fronts and shortcuts, at 50 evaluations of each search.

    python -m benchmarks.spaces [NAME...]     makes what is missing; all data sets by default, the cheap ones first
    python -m benchmarks.spaces --report      the page alone

Run from the root of the repository. Data lie where the configurations say, or where EVO_NAS_DATA says. What was made is
kept in the folder that EVO_NAS_BENCHMARKS names, ``~/.cache/evo-nas-benchmarks`` by default, so that a second call goes
on. One process, one thread. It ends by writing ``benchmarks/results/spaces.md``.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

import torch

from benchmarks.data_sets import DATA_SETS
from benchmarks.paired import Difference
from benchmarks.table import Table, write
from benchmarks.trainings import FOLDER, Kept, Trainings
from evo_nas.champion.selection import select_champion
from evo_nas.cli.formatting import figure
from evo_nas.genome.codec import from_json, to_json
from evo_nas.genome.options import SpaceOptions
from evo_nas.runs import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

EVALUATIONS = 50
SEARCHES = (1, 2, 3)
SEEDS = (1001, 1002)
"""Seeds of the trainings that are judged; no search draws them."""
NAMES = ("airline", "sunspots", "japanese_vowels", "digits", "etth1")
BLOCKS = ("fronts", "shortcuts", "columns", "segments")
NARROW = (
    *("space.fronts=[none]", "space.shortcuts=[none]", "space.columns=[together]", "space.segments=[0]"),
)
HEADER = (
    "data, metric",
    "narrow",
    "default",
    "gain of the default, 95 %",
    "",
    "searches",
    "CPU s of a search",
)


def default() -> tuple[str, ...]:
    """Returns the overrides that give the blocks of a space their defaults."""
    options = SpaceOptions()
    return tuple(f"space.{name}=[{', '.join(map(str, getattr(options, name)))}]" for name in BLOCKS)


class Comparison:
    """The two spaces on one data set; makes what is missing unless told otherwise."""

    def __init__(self, name: str, *, make: bool) -> None:
        self.name = name
        self._make = make
        self._kept = Kept(FOLDER / "spaces" / f"{name}.jsonl")
        self._trainings = Trainings(DATA_SETS[name], kept=self._kept)
        self.metric = ""
        self.higher_is_better = True

    def pairs(self) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
        """Yields for each seed of a search test metric and CPU seconds in the narrow and in the default space."""
        for seed in SEARCHES:
            arms = self._arm("narrow", NARROW, seed), self._arm("default", default(), seed)
            if arms[0] is not None and arms[1] is not None:
                yield arms[0], arms[1]

    def _arm(self, arm: str, changes: tuple[str, ...], seed: int) -> dict[str, float] | None:
        found = self._search(arm, changes, seed)
        if found is None:
            return None
        architecture = from_json(str(found["architecture"]))
        get = self._trainings.result if self._make else self._trainings.kept
        results = [result for each in SEEDS if (result := get(architecture, each)) is not None]
        if len(results) < len(SEEDS):
            return None
        self.metric, self.higher_is_better = results[0].metric, results[0].higher_is_better
        return {"test": statistics.fmean(each.test for each in results), "cpu_s": float(str(found["cpu_s"]))}

    def _search(self, arm: str, changes: tuple[str, ...], seed: int) -> dict[str, object] | None:
        key = f"{arm} {changes}, seed {seed}, {EVALUATIONS} evaluations"
        found = self._kept.get(key)
        if found is not None or not self._make:
            return found
        overrides = (f"budget.evaluations={EVALUATIONS}", f"seed={seed}", *changes)
        experiment = DATA_SETS[self.name].experiment(*overrides)
        run, started = Run.at(FOLDER / "spaces" / f"{self.name}-{arm}-{seed}"), time.process_time()
        with experiment.open(run, executor="inline") as search:
            search.run()
        best = select_champion(run.history().told, run)
        found = {
            "architecture": to_json(experiment.space.decode(best.candidate.genome)),
            "cpu_s": time.process_time() - started,
        }
        self._kept.add(key, found)
        print(f"{self.name}, {arm}, seed {seed}: {found['cpu_s']:.0f} CPU s", flush=True)
        return found

    def row(self) -> list[str] | None:
        """Returns the cells of the table; None if there is no pair."""
        pairs = list(self.pairs())
        if not pairs:
            return None
        sign = 1 if self.higher_is_better else -1
        gain = Difference.of(*([sign * pair[arm]["test"] for pair in pairs] for arm in (1, 0)))
        tests, seconds = (
            [statistics.fmean(pair[arm][what] for pair in pairs) for arm in (0, 1)]
            for what in ("test", "cpu_s")
        )
        return [
            f"{self.name}, {self.metric}",
            *map(figure, tests),
            str(gain),
            "**better**" if gain.is_gain else "**worse**" if gain.is_loss else "",
            f"{len(pairs)}",
            " → ".join(f"{each:.0f}" for each in seconds),
        ]


def main(*names: str) -> None:
    torch.set_num_threads(1)
    for name in () if names == ("--report",) else names or NAMES:
        for _ in Comparison(name, make=True).pairs():
            report()
    report()


def report() -> None:
    """Writes the page from all that is kept."""
    rows = {name: Comparison(name, make=False).row() for name in NAMES}
    missing = [name for name, row in rows.items() if row is None]
    remarks = [
        f"Searches of {EVALUATIONS} evaluations by the strategy of each configuration, with the blocks of the default "
        "space (fronts, shortcuts, columns, segments) and without them; widths, cells, norms and training are alike.",
        f"The champion of each search, by validation, is trained again with {len(SEEDS)} seeds that no search saw; the "
        "test metric is their mean. Pairs are searches with the same seed; the interval is Student's t over them.",
        *([f"Not run: {', '.join(missing)}."] if missing else []),
    ]
    table = Table(
        "At 50 evaluations",
        "python -m benchmarks.spaces",
        HEADER,
        [row for row in rows.values() if row],
        remarks,
    )
    write("spaces", "The default space and a narrower one", [table])


if __name__ == "__main__":
    main(*sys.argv[1:])
