"""Classification of numeric sequences from files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from evo_nas.data.features import Features
from evo_nas.data.labelled_parts import LabelledParts, split_examples
from evo_nas.data.padding import lengths_of, padded
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import ClassAnswers
from evo_nas.tasks.baselines.classifiers import classification_baselines
from evo_nas.tasks.baselines.keeping import Keeping
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.labelled import LabelledOptions, labelled_dataset
from evo_nas.tasks.numeric_files import ColumnOptions, NumericTask, PlainReading, read_numeric, recorded
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.task import Prepared

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.examples import Examples

    Numeric = npt.NDArray[np.float64]


class SequenceOptions(ColumnOptions, LabelledOptions):
    """Options that tasks on numeric sequences with labels share.

    Files are tables (CSV, Parquet, Arrow, JSON, ARFF), arrays (NPZ, NPY, MAT), ``.ts``, tables of UCR, WAV or FLAC.

    Attributes:
        label: Column or array of the class; if not given, a column called so, or the only likely one.
    """

    label: str | None = Field(default=None, examples=["label"])


class ClassificationTask(NumericTask[SequenceOptions]):
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
        features = Features.fitted([parts.train, parts.validation, parts.test], self.options.missing)

        def sequences(examples: Examples[Numeric]) -> Sequences:
            inputs = padded(features.inputs(examples), np.float32)
            return Sequences(inputs, parts.targets(examples), lengths_of(examples.items))

        dataset = labelled_dataset(
            "classification",
            parts,
            sequences,
            signature=Signature(features=features.width, outputs=len(parts.classes)),
            options=self.options,
            statistics=features.statistics,
        )
        dataset = replace(
            dataset,
            remarks=(*dataset.remarks, *features.remarks),
            missing=dataset.missing or features.missing,
            preparation=Preparation(recorded(features), ClassAnswers(parts.classes)),
        )
        plain = PlainReading(features)
        return Prepared.of(
            dataset,
            parts.by_name,
            lambda both: classification_baselines(
                both.map(plain),
                both.map(parts.targets),
                metric=dataset.metric,
                classes=len(parts.classes),
            ),
            keeping=Keeping.of_sequences(
                Preparation(plain.inputs, ClassAnswers(parts.classes)),
                lambda: (plain(parts.validation), parts.targets(parts.validation)),
                metric=dataset.metric,
            ),
        )


def read_parts(options: SequenceOptions, *, label_per_step: bool) -> LabelledParts[Numeric]:
    """Reads all files and splits their sequences.

    Raises:
        DataError: Files cannot be read or split, or their sequences do not fit each other.
    """
    return split_examples(read_files(options, label_per_step=label_per_step), options.split)


def read_files(options: SequenceOptions, *, label_per_step: bool) -> dict[str, Examples[Numeric]]:
    """Reads the files of each part that has files of its own; see `read_parts`."""
    roles = options.roles(group=options.group, label=options.label, label_per_step=label_per_step)
    return read_numeric(options, roles, may_share_names=options.split.duplicates == "keep")
