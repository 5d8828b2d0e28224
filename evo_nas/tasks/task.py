"""What a child learns: data in memory, already split, with the loss and the metric of its field."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from pydantic import BaseModel

    from evo_nas.genome.architecture import Signature


class Loss(StrEnum):
    """The differentiable objective; `training.losses` maps each to torch."""

    CROSS_ENTROPY = "cross_entropy"
    """Network outputs are logits ``(batch[, time], classes)``, targets int64 ``(batch[, time])``."""
    BINARY_CROSS_ENTROPY = "binary_cross_entropy"
    """Logits ``(batch[, time], outputs)``, targets float32 0 or 1, alike; summed over the outputs."""
    MSE = "mse"
    """Outputs and targets are float32 ``(batch[, time], outputs)``."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure people of the field know, computed from a statistic that adds up over batches.

    Attributes:
        name: Such as ``accuracy`` or ``mse``.
        higher_is_better: Direction; fitness is the metric or its negative.
        statistic: ``(outputs, targets) -> float64 array`` of some sequences, or, where every step has an
            output, of the valid steps alone, ``(steps, ...)``; the sum over all batches is what ``value``
            wants. A module-level function or a partial of one, so that it pickles.
        value: From the summed statistic to the figure.
    """

    name: str
    higher_is_better: bool
    statistic: Callable[[npt.NDArray[np.float32], npt.NDArray[np.generic]], npt.NDArray[np.float64]]
    value: Callable[[npt.NDArray[np.float64]], float]

    def score(self, outputs: npt.NDArray[np.float32], targets: npt.NDArray[np.generic]) -> float:
        """Returns the figure of a whole part."""
        return self.value(self.statistic(outputs, targets))

    def fitness(self, value: float) -> float:
        """Returns ``value`` oriented so that higher is better."""
        return value if self.higher_is_better else -value


@dataclass(frozen=True, slots=True)
class Sequences:
    """One split of sequences that stand alone.

    Attributes:
        inputs: float32 ``(n, time, features)``, or int64 ``(n, time)`` for tokens.
        targets: One row a sequence, or a row a step: see `Loss`.
        lengths: int64 ``(n,)`` where sequences are padded at their end; None if all are full.
        scored: bool ``(n, time)``, the steps that count where not all valid ones do; None if they do.
    """

    inputs: npt.NDArray[np.generic]
    targets: npt.NDArray[np.generic]
    lengths: npt.NDArray[np.int64] | None = None
    scored: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, slots=True)
class Windows:
    """One split of a forecast: windows of rows that all splits share, cut out when a batch is taken.

    An *origin* is the first row of a forecast: the ``window`` rows before it are read, the ``horizon`` rows
    from it on are told. A million rows of 7 columns are 28 MB plus 8 bytes an origin, whatever the window.

    Attributes:
        inputs: float32 ``(rows, features)``.
        targets: float32 ``(rows, targets)``; outputs are ordered by step, then by target.
        origins: int64 ``(n,)``.
        window: Steps that are read.
        horizon: Steps that are forecast.
    """

    inputs: npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]
    origins: npt.NDArray[np.int64]
    window: int
    horizon: int

    def __len__(self) -> int:
        return len(self.origins)

    def cut(self, which: slice = slice(None)) -> Sequences:
        """Returns some of the windows, all by default: inputs as read, targets ``(n, horizon * targets)``."""
        rows = self.origins[which, None] + np.arange(-self.window, self.horizon)
        inputs, targets = self.inputs[rows[:, : self.window]], self.targets[rows[:, self.window :]]
        return Sequences(inputs, targets.reshape(len(targets), -1))


@dataclass(frozen=True, slots=True)
class Stream:
    """One split of a text whose every token is to be foretold from all before it.

    It is read by several lanes side by side, ``steps`` tokens at a time; states are carried on from one piece
    to the next, gradients are not (truncated back-propagation through time).

    Attributes:
        tokens: int64 ``(n,)``.
        steps: Tokens of one piece.
    """

    tokens: npt.NDArray[np.int64]
    steps: int

    def __len__(self) -> int:
        return len(self.tokens) - 1


Part = Sequences | Windows | Stream


@dataclass(frozen=True, slots=True)
class Dataset:
    """A task's data, split without leakage; statistics come from ``train`` alone.

    Attributes:
        name: For displays.
        signature: Shape of the networks that fit.
        loss: What training minimises.
        metric: What search optimises, on ``validation``; ``test`` is only ever looked at for champions.
        train: What is learnt.
        validation: What decides.
        test: What is reported.
        causal: Whether an output must not depend on later steps, so that no layer may read backwards.
        class_weights: float32 ``(classes,)``, factors of the training loss; None if all classes weigh alike.
        classes: Names of the classes, where there are some.
        vocabulary: What each token id stands for, where inputs are tokens.
        remarks: What was understood of the files, a sentence each.
        missing: How many values of each column of the files are missing; none of a column that is read.
    """

    name: str
    signature: Signature
    loss: Loss
    metric: Metric
    train: Part
    validation: Part
    test: Part
    causal: bool = False
    class_weights: npt.NDArray[np.float32] | None = None
    classes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)


class Task(ABC):
    """A kind of learning problem, configured; a new kind is a new file and a line in the registry.

    Attributes:
        kind: Its name in a configuration.
        Options: The pydantic model of its section there; what a task is built from.
    """

    kind: ClassVar[str]
    Options: ClassVar[type[BaseModel]]

    @abstractmethod
    def __init__(self, options: BaseModel) -> None: ...

    @abstractmethod
    def load(self) -> Dataset:
        """Reads and splits the data; the same configuration and files give the same arrays.

        Raises:
            DataError: A file is missing, unreadable or unusable; the message says where and what to do.
        """

    @abstractmethod
    def baselines(self) -> dict[str, float]:
        """Returns the test metric of trivial opponents by name, such as ``persistence``.

        They learn from the training and the validation part. Apart from `load`, since workers load and only
        a verdict needs baselines.
        """

    def files(self) -> Sequence[Path]:
        """Returns the files that `load` reads."""
        return ()

    def fingerprint(self) -> dict[str, str]:
        """Returns the SHA-256 of each file that is read, in hex, by its path from the folder that they have in common.

        Raises:
            DataError: A file cannot be read.
        """
        files = sorted({path.absolute() for path in self.files()})
        if not files:
            return {}
        common = os.path.commonpath([path.parent for path in files])
        return {path.relative_to(common).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; check the path") from error
