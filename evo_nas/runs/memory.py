"""`Memory`: the results of earlier runs, for trainings that need not be made again."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evo_nas.config import SearchConfig, checked
from evo_nas.config.objectives import metrics_of
from evo_nas.errors import ConfigError, EvoNasError, RunError
from evo_nas.evaluation import Status
from evo_nas.runs.identity import changed_files, changed_trainings
from evo_nas.runs.run import Run, find_runs
from evo_nas.sections import path_keys, spelled_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from evo_nas.evaluation import Candidate, Evaluation, Outcome

_log = logging.getLogger(__name__)
_REMEMBERED = (Status.OK, Status.DIVERGED, Status.PRUNED)
"""Results of the training itself, the most telling first. What ran out of time, of memory or of workers may do better
on other machines, and an error may be mended."""


class _Training(NamedTuple):
    """What two trainings must share, beside their data and settings, for one to stand for the other."""

    canonical_hash: str
    budget: int
    cut: int


@dataclass(frozen=True, slots=True)
class _Known:
    """A result of an earlier run.

    Attributes:
        outcome: The result as it was recorded.
        source: Where it was recorded.
        seed: Seed of its training; None if it is not known.
        is_repeat: Whether it repeated another training there, which says nothing new with a seed of its own.
    """

    outcome: Outcome
    source: str
    seed: int | None
    is_repeat: bool

    def answers(self, candidate: Candidate) -> bool:
        """Whether training ``candidate`` would end as this did."""
        # A repeated training must be another draw, and a continued one the very same training.
        is_revisit = candidate.repeats is not None or candidate.continues is not None
        if self.seed != candidate.seed and (is_revisit or self.is_repeat):
            return False
        return self.outcome.status is not Status.PRUNED or _is_pruned_at(candidate, self.outcome)

    def remembered(self) -> Outcome:
        """Returns the outcome as a run gets it that did not train it."""
        return _as_remembered(self.outcome, source=self.source)


class Memory:
    """Knows the results of earlier runs that were trained on the same data with the same settings.

    The seed of a remembered training may be another than the candidate's: a result is a draw in either case. What
    was trained again on purpose, or goes on from a rung, is remembered only with the very same seed. A complete result
    also answers for a candidate that might have been pruned, since its full score costs nothing. Results that began
    with inherited weights are not remembered.
    """

    def __init__(self) -> None:
        self._known: dict[_Training, list[_Known]] = {}
        self.size = 0

    @classmethod
    def at(
        cls, place: str, config: SearchConfig, fingerprint: Mapping[str, str], *, own: Run | None = None
    ) -> Self:
        """Reads the runs at and directly under ``place``; those of other trainings are left out, and a warning says so.

        Args:
            place: Directory or URI of a run, or of several.
            config: What is searched for, with every default filled in.
            fingerprint: SHA-256 of each of its data files.
            own: The run that the memory is for, which is no memory of itself.

        Raises:
            ConfigError: There is nothing at ``place``.
        """
        memory = cls()
        runs = [run for run in remembered_runs(place) if own is None or run.location != own.location]
        unfit = {run.location: why for run in runs if (why := memory._add_run(run, config, fingerprint))}
        if unfit:
            run, reason = next(iter(unfit.items()))
            _log.warning(
                "fitness.memory: %d of %d runs in %s cannot be used here, such as %s (%s)",
                len(unfit), len(runs), place, run, reason,
            )  # fmt: skip
        _log.info("fitness.memory: %d results are known from %s", memory.size, place)
        return memory

    def recall(self, candidate: Candidate) -> Outcome | None:
        """Returns the result of an equal training; None if there is none."""
        # Inherited weights make it another training, and a long one is its run's own.
        if candidate.trains or (candidate.starts_from and candidate.continues is None):
            return None
        answers = [
            known for known in self._known.get(_training_of(candidate), ()) if known.answers(candidate)
        ]
        if not answers:
            return None
        # The very same training before one with another seed, a complete one before a pruned one, then the oldest.
        best = min(
            answers, key=lambda each: (each.seed != candidate.seed, _REMEMBERED.index(each.outcome.status))
        )
        return best.remembered()

    def add(self, evaluations: Iterable[Evaluation], *, source: str) -> None:
        """Adds the evaluations of a run at ``source``, in the order of telling."""
        for evaluation in evaluations:
            candidate, outcome = evaluation.candidate, evaluation.outcome
            is_inherited = outcome.inherited_steps > 0 or (
                candidate.starts_from and candidate.continues is None
            )
            # What the other run remembered itself is known from where it was trained, if that is still there.
            if outcome.status not in _REMEMBERED or is_inherited or candidate.trains:
                continue
            known = _Known(
                outcome,
                source=outcome.source or source_of(source, candidate.id),
                # What was remembered there may have been trained with another seed than it was asked with.
                seed=None if outcome.source else candidate.seed,
                is_repeat=candidate.repeats is not None,
            )
            self._known.setdefault(_training_of(candidate), []).append(known)
            self.size += 1

    def _add_run(self, run: Run, config: SearchConfig, fingerprint: Mapping[str, str]) -> str:
        """Adds a run; returns why it cannot be used, or an empty string."""
        try:
            recorded = spelled_out(checked(SearchConfig, run.record.config))
            data = run.record.data
            moved = path_keys(config) if fingerprint and fingerprint == data else frozenset[str]()
            changes = [
                *changed_trainings(recorded, config, moved=moved),
                *changed_files(data, fingerprint),
            ]
            if changes:
                return changes[0]
            told = run.history().told
        except EvoNasError as error:  # damaged, of a newer format, of a task that this process does not know
            return _first_line(error)
        # Other cuts mean other rows, unless the numbers of cuts agree; cut 0 is the data set's own in any case.
        if recorded.validation != config.validation:
            told = [evaluation for evaluation in told if evaluation.candidate.cut == 0]
        # What was not measured there cannot be compared here.
        wanted = metrics_of(config.fitness.objectives)
        comparable = [
            each for each in told if not each.status.scored or wanted <= each.outcome.metrics.keys()
        ]
        if told and not comparable:
            return f"it did not record {', '.join(sorted(wanted))}"
        self.add(comparable, source=run.location)
        return ""


def source_of(location: str, candidate: int) -> str:
    """Returns the text that says where a result was recorded."""
    return f"{location} #{candidate}"


def differences_from_sources(evaluations: Iterable[Evaluation]) -> tuple[list[str], list[str]]:
    """Compares the remembered among ``evaluations`` with the runs that they come from.

    Returns:
        One line for each that differs from its source, and one for each place that cannot be read any more.
    """
    remembered: dict[str, list[Evaluation]] = {}
    for evaluation in evaluations:
        if evaluation.outcome.source:
            remembered.setdefault(evaluation.outcome.source.rpartition(" #")[0], []).append(evaluation)
    different, unreachable = [], []
    for location, ours in remembered.items():
        try:
            theirs = {
                source_of(location, each.candidate.id): each for each in Run.at(location).history().told
            }
        except EvoNasError as error:
            unreachable.append(
                f"{location}, where {len(ours)} were trained, cannot be read: {_first_line(error)}"
            )
            continue
        different += [
            f"#{each.candidate.id} is not what its source has, {each.outcome.source}"
            for each in ours
            if not _equals_source(each, theirs.get(each.outcome.source))
        ]
    return different, unreachable


def _equals_source(ours: Evaluation, theirs: Evaluation | None) -> bool:
    if theirs is None or _training_of(ours.candidate) != _training_of(theirs.candidate):
        return False
    return ours.outcome == _as_remembered(theirs.outcome, source=ours.outcome.source)


def _as_remembered(outcome: Outcome, *, source: str) -> Outcome:
    """Returns ``outcome`` as a run gets it that did not train it."""
    return replace(outcome, train_s=0.0, cpu_s=0.0, weights="", source=source)


def _training_of(candidate: Candidate) -> _Training:
    return _Training(candidate.canonical_hash, candidate.budget, candidate.cut)


def _first_line(error: EvoNasError) -> str:
    return str(error).splitlines()[0]


def _is_pruned_at(candidate: Candidate, outcome: Outcome) -> bool:
    """Whether ``candidate`` would be pruned at the very rung at which the training of ``outcome`` was."""
    for rung, threshold in zip(candidate.rungs, candidate.thresholds, strict=False):
        fitness = outcome.fitness_after(rung)
        if fitness is None:
            return False
        if fitness < threshold:
            return rung == outcome.epochs
    return False


def remembered_runs(place: str) -> list[Run]:
    """Returns the runs at and directly under ``place``, without reading any.

    Raises:
        ConfigError: There is nothing at ``place``.
    """
    try:
        runs = find_runs(place)
    except RunError as error:
        raise ConfigError(f"fitness.memory is {place}: {error}") from error
    # A folder without runs is one that fills up later; a bucket knows no empty folders.
    if not runs and ("://" in place or not Path(place).is_dir()):
        raise ConfigError(
            f"fitness.memory is {place}, where no run is; give the directory or URI of a run or of several, or leave "
            "it out"
        )
    return runs
