"""The base of tasks without files: their sequences are drawn, and no two of them are equal."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar, cast

import numpy as np
from pydantic import Field

from evo_nas.data.options import Count, Seed, StrictOptions
from evo_nas.data.redrawing import Redrawing
from evo_nas.errors import DataError
from evo_nas.tasks.baselines.keeping import Keeping
from evo_nas.tasks.cuts.examples import ExampleResampling
from evo_nas.tasks.metrics import ClassificationMetric, ErrorMetric
from evo_nas.tasks.preparation import plain_preparation
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from evo_nas.tasks.baselines.fitting import Fit, TrainTest
    from evo_nas.tasks.dataset import Dataset, Sequences

SURPLUS = 2
"""Twice as many sequences are drawn as wanted, since some may be equal."""


class GeneratedOptions(StrictOptions):
    """Options that all generated tasks share.

    Attributes:
        train: Sequences of the training part.
        validation: Sequences of the validation part.
        test: Sequences of the test part.
        length: Steps that matter; see the task.
        seed: Seed of the drawing.
    """

    train: Count = 2000
    validation: Count = 500
    test: Count = 500
    length: Annotated[int, Field(ge=2, le=10_000)] = 20
    seed: Seed = 0


class GeneratedClassesOptions(GeneratedOptions):
    """Options of generated tasks whose targets are classes.

    Attributes:
        metric: What search optimises.
    """

    metric: ClassificationMetric = "accuracy"


class GeneratedNumbersOptions(GeneratedOptions):
    """Options of generated tasks whose targets are numbers.

    Attributes:
        metric: What search optimises.
    """

    metric: ErrorMetric = "mse"


class Drawn(NamedTuple):
    """The sequences of each part."""

    train: Sequences
    validation: Sequences
    test: Sequences


GeneratedOptionsT_co = TypeVar("GeneratedOptionsT_co", bound=GeneratedOptions, covariant=True)


class GeneratedTask(Task[GeneratedOptionsT_co]):
    """A problem that is drawn; the same options give the same sequences."""

    @classmethod
    def sample(cls, folder: Path) -> Self:  # noqa: ARG003 - it writes no file
        """Returns a task of 140 sequences."""
        options = cls.Options.model_validate({"train": 80, "validation": 30, "test": 30})
        return cls(cast("GeneratedOptionsT_co", options))

    def read(self) -> Prepared:
        """Draws the sequences; see `Task.read`."""
        drawn = self._drawn()
        redrawing = Redrawing.of_rows(
            train=len(drawn.train), validation=len(drawn.validation), seed=self.options.seed
        )
        dataset = self._dataset(drawn)
        preparation = dataset.preparation or plain_preparation(
            dataset.signature, classes=dataset.classes, vocabulary=dataset.vocabulary
        )
        # Simple models read what is drawn, as it is.
        plain = plain_preparation(dataset.signature, classes=dataset.classes, vocabulary=dataset.vocabulary)
        return Prepared.of(
            replace(dataset, resampling=ExampleResampling(redrawing), preparation=preparation),
            drawn._asdict(),
            self._baselines,
            keeping=Keeping.of_part(replace(plain, answers=preparation.answers), drawn.validation, dataset),
        )

    def _drawn(self) -> Drawn:
        options = self.options
        # All parts are drawn in one go, so that no sequence can be in two of them.
        ends = np.cumsum([options.train, options.validation, options.test]).tolist()
        drawn = self._draw(np.random.default_rng(options.seed), SURPLUS * ends[-1])
        # np.unique sorts the sequences; sorting their positions brings them back into the order of drawing.
        _, first = np.unique(drawn.inputs.reshape(len(drawn), -1), axis=0, return_index=True)
        different = np.sort(first)
        if len(different) < ends[-1]:
            raise DataError(
                f"length is {options.length}, with which {len(drawn):,} draws gave {len(different):,} different "
                f"sequences; {ends[-1]:,} are wanted, so that no two parts share one: raise length, or lower train"
            )
        return Drawn(
            *(drawn.chosen(different[start:end]) for start, end in zip([0, *ends], ends, strict=False))
        )

    @abstractmethod
    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        """Returns ``count`` sequences."""

    @abstractmethod
    def _dataset(self, drawn: Drawn) -> Dataset:
        """Returns the data set of three parts."""

    @abstractmethod
    def _baselines(self, both: TrainTest[Sequences]) -> dict[str, Fit]:
        """Returns what fits each simple model, by its name."""
