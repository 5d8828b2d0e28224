"""Classification of numeric sequences from files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, PositiveInt

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.examples import Examples, LabelledParts, split_examples
from evo_nas.tasks.metrics import CLASSIFICATION, ClassificationMetric
from evo_nas.tasks.opponents import classification_baselines
from evo_nas.tasks.options import Character, Names
from evo_nas.tasks.padding import lengths_of, padded
from evo_nas.tasks.scaling import Scaler
from evo_nas.tasks.sequence_files import Roles, read_sequences, sequences_of
from evo_nas.tasks.sources import SourceOptions
from evo_nas.tasks.splitting import SplitOptions
from evo_nas.tasks.task import Dataset, Sequences, Task

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Numeric = npt.NDArray[np.float64]


class SequenceOptions(SourceOptions):
    """Options that tasks on numeric sequences with labels share.

    Files are CSV, TSV, Parquet, ARFF, JSON lines, NPZ, MAT or ``.ts``.

    Attributes:
        label: Column or array of the class; guessed by its name, or the last column.
        inputs: Columns, or the array, that are read; all other columns of numbers if not given.
        sequence: Column that says which sequence a row is a step of; if not given, every row is a sequence.
        group: Column of what must stay together in a split, such as a person.
        features: Where every row is a sequence, how many successive columns are one step.
        delimiter: What separates columns of text; by the file's name if not given.
        split: Which sequences decide and which are reported.
        class_weights: ``balanced`` lets rare classes count as much as frequent ones in training.
        metric: What search optimises.
    """

    label: str | None = Field(default=None, examples=["label"])
    inputs: Names | None = None
    sequence: str | None = None
    group: str | None = None
    features: PositiveInt = 1
    delimiter: Character | None = None
    split: SplitOptions = SplitOptions()
    class_weights: Literal["none", "balanced"] = "none"
    metric: ClassificationMetric = "accuracy"

    def roles(self, *, label_a_step: bool = False) -> Roles:
        """Returns what columns are for."""
        return Roles(
            self.label, self.inputs, self.sequence, self.group, self.features, self.delimiter, label_a_step
        )


class ClassificationTask(Task):
    """One class a sequence; features are standardised with the statistics of the training part."""

    kind = "classification"
    Options = SequenceOptions

    def __init__(self, options: SequenceOptions) -> None:
        self._options = options

    def files(self) -> list[Path]:
        """Returns the files of all parts."""
        return self._options.files()

    def load(self) -> Dataset:
        """Reads and splits the sequences; see `Task.load`."""
        parts = read_parts(self._options, label_a_step=False)
        scaler = Scaler.fitted(np.concatenate(parts.train.items))

        def sequences(examples: Examples[Numeric]) -> Sequences:
            lengths = lengths_of(examples.items)
            scaled = [scaler(item) for item in examples.items]
            return Sequences(padded(scaled, np.float32), parts.targets(examples), lengths)

        return parts.dataset(
            "classification",
            sequences,
            signature=Signature(features=parts.train.items[0].shape[1], outputs=len(parts.classes)),
            options=self._options,
        )

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of the most frequent class, the nearest neighbour and a logistic regression."""
        parts = read_parts(self._options, label_a_step=False)
        learnt = parts.learnt
        steps = max(len(item) for examples in (learnt, parts.test) for item in examples.items)
        flat = [
            padded(examples.items, np.float64, steps=steps).reshape(len(examples), -1)
            for examples in (learnt, parts.test)
        ]
        return classification_baselines(
            flat,
            [parts.targets(learnt), parts.targets(parts.test)],
            metric=CLASSIFICATION[self._options.metric],
            classes=len(parts.classes),
        )


def read_parts(options: SequenceOptions, *, label_a_step: bool) -> LabelledParts[Numeric]:
    """Reads all files and splits what they hold.

    Raises:
        DataError: Files cannot be read or split, or their sequences do not fit each other.
    """
    return split_examples(read_files(options, label_a_step=label_a_step), options.split)


def read_files(options: SequenceOptions, *, label_a_step: bool) -> dict[str, Examples[Numeric]]:
    """Reads the files of each part that has some; see `read_parts`."""
    roles = options.roles(label_a_step=label_a_step)
    files = options.examples(
        lambda path: read_sequences(path, roles), lambda table: sequences_of(table, roles)
    )
    _check(files)
    return files


def _check(files: dict[str, Examples[Numeric]]) -> None:
    width = files["train"].items[0].shape[1]
    for examples in files.values():
        for number, item in enumerate(examples.items, start=1):
            if item.shape[1] != width or not len(item):
                raise DataError(
                    f"{examples.source}: sequence {number} has shape {item.shape}; every one needs at least one step "
                    f"of {width} values"
                )
            if not np.isfinite(item).all():
                raise DataError(
                    f"{examples.source}: sequence {number} has a missing or infinite value; mend it"
                )
