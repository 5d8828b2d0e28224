"""What tasks without files have in common: every part is drawn from a random stream of its own."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from evo_nas.tasks.task import Dataset, Task

if TYPE_CHECKING:
    from evo_nas.tasks.task import Sequences


class GeneratedOptions(BaseModel):
    """Options that all generated tasks share.

    Attributes:
        train: Sequences to learn from.
        validation: Sequences that decide.
        test: Sequences that are reported.
        length: Steps that matter; see the task.
        seed: What is drawn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: PositiveInt = 2000
    validation: PositiveInt = 500
    test: PositiveInt = 500
    length: Annotated[int, Field(ge=2, le=10_000)] = 20
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


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
        train, validation, test = (
            self._draw(np.random.default_rng([options.seed, number]), count)
            for number, count in enumerate((options.train, options.validation, options.test))
        )
        return train, validation, test

    @abstractmethod
    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        """Returns ``count`` sequences."""

    @abstractmethod
    def _dataset(self, train: Sequences, validation: Sequences, test: Sequences) -> Dataset:
        """Returns the data set of three parts."""
