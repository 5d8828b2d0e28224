"""Noisy sines: the next value of a wave with unknown frequency, phase and amplitude."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.ridge import Ridge
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.generated import Drawn, GeneratedNumbersOptions, GeneratedTask
from evo_nas.tasks.metrics import ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit

PENALTY = 1e-4
"""Penalty on the squared weights of the linear baseline."""


class SinesOptions(GeneratedNumbersOptions):
    """Options of the task ``sines``; ``length`` is the number of values that are read.

    Attributes:
        noise: Standard deviation of the noise that is added to each value that is read.
    """

    noise: Annotated[float, Field(ge=0.0, le=10.0)] = 0.1


class SinesTask(GeneratedTask[SinesOptions]):
    """Sines of amplitude 0.5 to 1 and period 4 to 40 steps, read with noise; the target is the next value without."""

    kind = "sines"
    Options = SinesOptions

    def _baselines(self, drawn: Drawn) -> dict[str, Fit]:
        """Returns what fits the last value, and a linear model."""
        guesses = {"persistence": _last_value, "linear": _linear}
        return {name: partial(self._score, guess, drawn) for name, guess in guesses.items()}

    def _score(self, guess: Callable[[Drawn], npt.NDArray[np.float32]], drawn: Drawn) -> float:
        return ERRORS[self.options.metric].score(guess(drawn), drawn.test.targets)

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        length = self.options.length
        period, phase, amplitude = rng.uniform([4.0, 0.0, 0.5], [40.0, 2 * np.pi, 1.0], (count, 3)).T[
            ..., None
        ]
        waves = amplitude * np.sin(2 * np.pi * np.arange(length + 1) / period + phase)
        seen = waves[:, :-1] + rng.normal(0.0, self.options.noise, (count, length))
        return Sequences(seen[..., None].astype(np.float32), waves[:, -1:].astype(np.float32))

    def _dataset(self, drawn: Drawn) -> Dataset:
        signature, metric = Signature(1, 1, last_values=(0,), horizon=1), ERRORS[self.options.metric]
        return Dataset("noisy sines", signature, Objective.MSE, metric, *drawn)


def _last_value(drawn: Drawn) -> npt.NDArray[np.float32]:
    return _flat(drawn.test)[:, -1:]


def _linear(drawn: Drawn) -> npt.NDArray[np.float32]:
    linear = Ridge.fitted([(_flat(drawn.train), drawn.train.targets.astype(np.float32))], penalty=PENALTY)
    return linear(_flat(drawn.test)).astype(np.float32)


def _flat(part: Sequences) -> npt.NDArray[np.float32]:
    return part.inputs[..., 0].astype(np.float32)
