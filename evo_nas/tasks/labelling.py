"""Sequence labelling: a class for every step of a numeric sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.classification import SequenceOptions, read_parts
from evo_nas.tasks.metrics import CLASSIFICATION
from evo_nas.tasks.opponents import classification_baselines
from evo_nas.tasks.padding import lengths_of, padded
from evo_nas.tasks.scaling import Scaler
from evo_nas.tasks.task import Dataset, Sequences, Task

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.tasks.examples import Examples, LabelledParts

    Numeric = npt.NDArray[np.float64]


class LabellingTask(Task):
    """One class a step; features are standardised with the statistics of the training part."""

    kind = "labelling"
    Options = SequenceOptions

    def __init__(self, options: SequenceOptions) -> None:
        self._options = options

    def files(self) -> list[Path]:
        """Returns the files of all parts."""
        return self._options.files()

    def load(self) -> Dataset:
        """Reads and splits the sequences; see `Task.load`."""
        parts = self._read()
        scaler = Scaler.fitted(np.concatenate(parts.train.items))

        def sequences(examples: Examples[Numeric]) -> Sequences:
            scaled = [scaler(item) for item in examples.items]
            return Sequences(
                padded(scaled, np.float32),
                padded(parts.step_targets(examples), np.int64),
                lengths_of(examples.items),
            )

        return parts.dataset(
            "sequence labelling",
            sequences,
            signature=Signature(parts.train.items[0].shape[1], len(parts.classes), per_step=True),
            options=self._options,
        )

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of opponents that see one step alone; see `classification_baselines`."""
        parts = self._read()
        learnt, test = parts.learnt, parts.test
        return classification_baselines(
            [np.concatenate(learnt.items), np.concatenate(test.items)],
            [np.concatenate(parts.step_targets(learnt)), np.concatenate(parts.step_targets(test))],
            metric=CLASSIFICATION[self._options.metric],
            classes=len(parts.classes),
        )

    def _read(self) -> LabelledParts[Numeric]:
        parts = read_parts(self._options, label_a_step=True)
        for examples in (parts.train, parts.validation, parts.test):
            for number, (item, label) in enumerate(
                zip(examples.items, examples.labels, strict=True), start=1
            ):
                if isinstance(label, str) or len(label) != len(item):
                    raise DataError(
                        f"{examples.source}: sequence {number} of {len(item)} steps needs a label for each; name the "
                        "column of the sequence in `sequence`, or give arrays of labels (time,)"
                    )
        return parts
