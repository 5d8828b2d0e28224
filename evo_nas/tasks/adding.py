"""The adding problem (Hochreiter and Schmidhuber, 1997): remember two marked numbers among many."""

from __future__ import annotations

import numpy as np

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.generated import GeneratedNumbersOptions, GeneratedTask
from evo_nas.tasks.metrics import ERRORS
from evo_nas.tasks.task import Dataset, Loss, Sequences


class AddingTask(GeneratedTask):
    """Each of ``length`` steps has a number from 0 to 1 and a mark; the target is the sum of the two marked."""

    kind = "adding"
    Options = GeneratedNumbersOptions
    _options: GeneratedNumbersOptions

    def baselines(self) -> dict[str, float]:
        """Returns the test error of always saying the mean, about 1/6."""
        train, _, test = self._parts()
        guess = np.full(test.targets.shape, train.targets.astype(np.float64).mean(), dtype=np.float32)
        return {"mean": ERRORS[self._options.metric].score(guess, test.targets)}

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        length = self._options.length
        inputs = np.zeros((count, length, 2), dtype=np.float32)
        inputs[..., 0] = rng.random((count, length))
        rows = np.arange(count)
        half = length // 2
        for mark in (rng.integers(0, half, count), rng.integers(half, length, count)):
            inputs[rows, mark, 1] = 1.0
        return Sequences(inputs, (inputs[..., 0] * inputs[..., 1]).sum(axis=1, keepdims=True))

    def _dataset(self, train: Sequences, validation: Sequences, test: Sequences) -> Dataset:
        metric = ERRORS[self._options.metric]
        return Dataset("adding problem", Signature(2, 1), Loss.MSE, metric, train, validation, test)
