"""Replays a finished run with other rungs: what would they have saved, and would the best have been kept?"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evo_nas.config import FitnessOptions, configured
from evo_nas.errors import ConfigError, RunError
from evo_nas.evaluation import Status, best_first, is_negated
from evo_nas.execution.simulated import Simulation
from evo_nas.replay.playing import Played, play
from evo_nas.replay.recorded_task import RecordedTask
from evo_nas.replay.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.config import SearchConfig
    from evo_nas.evaluation import Evaluation

REPLAYABLE = ("fitness.rungs", "fitness.pruning", "fitness.reduction", "fitness.grow")
"""The keys that a replay may change: all else would need trainings that were not made."""


_OFF: dict[str, Any] = {
    "repeats": 0.0, "confirm": False, "seeds_per_candidate": 1, "inheritance": "none", "memory": None,
    "objectives": ("fitness",),
}  # fmt: skip
"""What a replay cannot do: it has one training of each candidate."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A run with other rungs beside the same run without any, both on the same virtual machines.

    Attributes:
        train_s: Seconds of training.
        full_train_s: Seconds of training without rungs.
        wall_s: Seconds from the start to the end of the search.
        full_wall_s: The same without rungs.
        cpu_s: CPU seconds of training; 0 if none were recorded.
        full_cpu_s: The same without rungs.
        complete: How many candidates are trained to the end.
        pruned: How many are pruned and never go on.
        beyond: How many are trained further than they were in the run, which pruned them itself. They count as no
            better than they were, and their seconds as those before.
        best: The best evaluation of the run.
        kept: The evaluation of the run that is the best with rungs: of those that were trained furthest, with its
            score of a whole training; None if none is scored.
    """

    train_s: float
    full_train_s: float
    wall_s: float
    full_wall_s: float
    cpu_s: float
    full_cpu_s: float
    complete: int
    pruned: int
    beyond: int
    best: Evaluation
    kept: Evaluation | None

    @property
    def regret(self) -> float | None:
        """By how much the fitness of the kept candidate is below that of the best; None if none was kept."""
        if self.kept is None:
            return None
        best, kept = self.best.fitness, self.kept.fitness
        assert best is not None, "the best was scored"
        assert kept is not None, "what was kept was scored"
        return best - kept

    @property
    def is_best_kept(self) -> bool:
        """Whether the best candidate is trained to the end."""
        return self.complete > 0 and self.regret == 0.0


class RunReplay:
    """The trainings of a finished run, ready to be replayed; a training that went on from a rung is one.

    Args:
        told: The evaluations of the run.
        seed: Seed of the run.

    Raises:
        RunError: Its trainings were not recorded as a replay needs them; the message says why.
    """

    def __init__(self, told: Sequence[Evaluation], *, seed: int) -> None:
        trainings = _trainings(told)
        self._evaluations = {parts[0].candidate.canonical_hash: parts[-1] for parts in trainings}
        _check_replayable(list(self._evaluations.values()))
        self._seed = seed
        self._order = list(self._evaluations)
        # Of a training that the run pruned nobody knows whether it would have been the best.
        complete = (each for each in self._evaluations.values() if each.is_complete)
        (self._best,) = best_first(complete, lambda each: each.standing, count=1)
        outcome, fitness = self._best.outcome, self._best.fitness
        assert fitness is not None, "a complete training is scored"
        recordings = {
            parts[0].candidate.canonical_hash: [
                recording_of(
                    parts,
                    metric=outcome.metric,
                    higher_is_better=not is_negated(outcome.metrics[outcome.metric], fitness),
                )
            ]
            for parts in trainings
        }
        places = {key: (place,) for place, key in enumerate(self._order)}
        self._task = RecordedTask(recordings, places, ["place"], {})
        self.epochs = trainings[0][0].candidate.budget
        self.candidates = len(trainings)

    @property
    def unfinished(self) -> int:
        """How many trainings the run itself pruned, so that nobody knows how they would have ended."""
        return sum(each.status is Status.PRUNED for each in self._evaluations.values())

    def with_rungs(self, fitness: FitnessOptions, *, workers: int, shuffled: int | None = None) -> Replayed:
        """Replays the run.

        Args:
            fitness: The rungs and their rule, from `rungs_of`.
            workers: How many workers train.
            shuffled: The number of a random order of the candidates; the recorded order if None.

        Raises:
            ConfigError: The rungs do not suit the epochs of the run.
        """
        order = list(self._order)
        if shuffled is not None:
            random.Random(shuffled).shuffle(order)
        full = self._play(order, fitness.model_copy(update={"rungs": None}), workers)
        pruned = self._play(order, fitness, workers)
        counts = Counter(each.status for each in pruned.told)
        beyond = {
            each.candidate.canonical_hash
            for each in pruned.told
            if each.outcome.epochs > self._evaluations[each.candidate.canonical_hash].outcome.epochs
        }
        promoted = sum(each.candidate.continues is not None for each in pruned.told)
        return Replayed(
            train_s=pruned.train_s,
            full_train_s=full.train_s,
            wall_s=pruned.wall_s,
            full_wall_s=full.wall_s,
            cpu_s=pruned.cpu_s,
            full_cpu_s=full.cpu_s,
            complete=counts[Status.OK],
            pruned=counts[Status.PRUNED] - promoted,
            beyond=len(beyond),
            best=self._best,
            kept=self._recorded(pruned),
        )

    def _recorded(self, played: Played) -> Evaluation | None:
        """Returns the evaluation of the run that the best of ``played`` replays."""
        return None if played.best is None else self._evaluations[played.best.candidate.canonical_hash]

    def _play(self, order: Sequence[str], fitness: FitnessOptions, workers: int) -> Played:
        strategy = self._task.in_order(order, seed=self._seed, epochs=self.epochs, fitness=fitness)
        return play(strategy, self._task.replayer, Simulation(workers=workers))


def rungs_of(config: SearchConfig, overrides: Sequence[str]) -> FitnessOptions:
    """Returns the rungs of ``config`` with ``overrides``, each ``dotted.key=value``, and nothing else of its fitness.

    Without rungs in either, they are chosen as ``auto`` does.

    Raises:
        ConfigError: An override is wrong, or needs trainings that were not recorded.
    """
    for override in overrides:
        key = override.partition("=")[0].strip()
        if key not in REPLAYABLE:
            raise ConfigError(
                f"override {override} cannot be replayed, since it needs trainings that were not recorded; may set "
                f"{', '.join(REPLAYABLE)}"
            )
    given = configured(config.model_dump(mode="json"), overrides).fitness
    return FitnessOptions(
        rungs="auto" if given.rungs is None else given.rungs,
        pruning=given.pruning,
        reduction=given.reduction,
        grow=given.grow,
        **_OFF,
    )


def recording_of(parts: Sequence[Evaluation], *, metric: str, higher_is_better: bool) -> Recording:
    """Returns a training as a recording; all of its epochs count as equally long.

    Args:
        parts: Its evaluations, each of which continues the one before. If the last was pruned, the curve goes on as it
            was, so that the training never becomes better than it is known to be.
        metric: Name of the metric of the run, which failures do not say.
        higher_is_better: Its direction.
    """
    outcome, budget = parts[-1].outcome, parts[-1].candidate.budget
    failure = None if outcome.status.scored else outcome.status
    # A failure comes in the midst of an epoch, which is counted as a whole one.
    begun = len(outcome.curve) + (failure is not None)
    train_s, cpu_s = (
        sum(values) for values in zip(*((e.outcome.train_s, e.outcome.cpu_s) for e in parts), strict=True)
    )
    missing = 0 if failure or not outcome.curve else budget - len(outcome.curve)
    return Recording(
        (*outcome.curve, *outcome.curve[-1:] * missing),
        (train_s / max(1, begun),) * (begun + missing),
        metric,
        higher_is_better=higher_is_better,
        failure=failure,
        error=outcome.error,
        parameters=outcome.parameters,
        cpu_share=cpu_s / train_s if train_s else 0.0,
    )


def _trainings(told: Sequence[Evaluation]) -> list[list[Evaluation]]:
    """Returns the evaluations of each training in the order of asking; those of repeated trainings are left out."""
    trainings: dict[int, list[Evaluation]] = {}
    for each in sorted(told, key=lambda each: each.candidate.id):
        candidate = each.candidate
        if candidate.trains:
            continue  # a long training trains no network of its own
        if candidate.continues in trainings:
            trainings[candidate.id] = trainings.pop(candidate.continues)
            trainings[candidate.id].append(each)
        elif candidate.continues is None and candidate.repeats is None:
            trainings[candidate.id] = [each]
    return sorted(trainings.values(), key=lambda parts: parts[0].candidate.id)


def _check_replayable(evaluations: Sequence[Evaluation]) -> None:
    complete = [each for each in evaluations if each.is_complete]
    if not complete:
        raise RunError("no training is complete, so that there is nothing to replay; search on first")
    budgets = sorted({each.candidate.budget for each in evaluations})
    if len(budgets) > 1:
        raise RunError(
            f"candidates were trained for {', '.join(map(str, budgets))} epochs; scores at a rung can be compared only "
            "among trainings of the same length"
        )
    if any(each.outcome.inherited_steps for each in evaluations):
        raise RunError(
            "candidates inherited weights, so that their curves depend on what others were trained for; replay a run "
            "that was searched with fitness.inheritance=none"
        )
    if short := [each for each in complete if len(each.outcome.curve) < each.candidate.budget]:
        raise RunError(
            f"candidate {short[0].candidate.id} has a curve of {len(short[0].outcome.curve)} epochs and a budget of "
            f"{short[0].candidate.budget}; a replay needs the score after every epoch"
        )
