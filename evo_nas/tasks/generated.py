"""What tasks without files have in common: sequences are drawn, and no two of them are the same."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, PositiveInt

from evo_nas.errors import DataError
from evo_nas.tasks.metrics import ClassificationMetric, ErrorMetric
from evo_nas.tasks.options import Seed, TaskOptions
from evo_nas.tasks.task import Dataset, Sequences, Task

if TYPE_CHECKING:
    import numpy.typing as npt

SURPLUS = 2
"""So many times as many sequences are drawn as are wanted, since some may be the same."""


class GeneratedOptions(TaskOptions):
    """Options that all generated tasks share.

    Attributes:
        train: Sequences to learn from.
        validation: Sequences that decide.
        test: Sequences that are reported.
        length: Steps that matter.
        seed: Seed of what is drawn.
    """

    train: PositiveInt = 2000
    validation: PositiveInt = 500
    test: PositiveInt = 500
    length: Annotated[int, Field(ge=2, le=10_000)] = 20
    seed: Seed = 0


class GeneratedClassesOptions(GeneratedOptions):
    """Options of generated tasks that tell classes.

    Attributes:
        metric: What search optimises.
    """

    metric: ClassificationMetric = "accuracy"


class GeneratedNumbersOptions(GeneratedOptions):
    """Options of generated tasks that tell numbers.

    Attributes:
        metric: What search optimises.
    """

    metric: ErrorMetric = "mse"


class GeneratedTask(Task):
    """A problem that is drawn; the same options give the same sequences."""

    def __init__(self, options: GeneratedOptions) -> None:
        self._options = options

    def load(self) -> Dataset:
        """Draws the sequences; see `Task.load`."""
        train, validation, test = self._parts()
        return self._dataset(train, validation, test)

    def _parts(self) -> tuple[Sequences, Sequences, Sequences]:
        options = self._options
        ends = np.cumsum([options.train, options.validation, options.test]).tolist()
        drawn = self._draw(np.random.default_rng(options.seed), SURPLUS * ends[-1])
        _, first = np.unique(drawn.inputs.reshape(len(drawn), -1), axis=0, return_index=True)
        different = np.sort(first)
        if len(different) < ends[-1]:
            raise DataError(
                f"length is {options.length}, with which {len(drawn):,} draws gave {len(different):,} different "
                f"sequences; {ends[-1]:,} are wanted, so that no two parts share one: raise length, or lower train"
            )
        train, validation, test = (
            _taken(drawn, different[start:end]) for start, end in zip([0, *ends], ends, strict=False)
        )
        return train, validation, test

    @abstractmethod
    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        """Returns ``count`` sequences."""

    @abstractmethod
    def _dataset(self, train: Sequences, validation: Sequences, test: Sequences) -> Dataset:
        """Returns the data set of three parts."""


def _taken(drawn: Sequences, which: npt.NDArray[np.int64]) -> Sequences:
    return Sequences(
        drawn.inputs[which],
        drawn.targets[which],
        None if drawn.lengths is None else drawn.lengths[which],
        None if drawn.scored is None else drawn.scored[which],
    )
