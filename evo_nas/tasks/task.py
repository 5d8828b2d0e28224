"""What a child learns: data in memory, already split, with the loss and the metric of its field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt
    from pydantic import BaseModel

    from evo_nas.genome.architecture import Signature


class Loss(StrEnum):
    """The differentiable objective; `training.losses` maps each to torch."""

    CROSS_ENTROPY = "cross_entropy"
    """Network outputs are logits ``(batch[, time], classes)``, targets int64 ``(batch[, time])``."""
    MSE = "mse"
    """Outputs and targets are float32 ``(batch[, time], outputs)``."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure people of the field know.

    Attributes:
        name: Such as ``accuracy`` or ``mse``.
        higher_is_better: Direction; fitness is the metric or its negative.
        score: ``(outputs, targets) -> float`` on the whole split; arrays are what the network gave
            for every sequence, in order, and the split's targets. Of padded sequences with a target a
            step they are the valid steps alone, ``(steps, ...)``. A module-level function, so that it
            pickles.
    """

    name: str
    higher_is_better: bool
    score: Callable[[npt.NDArray[np.float32], npt.NDArray[np.generic]], float]

    def fitness(self, value: float) -> float:
        """Returns ``value`` oriented so that higher is better."""
        return value if self.higher_is_better else -value


@dataclass(frozen=True, slots=True)
class Sequences:
    """One split.

    Attributes:
        inputs: float32 ``(n, time, features)``, or int64 ``(n, time)`` for tokens.
        targets: One row a sequence, or a row a step: see `Loss`.
        lengths: int64 ``(n,)`` where sequences are padded at their end; None if all are full.
    """

    inputs: npt.NDArray[np.generic]
    targets: npt.NDArray[np.generic]
    lengths: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.inputs)


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
    """

    name: str
    signature: Signature
    loss: Loss
    metric: Metric
    train: Sequences
    validation: Sequences
    test: Sequences


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
    def floors(self) -> dict[str, float]:
        """Returns the test metric of trivial opponents by name, such as ``persistence``.

        Apart from `load`, since workers load and only a verdict needs floors.
        """
