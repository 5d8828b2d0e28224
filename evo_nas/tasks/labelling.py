"""Sequence labelling: a class for every step of a numeric sequence; ``tagging`` is the same for words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.features import Features
from evo_nas.data.padding import lengths_of, padded
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import ClassAnswers
from evo_nas.tasks.baselines.classifiers import step_baselines
from evo_nas.tasks.baselines.keeping import Keeping
from evo_nas.tasks.classification import SequenceOptions, read_parts
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.labelled import labelled_dataset
from evo_nas.tasks.numeric_files import NumericTask, PlainReading, recorded
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.task import Prepared

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.examples import Examples
    from evo_nas.data.labelled_parts import LabelledParts

    Numeric = npt.NDArray[np.float64]


class LabellingTask(NumericTask[SequenceOptions]):
    """One class for each step; features are standardised with the statistics of the training part.

    ``labelling`` reads numbers, ``tagging`` words or other tokens; both learn a class for every step.
    """

    kind = "labelling"
    Options = SequenceOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns 30 sequences of 3 to 8 steps, one step in each row of a CSV file."""
        rng = np.random.default_rng(0)
        path = folder / "steps.csv"
        lines = [
            f"s{sequence},{value},{'up' if value > 0 else 'down'}"
            for sequence in range(30)
            for value in rng.normal(size=rng.integers(3, 9))
        ]
        path.write_text("\n".join(["sequence,value,label", *lines]), encoding="utf-8")
        return cls(SequenceOptions(path=(path,), sequence="sequence"))

    def read(self) -> Prepared:
        """Reads and splits the sequences; see `Task.read`."""
        parts = read_parts(self.options, label_per_step=True)
        _check(parts)
        features = Features.fitted([parts.train, parts.validation, parts.test], self.options.missing)

        def sequences(examples: Examples[Numeric]) -> Sequences:
            return Sequences(
                padded(features.inputs(examples), np.float32),
                padded(parts.step_targets(examples), np.int64),
                lengths_of(examples.items),
                parts.scored(examples),
            )

        dataset = labelled_dataset(
            "sequence labelling",
            parts,
            sequences,
            signature=Signature(features.width, len(parts.classes), per_step=True),
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
            lambda both: step_baselines(
                both.map(plain),
                both.map(parts.counted_targets),
                metric=dataset.metric,
                classes=len(parts.classes),
            ),
            keeping=Keeping.of_sequences(
                Preparation(plain.inputs, ClassAnswers(parts.classes)),
                lambda: (plain(parts.validation), parts.counted_targets(parts.validation)),
                metric=dataset.metric,
            ),
        )


def _check(parts: LabelledParts[Numeric]) -> None:
    for examples in (parts.train, parts.validation, parts.test):
        for number, (item, label) in enumerate(zip(examples.items, examples.labels, strict=True), start=1):
            if isinstance(label, str) or len(label) != len(item):
                raise DataError(
                    f"{examples.source}: sequence {number} of {len(item)} steps needs a label for each; name the "
                    "column of the sequence in `sequence`, or give arrays of labels (time,)"
                )
