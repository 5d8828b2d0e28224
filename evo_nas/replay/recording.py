"""`Recording`, a training that was made once, and `Replayer`, the evaluator that repeats it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.evaluation import Candidate


@dataclass(frozen=True, slots=True)
class Recording:
    """A training that was made once.

    Attributes:
        curve: Validation metric after each complete epoch, in the metric's own units.
        epoch_s: Seconds of each epoch; one more than the curve has if it failed in the midst of an epoch.
        metric: Name of the metric, such as ``validation_accuracy``.
        higher_is_better: Direction of the metric.
        failure: The status with which it failed after the curve's last epoch; None if it did not.
        error: What the failure said.
        parameters: Trainable parameters of the network.
        cpu_share: CPU seconds a second of training.
    """

    curve: tuple[float, ...]
    epoch_s: tuple[float, ...]
    metric: str
    higher_is_better: bool
    failure: Status | None = None
    error: str = ""
    parameters: int = 0
    cpu_share: float = 1.0

    def __post_init__(self) -> None:
        if len(self.epoch_s) not in (len(self.curve), len(self.curve) + bool(self.failure)):
            raise ValueError(f"a curve of {len(self.curve)} epochs has {len(self.epoch_s)} times")

    def fitness(self, epochs: int) -> float:
        """Returns the best fitness of the first ``epochs`` epochs."""
        curve = self.curve[:epochs]
        return max(curve) if self.higher_is_better else -min(curve)


class Replayer:
    """Gives a candidate the outcome that training it would give, by the recording of its architecture.

    It prunes at rungs and continues pruned trainings as the trainer does: a pruned training takes the time of its
    epochs, and a continued one that of the epochs which are left, unless it cannot tell where it was pruned. Fewer
    epochs than were recorded are the beginning of the curve, which is true only of schedules without a horizon.

    Args:
        recordings: The recordings of each architecture by its canonical hash; several are trainings with different
            seeds, of which the seed of the candidate chooses one.
    """

    def __init__(self, recordings: Mapping[str, Sequence[Recording]]) -> None:
        self._recordings = recordings

    def __call__(self, candidate: Candidate) -> Outcome:
        """Returns the outcome of ``candidate``.

        Raises:
            ConfigError: Its architecture was not recorded, or not for so many epochs.
        """
        recording = self.recording(candidate)
        done = _epochs_behind(candidate)
        end, is_pruned = self._end(candidate, recording, done)
        curve = recording.curve[:end]
        train_s = sum(recording.epoch_s[done:end])
        shared = {
            "curve": curve,
            "parameters": recording.parameters,
            "epochs": len(curve),
            "train_s": train_s,
            "cpu_s": train_s * recording.cpu_share,
        }
        if recording.failure and end > len(curve):
            return Outcome(recording.failure, error=recording.error, **shared)  # type: ignore[arg-type]
        fitness = recording.fitness(end)
        return Outcome(
            Status.PRUNED if is_pruned else Status.OK,
            fitness=fitness,
            metrics={recording.metric: fitness if recording.higher_is_better else -fitness},
            metric=recording.metric,
            weights=_checkpoint(candidate, end) if is_pruned else "",
            **shared,  # type: ignore[arg-type]
        )

    def duration_s(self, candidate: Candidate) -> float:
        """Returns how many seconds training ``candidate`` takes; raises as a call does."""
        recording, done = self.recording(candidate), _epochs_behind(candidate)
        end, _ = self._end(candidate, recording, done)
        return sum(recording.epoch_s[done:end])

    def recording(self, candidate: Candidate) -> Recording:
        """Returns the recording that is replayed for ``candidate``; raises as a call does."""
        recordings = self._recordings.get(candidate.canonical_hash, ())
        if not recordings:
            raise ConfigError(
                f"candidate {candidate.id} is {candidate.canonical_hash}, which was not recorded"
            )
        recording = recordings[candidate.seed % len(recordings)]
        if not recording.failure and candidate.budget > len(recording.curve):
            raise ConfigError(
                f"candidate {candidate.id} is to be trained for {candidate.budget} epochs, but was recorded for "
                f"{len(recording.curve)}; ask for at most so many"
            )
        return recording

    @staticmethod
    def _end(candidate: Candidate, recording: Recording, done: int) -> tuple[int, bool]:
        """Returns the epoch at which the training ends, and whether it is pruned there."""
        for rung, threshold in zip(candidate.rungs, candidate.thresholds, strict=False):
            if (
                done < rung <= min(len(recording.curve), candidate.budget - 1)
                and recording.fitness(rung) < threshold
            ):
                return rung, True
        return candidate.budget, False


def _checkpoint(candidate: Candidate, epochs: int) -> str:
    """Returns what stands for the weights of a training that was pruned after ``epochs``."""
    return f"{candidate.canonical_hash}@{epochs}"


def _epochs_behind(candidate: Candidate) -> int:
    """Returns after how many epochs the training was pruned that ``candidate`` continues; 0 from scratch."""
    if candidate.continues is None or not candidate.starts_from:
        return 0
    epochs = candidate.starts_from.rpartition("@")[2]
    return int(epochs) if epochs.isdecimal() else 0
