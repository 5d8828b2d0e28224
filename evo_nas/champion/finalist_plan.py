"""`FinalistPlan`: judges the best networks of a run on rows that did not choose them.

A search looks at its own validation part hundreds of times, so that its leaders fit that part. The plan lists trainings
of the finalists on other cuts of training and validation, with other seeds, the same for all of them::

    plan = FinalistPlan.of(run, experiment)
    results = {}
    for made in plan.hold(run.champion, retrain_here, experiment.config.training, results):
        print(len(results), made and made.name)
    best, *others = plan.judged(results)
    best.put_forward  # its network, or the same around a GRU or LSTM if that is as good

None of these trainings looks at the test part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evo_nas.champion.finalists import CutScores, finalists_of
from evo_nas.champion.opponents import TO_BEAT, equal_around
from evo_nas.champion.retrain import Retrained, Retraining
from evo_nas.champion.selection import Ranking
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS, spoken_name
from evo_nas.randomness import derive_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evo_nas.champion.finalists import Finalist
    from evo_nas.champion.retrain import Retrain
    from evo_nas.champion.selection import Prior
    from evo_nas.config import TrainingConfig
    from evo_nas.config.schema import ScheduleKind
    from evo_nas.experiment import Experiment
    from evo_nas.genome.architecture import Architecture
    from evo_nas.runs import Run
    from evo_nas.runs.champion_store import ChampionStore
    from evo_nas.tasks.dataset import Dataset

FINALISTS = 5
"""How many finalists are judged where nobody says otherwise."""
TRAININGS = 3
"""Trainings that judge each finalist, each on a cut of its own where the data have as many."""
_CELLS = {name: canonical(NAMED_CELLS[name]) for name in TO_BEAT}


@dataclass(frozen=True, slots=True)
class JudgingCuts:
    """Cuts and seeds on which networks are compared that the cut of the search has chosen.

    Attributes:
        dataset: The data with these cuts; cut 0 is that of the run.
        cuts: The cut of each training.
        seeds: The seed of each training.
        said: That in words.
    """

    dataset: Dataset
    cuts: tuple[int, ...]
    seeds: tuple[int, ...]
    said: str

    @classmethod
    def of(cls, experiment: Experiment, trainings: int) -> JudgingCuts:
        """Returns ``trainings`` pairs of a cut and a seed, on as many cuts as the data of ``experiment`` have."""
        seen = experiment.config.validation.cuts
        dataset, limit = experiment.with_most_cuts(seen + trainings)
        cuts, said = _judging_cuts(seen, len(dataset.cuts), trainings=trainings, limit=limit)
        seeds = (derive_seed(experiment.config.seed, "finalist", number) for number in range(trainings))
        return cls(dataset, tuple(cuts), tuple(seeds), said)

    def requests(
        self, name: str, architecture: Architecture, *, epochs: int, schedule: ScheduleKind | None = None
    ) -> list[Retraining]:
        """Returns the trainings that judge ``architecture``; none of them looks at the test part."""
        return [
            Retraining(f"{name}, cut {cut}", architecture, epochs, seed, cut=cut, schedule=schedule)
            for cut, seed in zip(self.cuts, self.seeds, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class FinalistPlan:
    """The trainings that judge the finalists of a run, and what follows from them.

    Attributes:
        finalists: The finalists, by their bounds in the run.
        prior: What the scores of the run say, and how noisy they are.
        judging: The cuts and seeds that judge them.
        name: What a finalist is called in displays.
        beats_cells: Whether the best of them has to beat the same network around each of `TO_BEAT`.
    """

    finalists: tuple[Finalist, ...]
    prior: Prior
    judging: JudgingCuts
    name: str = "finalist"
    beats_cells: bool = True

    @classmethod
    def of(
        cls,
        run: Run,
        experiment: Experiment,
        *,
        count: int = FINALISTS,
        trainings: int = TRAININGS,
        name: str = "finalist",
        beats_cells: bool = True,
    ) -> FinalistPlan:
        """Chooses the finalists of a run and how they are judged, without training anything.

        Args:
            run: A run with at least one score; it need not be complete.
            experiment: The experiment of that run.
            count: How many finalists are wanted.
            trainings: How many trainings judge each of them.
            name: What a finalist is called in displays.
            beats_cells: Whether the best has to beat published cells in its own place.

        Raises:
            ChampionError: No candidate of the run was scored.
        """
        objectives = experiment.config.fitness.objectives
        ranking = Ranking.of(run.history().told, run, objectives=objectives)
        chosen = finalists_of(ranking, experiment.space, objectives=objectives, count=count)
        judging = JudgingCuts.of(experiment, trainings)
        return cls(tuple(chosen), ranking.prior, judging, name, beats_cells)

    def wanted(self, results: Mapping[str, Retrained]) -> list[Retraining]:
        """Returns the trainings that are missing in ``results`` now; more may follow from these, empty if none do.

        First those of all finalists, then those of the leader around a GRU and an LSTM of the same size.
        """
        missing = [
            request
            for finalist in self.finalists
            for request in self._requests(finalist, finalist.architecture, f"{self.name} #{finalist.number}")
            if request.key not in results
        ]
        if missing:
            return missing
        leader = max(self.finalists, key=lambda each: self._scored(each, results).rank)
        return [
            request
            for name, architecture in self._around_others(leader.architecture)
            for request in self._requests(
                leader, architecture, f"{self.name} #{leader.number} around the {name}"
            )
            if request.key not in results
        ]

    def hold(
        self,
        store: ChampionStore,
        retrain: Retrain,
        training: TrainingConfig,
        results: dict[str, Retrained],
    ) -> Iterator[Retraining | None]:
        """Makes the trainings that ``store`` does not keep yet; yields each when it is made and kept.

        Yields None now and then while none is made, so that the caller can do something else or stop.

        Args:
            store: Where trainings are kept, so that an interrupted judgement goes on.
            retrain: Makes the trainings.
            training: How they are trained.
            results: Every training by its key; what is kept and what is made is added.
        """
        while wanted := self.wanted(results):
            kept = _kept(wanted, store)
            # What failed is made again: the cause may have been the machine.
            results |= {key: result for key, result in kept.items() if not result.error}
            missing = [request for request in wanted if request.key not in results]
            for made in retrain(missing, self.judging.dataset, training):
                if made is None:
                    yield None
                    continue
                request, result, weights = made
                store.keep_training(request.key, result.to_values(), weights)
                results[request.key] = result
                yield request
            if any(request.key not in results for request in missing):
                return  # whoever makes them was stopped

    def kept(self, store: ChampionStore) -> dict[str, Retrained]:
        """Returns the trainings that ``store`` keeps of those that judge, by their keys."""
        results: dict[str, Retrained] = {}
        while found := _kept(self.wanted(results), store):
            results |= found
        return results

    def judged(self, results: Mapping[str, Retrained]) -> list[Finalist]:
        """Returns the finalists with their scores on the cuts, best first by the mean; the first with its opponents.

        Args:
            results: Every training that `wanted` asked for, by its key.
        """
        scored = [replace(each, scores=self._scored(each, results)) for each in self.finalists]
        # Of equals the one that led in the run stays ahead.
        leader, *others = sorted(scored, key=_rank, reverse=True)
        opponents = tuple(
            self._scores(name, leader, architecture, results)
            for name, architecture in self._around_others(leader.architecture)
        )
        return [replace(leader, opponents=opponents), *others]

    def _scored(self, finalist: Finalist, results: Mapping[str, Retrained]) -> CutScores:
        return self._scores(f"#{finalist.number}", finalist, finalist.architecture, results)

    def _scores(
        self, name: str, finalist: Finalist, architecture: Architecture, results: Mapping[str, Retrained]
    ) -> CutScores:
        requests = self._requests(finalist, architecture, name)
        values = tuple(results[request.key].validation for request in requests)
        return CutScores(name, architecture, values, self.judging.dataset.metric)

    def _requests(self, finalist: Finalist, architecture: Architecture, name: str) -> list[Retraining]:
        return self.judging.requests(name, architecture, epochs=finalist.trial.candidate.budget)

    def _around_others(self, architecture: Architecture) -> list[tuple[str, Architecture]]:
        """Returns the network around each of `TO_BEAT` at its size; none if its cells are one of these already."""
        if not self.beats_cells:
            return []
        cells = {canonical(layer.cell) for layer in architecture.layers}
        if len(cells) == 1 and cells <= set(_CELLS.values()):
            return []
        return [
            (
                spoken_name(cell) or name,
                equal_around(cell, architecture, architecture, self.judging.dataset.signature),
            )
            for name, cell in _CELLS.items()
        ]


def _kept(requests: Sequence[Retraining], store: ChampionStore) -> dict[str, Retrained]:
    values = ((request.key, store.training(request.key)) for request in requests)
    return {key: Retrained.from_values(found) for key, found in values if found is not None}


def _rank(finalist: Finalist) -> tuple[int, float]:
    assert finalist.scores is not None, "only those that were judged are ranked"
    return finalist.scores.rank


def _judging_cuts(seen: int, others: int, *, trainings: int, limit: str) -> tuple[list[int], str]:
    """Returns the cut of each training that judges, and that in words.

    Args:
        seen: Cuts that the search trained on, the first included.
        others: Cuts that there are beside the first.
        trainings: Trainings that judge.
        limit: Why there are not more.
    """
    # Those that the search never saw; then those on which it only repeated trainings; new seeds alone at last.
    unseen, repeated = range(seen, others + 1), range(1, min(seen, others + 1))
    cuts = [*unseen, *repeated][:trainings] or [0]
    numbers = [cuts[place % len(cuts)] for place in range(trainings)]
    if cuts == [0]:
        return numbers, f"{trainings} new seeds on the cut of the search, since {limit}"
    parts = [
        f"{len(cuts)} other {'cut' if len(cuts) == 1 else 'cuts'} of training and validation, with new seeds"
    ]
    if len(unseen) < len(cuts):
        parts.append(f"{len(cuts) - len(unseen)} of them seen by repeated trainings of the search")
    if len(cuts) < trainings:
        parts.append(f"no more cuts, since {limit}")
    return numbers, "; ".join(parts)
