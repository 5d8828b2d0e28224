"""Parity: is the number of ones odd?"""

from __future__ import annotations

import numpy as np

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.generated import GeneratedClassesOptions, GeneratedTask
from evo_nas.tasks.metrics import CLASSIFICATION
from evo_nas.tasks.opponents import classification_baselines
from evo_nas.tasks.task import Dataset, Loss, Sequences


class ParityTask(GeneratedTask):
    """Random bits, 1 to ``length`` of them; the class says whether the ones among them are odd in number."""

    kind = "parity"
    Options = GeneratedClassesOptions
    _options: GeneratedClassesOptions

    def baselines(self) -> dict[str, float]:
        """Returns the test accuracy of opponents that see all bits; see `classification_baselines`."""
        train, _, test = self._parts()
        return classification_baselines(
            [part.inputs.astype(np.float64) for part in (train, test)],
            [part.targets.astype(np.int64) for part in (train, test)],
            metric=CLASSIFICATION[self._options.metric],
            classes=2,
        )

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        length = self._options.length
        lengths = rng.integers(1, length + 1, count)
        inputs = rng.integers(0, 2, (count, length)) * (np.arange(length) < lengths[:, None])
        return Sequences(inputs.astype(np.int64), inputs.sum(axis=1) % 2, lengths)

    def _dataset(self, train: Sequences, validation: Sequences, test: Sequences) -> Dataset:
        return Dataset(
            "parity",
            Signature(0, 2, vocabulary=2),
            Loss.CROSS_ENTROPY,
            CLASSIFICATION[self._options.metric],
            train,
            validation,
            test,
            classes=("even", "odd"),
            vocabulary=("0", "1"),
        )
