"""Replays recorded trainings on a virtual clock.

A `Recording` is a training that was made once: its curve and the seconds of each epoch. A `Replayer` gives a candidate
the outcome that a trainer would give it, rungs and continued trainings included, in microseconds; it is the evaluator
of a `SimulatedExecutor`, on whose clock the recorded seconds pass. A `TableSpace` has the recordings as its
architectures. So strategies, rungs and resumes are measured on real curves.
"""

from evo_nas.replay.order import RecordedOrder
from evo_nas.replay.playing import Played, play
from evo_nas.replay.recorded_task import RecordedTask
from evo_nas.replay.recording import Recording, Replayer
from evo_nas.replay.table_space import TableSpace

__all__ = ["Played", "RecordedOrder", "RecordedTask", "Recording", "Replayer", "TableSpace", "play"]
