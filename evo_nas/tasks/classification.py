"""Classification of numeric sequences from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, PositiveInt

from evo_nas.data.labelled_parts import LabelledParts, split_examples
from evo_nas.data.options import Character, Names
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.scaling import Scaler
from evo_nas.data.sequence_files import Roles, read_sequences, sequences_of
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.classifiers import classification_baselines
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.labelled import LabelledOptions, labelled_dataset
from evo_nas.tasks.metrics import CLASSIFICATION
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.examples import Examples
    from evo_nas.tasks.baselines.fitting import Fit

    Numeric = npt.NDArray[np.float64]


class SequenceOptions(LabelledOptions):
    """Options that tasks on numeric sequences with labels share.

    Files are CSV, TSV, Parquet, ARFF, JSON lines, NPZ, MAT or ``.ts``.

    Attributes:
        label: Column or array of the class; guessed by its name, or the last column.
        inputs: Columns that are read, or the array; all other columns of numbers if not given.
        sequence: Column with the name of the sequence that a row is a step of; if not given, every row is a sequence.
        features: Where every row is a sequence, how many successive columns are one step.
        delimiter: Character between columns of text; a comma or a tab, by the file's name, if not given.
    """

    label: str | None = Field(default=None, examples=["label"])
    inputs: Names | None = None
    sequence: str | None = None
    features: PositiveInt = 1
    delimiter: Character | None = None

    def roles(self, *, label_per_step: bool = False) -> Roles:
        """Returns the columns that play each role."""
        return Roles(
            self.label, self.inputs, self.sequence, self.group, self.features, self.delimiter, label_per_step
        )


class ClassificationTask(Task[SequenceOptions]):
    """One class for each sequence; features are standardised with the statistics of the training part."""

    kind = "classification"
    Options = SequenceOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns 60 sequences of two steps with two values, as rows of a CSV file."""
        path = folder / "rows.csv"
        values = np.random.default_rng(0).normal(size=(60, 4))
        lines = [",".join(map(str, row)) + f",{'up' if row.sum() > 0 else 'down'}" for row in values]
        path.write_text("\n".join(["x1,y1,x2,y2,label", *lines]), encoding="utf-8")
        return cls(SequenceOptions(path=(path,), features=2))

    def read(self) -> Prepared:
        """Reads and splits the sequences; see `Task.read`."""
        parts = read_parts(self.options, label_per_step=False)
        scaler = Scaler.fitted(np.concatenate(parts.train.items))

        def sequences(examples: Examples[Numeric]) -> Sequences:
            scaled = [scaler(item) for item in examples.items]
            return Sequences(padded(scaled, np.float32), parts.targets(examples), lengths_of(examples.items))

        dataset = labelled_dataset(
            "classification",
            parts,
            sequences,
            signature=Signature(features=parts.train.items[0].shape[1], outputs=len(parts.classes)),
            options=self.options,
        )
        return Prepared(dataset, self._baselines(parts))

    def _baselines(self, parts: LabelledParts[Numeric]) -> dict[str, Fit]:
        """Returns what fits classifiers that see all steps side by side; see `classification_baselines`."""
        both = (parts.learnt, parts.test)
        return classification_baselines(
            [examples.items for examples in both],
            [parts.targets(examples) for examples in both],
            metric=CLASSIFICATION[self.options.metric],
            classes=len(parts.classes),
        )


def read_parts(options: SequenceOptions, *, label_per_step: bool) -> LabelledParts[Numeric]:
    """Reads all files and splits their sequences.

    Raises:
        DataError: Files cannot be read or split, or their sequences do not fit each other.
    """
    return split_examples(read_files(options, label_per_step=label_per_step), options.split)


def read_files(options: SequenceOptions, *, label_per_step: bool) -> dict[str, Examples[Numeric]]:
    """Reads the files of each part that has files of its own; see `read_parts`."""
    roles = options.roles(label_per_step=label_per_step)
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
                    f"of {width} {'value' if width == 1 else 'values'}"
                )
            if not np.isfinite(item).all():
                raise DataError(
                    f"{examples.source}: sequence {number} has a missing or infinite value; mend it"
                )
