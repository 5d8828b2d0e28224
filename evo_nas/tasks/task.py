"""The contract of every kind of learning problem."""

from __future__ import annotations

import hashlib
import math
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from evo_nas.data.files import reading
from evo_nas.data.paths import data_files
from evo_nas.errors import ConfigError
from evo_nas.tasks.baselines.fitting import Kept, TrainTest, fitted_baselines
from evo_nas.tasks.baselines.keeping import can_keep, kept_files
from evo_nas.tasks.example_sums import examples_of_test

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from evo_nas.tasks.baselines.fitted_models import BaselineModel
    from evo_nas.tasks.baselines.fitting import Fit, FittedBaselines
    from evo_nas.tasks.baselines.keeping import Keeping
    from evo_nas.tasks.dataset import Dataset

OptionsT_co = TypeVar("OptionsT_co", bound=BaseModel, covariant=True)
PartT = TypeVar("PartT")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one read of a task's files gives.

    Attributes:
        dataset: The data to search on.
        parts: What baselines are made of, by the name of the part; see `of`.
        baselines_of: Makes them of the training and the test part.
        keeping: What makes them models that can be kept; None if they have scores alone.
    """

    dataset: Dataset
    parts: Mapping[str, Any]
    baselines_of: Callable[[TrainTest[Any]], Mapping[str, Fit]]
    keeping: Keeping | None = None

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        parts: Mapping[str, PartT],
        baselines_of: Callable[[TrainTest[PartT]], Mapping[str, Fit]],
        *,
        keeping: Keeping | None = None,
    ) -> Self:
        """Returns a data set with its baselines; a type checker compares what these take with ``parts``.

        Args:
            dataset: The data to search on.
            parts: What baselines are made of, by the name of the part: the parts of ``dataset``, or what is in the
                files, where simple models read raw values.
            baselines_of: Returns what fits each simple model to the training part and tests it on the test part, by its
                name, such as ``persistence``; the cheap ones come first.
            keeping: What makes them models that can be kept, such as `Keeping.of_networks`; None for scores alone.
        """
        return cls(dataset, parts, baselines_of, keeping)

    @property
    def baselines(self) -> Mapping[str, Fit]:
        """What fits each simple model, by its name."""
        # Parts are handed over here alone, so that no task gives its baselines more rows than its networks learn from.
        return self.baselines_of(TrainTest(self.parts["train"], self.parts["test"]))

    def fit_baselines(self, limit_s: float | None = None) -> FittedBaselines:
        """Fits the baselines one after the other and returns what each gave, by name.

        Args:
            limit_s: Seconds after which no further one is begun; see `fitted_baselines`.
        """
        return fitted_baselines(
            self.baselines,
            limit_s=limit_s,
            metric=self.dataset.metric,
            examples=examples_of_test(self.dataset),
            keep=self._kept,
        )

    def _kept(self, name: str, model: BaselineModel, test: float) -> Kept | None:
        """Returns what is kept of a fitted baseline; None if it cannot answer for what networks answer for."""
        if self.keeping is None or not can_keep(model, self.dataset):
            return None
        validation = self.keeping.validation(model)
        if not math.isfinite(validation):
            return None
        scores = {"validation": validation, "test": test}
        return Kept(validation, kept_files(name, model, self.dataset, self.keeping, scores=scores))


class Task(ABC, Generic[OptionsT_co]):
    """A kind of learning problem, configured; a new kind is a new file and a line in the registry.

    Its options name their files with the types of `data.paths`; relative paths are resolved before a task is made
    (`data.paths.resolved`). `evo_nas.testing.tasks.TaskContract` holds the tests that every task passes.

    Args:
        options: The options, an instance of ``Options``.

    Attributes:
        kind: Its name in a configuration.
        Options: The pydantic model of its section there.
        options: The options that this task was made with.
        vocabulary: The tokens of a network that goes on with these data; empty where they are found in the data.
    """

    kind: ClassVar[str]
    Options: ClassVar[type[BaseModel]]

    def __init__(self, options: OptionsT_co) -> None:
        self.options = options
        self.vocabulary: tuple[str, ...] = ()

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns a tiny task of this kind, for the tests that hold for every kind.

        Args:
            folder: An empty folder, where it may write the files that it needs.
        """
        # Not abstract: a task that is only tried out in a notebook needs no tests.
        raise NotImplementedError(f"{cls.__name__} has no sample; define one, which may write into {folder}")

    @abstractmethod
    def read(self) -> Prepared:
        """Reads each file once and splits the data; the same options and files give the same arrays.

        Raises:
            DataError: A file is missing, unreadable or unusable; the message says where and what to do.
        """

    def family(self) -> Prepared:
        """Reads the data as episodes of related tasks, to each of which a network adapts; see `Dataset.episodes`.

        Raises:
            ConfigError: It is a single task.
            DataError: As `read`, or there are too few tasks or examples.
        """
        raise ConfigError(
            f"task.kind is {self.kind}, which is a single task and no family of related ones; must be one such as "
            "few_shot, sines, or forecast with several series"
        )

    def files(self) -> Sequence[Path]:
        """Returns the files that `read` reads: those that the options name.

        Raises:
            DataError: A folder or pattern has no file.
        """
        return data_files(self.options)

    def fingerprint(self) -> dict[str, str]:
        """Returns the SHA-256 of each file in hex, by its path from the folder that all files have in common.

        Raises:
            DataError: A file cannot be read.
        """
        files = sorted({path.absolute() for path in self.files()})
        if not files:
            return {}
        common = os.path.commonpath([path.parent for path in files])
        return {path.relative_to(common).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
