"""Parity: is the number of ones odd?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.classifiers import classification_baselines
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.generated import Drawn, GeneratedClassesOptions, GeneratedTask
from evo_nas.tasks.metrics import CLASSIFICATION

if TYPE_CHECKING:
    from evo_nas.tasks.baselines.fitting import Fit, TrainTest


class ParityTask(GeneratedTask[GeneratedClassesOptions]):
    """Random bits, 1 to ``length`` of them; the class says whether the number of ones is odd."""

    kind = "parity"
    Options = GeneratedClassesOptions

    def _baselines(self, both: TrainTest[Sequences]) -> dict[str, Fit]:
        """Returns what fits classifiers that see all bits; see `classification_baselines`."""
        return classification_baselines(
            both.map(lambda part: list(part.inputs.astype(np.float64))),
            both.map(lambda part: part.targets.astype(np.int64)),
            metric=CLASSIFICATION[self.options.metric],
            classes=2,
        )

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        length = self.options.length
        lengths = rng.integers(1, length + 1, count)
        inputs = rng.integers(0, 2, (count, length)) * (np.arange(length) < lengths[:, None])
        return Sequences(inputs.astype(np.int64), inputs.sum(axis=1) % 2, lengths)

    def _dataset(self, drawn: Drawn) -> Dataset:
        return Dataset(
            "parity",
            Signature(0, 2, vocabulary=2),
            Objective.CROSS_ENTROPY,
            CLASSIFICATION[self.options.metric],
            *drawn,
            classes=("even", "odd"),
            vocabulary=("0", "1"),
        )
