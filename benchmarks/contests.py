"""Champion, LSTM and baselines of one data set: two searches alike, and trainings that chose nobody."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmarks.data_sets import DATA_SETS
from benchmarks.trainings import FOLDER, Kept, Trainings
from evo_nas.champion.opponents import equal_lstm, is_lstm
from evo_nas.champion.selection import select_champion
from evo_nas.genome.codec import from_json, to_json
from evo_nas.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.trainings import Result
    from evo_nas.experiment import Experiment
    from evo_nas.genome.architecture import Architecture

STRATEGY = "strategy={kind: aging, population: 12, tournament: 4, warmup: 12}"
PLAIN = (
    *("space.cells=[lstm]", "space.seeds=[lstm]", "space.evolve_cell=false", "space.norms=[none]"),
    *("space.fronts=[none]", "space.shortcuts=[none]", "space.columns=[together]", "space.segments=[0]"),
    *("space.residuals=[false]", "space.periods=[1]", "space.contexts=[none]"),
    *("space.embedding_dropouts=[0.0]", "space.recurrent_dropouts=[0.0]"),
)
"""What makes a space one of LSTMs: widths, depth, directions, pooling, rates, batches and dropout stay as they are."""
SEEDS = (1001, 1002, 1003, 1004, 1005)
"""Seeds of the trainings that are judged; no search draws them."""
BASELINES_LIMIT_S = 120.0
NAMES = ("champion", "LSTM", "champion with LSTM cells")


@dataclass(frozen=True)
class Challenge:
    """A search on a data set.

    Attributes:
        evaluations: Candidates of the search, and of that for an LSTM.
        space: Overrides of the space of the search.
        to_pass: A test metric that is to be passed; None for none.
        note: What the page says beside it.
    """

    evaluations: int
    space: tuple[str, ...] = ()
    to_pass: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        architecture: The fittest architecture of the search, as JSON.
        validation: Its validation metric in the search.
        scored: Evaluations that have a score.
        cpu_s: Seconds of processor time of the search.
    """

    architecture: str
    validation: float
    scored: int
    cpu_s: float


@dataclass(frozen=True)
class Judged:
    """The trainings of one contestant, in the order of their seeds or cuts."""

    name: str
    architecture: Architecture
    results: tuple[Result, ...]

    @property
    def test(self) -> float:
        """Mean test metric."""
        return statistics.fmean(result.test for result in self.results)

    @property
    def higher_is_better(self) -> bool:
        """Direction of the metric."""
        return self.results[0].higher_is_better


class Contest:
    """Makes what is missing of the comparison on one data set, and answers from what is kept.

    Args:
        name: Name of the data set.
        challenge: The search.
        make: Whether to make what is missing; otherwise it is left out.
    """

    def __init__(self, name: str, challenge: Challenge, *, make: bool) -> None:
        self.name = name
        self.challenge = challenge
        self.data_set = DATA_SETS[name]
        self._make = make
        self._kept = Kept(FOLDER / "champions" / f"{name}.jsonl")

    @cached_property
    def found(self) -> dict[str, Found]:
        """What each of the two searches found, by the name of the contestant."""
        arms = {NAMES[0]: self.challenge.space, NAMES[1]: (*self.challenge.space, *PLAIN)}
        found = {arm: self._search(arm, changes) for arm, changes in arms.items()}
        return {arm: each for arm, each in found.items() if each is not None}

    @cached_property
    def contestants(self) -> dict[str, Architecture]:
        """The network of each contestant; the third is left out where the champion has LSTM cells itself."""
        networks = {arm: from_json(found.architecture) for arm, found in self.found.items()}
        champion = networks.get(NAMES[0])
        if champion is not None and not is_lstm(champion):
            networks[NAMES[2]] = self._with_lstm_cells(champion)
        return networks

    def _with_lstm_cells(self, champion: Architecture) -> Architecture:
        # Kept, since the signature of the task needs its data, which a report does not read.
        key = f"{NAMES[2]} {to_json(champion)}"
        kept = self._kept.get(key)
        if kept is None:
            signature = self._given.experiment.dataset.signature
            kept = {"architecture": to_json(equal_lstm(champion, champion, signature))}
            self._kept.add(key, kept)
        return from_json(str(kept["architecture"]))

    def on_given_cut(self) -> list[Judged]:
        """Returns trainings with fresh seeds on the cut that the search saw."""
        return self._judged([(self._given, seed) for seed in SEEDS])

    def on_other_cuts(self) -> list[Judged]:
        """Returns a training on each cut that no search saw, each with a seed of its own."""
        return self._judged(list(zip(self._others, SEEDS, strict=False)))

    def baselines(self) -> list[dict[str, float]]:
        """Returns the test scores of the baselines on the given cut and on each other one."""
        found = [self._baselines(*changes) for changes in ((), *self.data_set.cuts)]
        return [scores for scores in found if scores is not None]

    @cached_property
    def _given(self) -> Trainings:
        return Trainings(self.data_set, kept=self._kept)

    @cached_property
    def _others(self) -> list[Trainings]:
        return [Trainings(self.data_set, *changes, kept=self._kept) for changes in self.data_set.cuts]

    def _judged(self, trainings: list[tuple[Trainings, int]]) -> list[Judged]:
        # One seed of all contestants after the other, so that an interruption leaves whole pairs.
        results: dict[str, list[Result]] = {name: [] for name in self.contestants}
        for each, seed in trainings:
            for name, architecture in self.contestants.items():
                kept = each.result(architecture, seed) if self._make else each.kept(architecture, seed)
                if kept is not None:
                    results[name].append(kept)
        return [
            Judged(name, architecture, tuple(results[name]))
            for name, architecture in self.contestants.items()
            if trainings and len(results[name]) == len(trainings)
        ]

    def _search(self, arm: str, changes: tuple[str, ...]) -> Found | None:
        key = f"{arm}, {self.challenge.evaluations} evaluations"
        kept = self._kept.get(key)
        if kept is not None:
            return Found(**kept)  # type: ignore[arg-type]
        if not self._make:
            return None
        budget = f"budget.evaluations={self.challenge.evaluations}"
        experiment = self.data_set.experiment(budget, STRATEGY, *changes)
        run = Run.at(FOLDER / "champions" / f"{self.name}-{arm}")
        self._timed(f"{arm}, seconds", lambda: _run(experiment, run))
        told = run.history().told
        best = select_champion(told, run)
        outcome = best.outcome
        found = Found(
            to_json(experiment.space.decode(best.candidate.genome)),
            outcome.metrics[outcome.metric],
            sum(evaluation.is_complete for evaluation in told),
            self._seconds(f"{arm}, seconds"),
        )
        self._kept.add(key, asdict(found))
        print(f"{self.name}: {arm} {found}", flush=True)
        return found

    def _baselines(self, *changes: str) -> dict[str, float] | None:
        key = f"baselines {changes}"
        kept = self._kept.get(key)
        if kept is None and self._make:
            started = time.process_time()
            results = self.data_set.experiment(*changes).prepared.fit_baselines(BASELINES_LIMIT_S)
            kept = {name: result.score for name, result in results.items() if result.score is not None}
            self._kept.add(key, kept)
            print(f"{self.name}: {kept}, {time.process_time() - started:.0f} CPU s", flush=True)
        return kept  # type: ignore[return-value]

    def _timed(self, key: str, work: Callable[[], None]) -> None:
        """Does ``work`` and adds its seconds to those of earlier days, also if it is interrupted."""
        started = time.process_time()
        try:
            work()
        finally:
            self._kept.add(key, {"cpu_s": self._seconds(key) + time.process_time() - started})

    def _seconds(self, key: str) -> float:
        values = self._kept.get(key) or {}
        return float(values.get("cpu_s", 0.0))  # type: ignore[arg-type]


def _run(experiment: Experiment, run: Run) -> None:
    with experiment.open(run, executor="inline") as search:
        search.run()
