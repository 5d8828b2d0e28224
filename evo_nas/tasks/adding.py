"""The adding problem (Hochreiter and Schmidhuber, 1997): remember two marked numbers among many."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.regressors import score_of_mean
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.generated import Drawn, GeneratedNumbersOptions, GeneratedTask
from evo_nas.tasks.metrics import ERRORS

if TYPE_CHECKING:
    from evo_nas.tasks.baselines.fitting import Fit, TrainTest


class AddingTask(GeneratedTask[GeneratedNumbersOptions]):
    """Each of ``length`` steps has a number from 0 to 1 and a mark; the target is the sum of the two marked."""

    kind = "adding"
    Options = GeneratedNumbersOptions

    def _baselines(self, both: TrainTest[Sequences]) -> dict[str, Fit]:
        """Returns what predicts always the mean, with an error of about 1/6."""
        targets = both.map(lambda part: part.targets)
        return {"mean": partial(score_of_mean, targets, ERRORS[self.options.metric])}

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        length = self.options.length
        inputs = np.zeros((count, length, 2), dtype=np.float32)
        inputs[..., 0] = rng.random((count, length))
        rows = np.arange(count)
        # One mark in each half, the usual variant of the problem: the two are never the same step.
        half = length // 2
        for mark in (rng.integers(0, half, count), rng.integers(half, length, count)):
            inputs[rows, mark, 1] = 1.0
        return Sequences(inputs, (inputs[..., 0] * inputs[..., 1]).sum(axis=1, keepdims=True))

    def _dataset(self, drawn: Drawn) -> Dataset:
        metric = ERRORS[self.options.metric]
        return Dataset("adding problem", Signature(2, 1), Objective.MSE, metric, *drawn)
