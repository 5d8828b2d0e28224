"""Noisy sines: the next value of a wave with unknown frequency, phase and amplitude."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from evo_nas.data.splitting import PARTS
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.ridge import Ridge
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.example_sums import Scored
from evo_nas.tasks.family import Episode, FamilyOptions, check_size, family_dataset, support_mean
from evo_nas.tasks.generated import Drawn, GeneratedNumbersOptions, GeneratedTask
from evo_nas.tasks.metrics import ERRORS
from evo_nas.tasks.task import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit, TrainTest

PENALTY = 1e-4
"""Penalty on the squared weights of the linear baseline."""
FARTHEST, LARGEST = 5.0, 5.0
"""Largest place on a wave, before and after zero, and largest amplitude of the family, as in MAML."""
APART = 0.1
"""How far the places that lead up to the last one lie apart."""


class SinesOptions(GeneratedNumbersOptions):
    """Options of the task ``sines``; ``length`` is the number of values that are read.

    Attributes:
        noise: Standard deviation of the noise that is added to each value that is read.
        family: The waves of meta-learning.
    """

    noise: Annotated[float, Field(ge=0.0, le=10.0)] = 0.1
    family: FamilyOptions = FamilyOptions()


class SinesTask(GeneratedTask[SinesOptions]):
    """Sines of amplitude 0.5 to 1 and period 4 to 40 steps, read with noise; the target is the next value without.

    Its family is that of MAML (Finn et al., 2017): each task is one wave of amplitude 0.1 to 5 and any phase, and a
    network learns its value at a place from a few such pairs. It reads the places that lead up to that one, so that
    nothing but the examples tells it which wave it is.
    """

    kind = "sines"
    Options = SinesOptions

    def family(self) -> Prepared:
        """Draws waves; see `Task.family`."""
        family = self.options.family
        check_size(
            family.episodes, family.shots + family.queries, self.options.length, field="task.family.episodes"
        )
        dataset = family_dataset(
            {part: self._waves(part) for part in PARTS},
            name="a family of sines",
            signature=Signature(1, 1),
            objective=Objective.MSE,
            metric=ERRORS[self.options.metric],
        )
        return Prepared.of(dataset, dataset.parts, lambda _: support_mean(dataset))

    def _waves(self, part: str) -> list[Episode]:
        family = self.options.family
        rng = family.rng(part)
        return [self._wave(rng) for _ in range(family.count(part))]

    def _wave(self, rng: np.random.Generator) -> Episode:
        family = self.options.family
        amplitude, phase = rng.uniform([0.1, 0.0], [LARGEST, np.pi])
        places = rng.uniform(-FARTHEST, FARTHEST, (family.shots + family.queries, 1))
        read = places + APART * np.arange(1 - self.options.length, 1)
        values = amplitude * np.sin(places + phase)
        pairs = Sequences(read[..., None].astype(np.float32), values.astype(np.float32))
        return Episode(*(pairs.chosen(which) for which in np.split(np.arange(len(pairs)), [family.shots])))

    def _baselines(self, both: TrainTest[Sequences]) -> dict[str, Fit]:
        """Returns what fits the last value, and a linear model."""
        guesses = {"persistence": _last_value, "linear": _linear}
        return {name: partial(self._score, guess, both) for name, guess in guesses.items()}

    def _score(
        self,
        guess: Callable[[TrainTest[Sequences]], npt.NDArray[np.float32]],
        both: TrainTest[Sequences],
    ) -> Scored:
        return Scored.of(ERRORS[self.options.metric], guess(both), both.test.targets)

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


def _last_value(both: TrainTest[Sequences]) -> npt.NDArray[np.float32]:
    return _flat(both.test)[:, -1:]


def _linear(both: TrainTest[Sequences]) -> npt.NDArray[np.float32]:
    linear = Ridge.fitted([(_flat(both.train), both.train.targets.astype(np.float32))], penalty=PENALTY)
    return linear(_flat(both.test)).astype(np.float32)


def _flat(part: Sequences) -> npt.NDArray[np.float32]:
    return part.inputs[..., 0].astype(np.float32)
