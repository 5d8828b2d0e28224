"""From the outputs of a network to classes or numbers: plain values that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evo_nas.tasks.metrics import MEDIAN, in_order

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Outputs = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClassAnswers:
    """Outputs that are logits of classes.

    Attributes:
        classes: Names of the classes.
    """

    classes: tuple[str, ...]
    kind: Literal["classes"] = "classes"

    def __call__(self, outputs: Outputs) -> npt.NDArray[np.str_]:
        """Returns the names of the likeliest classes ``(...)`` for logits ``(..., classes)``."""
        names: npt.NDArray[np.str_] = np.array(self.classes)[outputs.argmax(axis=-1)]
        return names

    def probabilities(self, outputs: Outputs) -> Numbers:
        """Returns the probability of each class ``(..., classes)``."""
        weights = np.exp((outputs - outputs.max(axis=-1, keepdims=True)).astype(np.float64))
        shares: Numbers = weights / weights.sum(axis=-1, keepdims=True)
        return shares


@dataclass(frozen=True, slots=True)
class LabelAnswers:
    """Outputs that are logits of labels, any number of which may hold at once, such as the keys of music.

    Attributes:
        labels: Names of the labels.
        ahead: Whether a step's outputs are of the next step.
    """

    labels: tuple[str, ...]
    ahead: bool = False
    kind: Literal["labels"] = "labels"

    def __call__(self, outputs: Outputs) -> npt.NDArray[np.bool_]:
        """Returns which labels are more likely than not ``(..., labels)``."""
        return np.asarray(outputs > 0)

    def probabilities(self, outputs: Outputs) -> Numbers:
        """Returns the probability of each label ``(..., labels)``."""
        logits = outputs.astype(np.float64)
        # Of minus the absolute value, so that no power overflows.
        small = np.exp(-np.abs(logits))
        shares: Numbers = np.where(logits >= 0, 1.0, small) / (1.0 + small)
        return shares


@dataclass(frozen=True, slots=True)
class NumberAnswers:
    """Outputs that are standardised numbers.

    Attributes:
        mean: Mean of each target in training.
        scale: Deviation of each target in training.
        columns: Names of the targets in their order, where they have names.
        horizon: Steps that are forecast; 0 if the numbers are not of steps.
        quantiles: Levels that are forecast of each number; none if the number itself is.
        naive_errors: Mean change of each target from one season before in training, by which ``mase`` divides; none
            where another metric judges.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    columns: tuple[str, ...] = ()
    horizon: int = 0
    quantiles: tuple[float, ...] = ()
    naive_errors: tuple[float, ...] = ()
    kind: Literal["numbers"] = "numbers"

    @property
    def middle(self) -> int:
        """The place of the median among the levels, or of the level next to it; 0 without quantiles."""
        return min(range(len(self.quantiles)), key=lambda at: abs(self.quantiles[at] - MEDIAN), default=0)

    def __call__(self, outputs: Outputs) -> Numbers:
        """Returns numbers ``(n, targets)``, or ``(n, horizon, targets)``, in the units of the targets.

        Of quantiles each number is the median, or the level next to it.
        """
        return self.every_level(outputs)[..., self.middle]

    def every_level(self, outputs: Outputs) -> Numbers:
        """Returns numbers as `__call__` does, with a further axis for the levels of `quantiles`, or for none of 1.

        Quantiles that cross are sorted, as every metric sorts them; see `in_order`.
        """
        shape = (*((self.horizon,) if self.horizon else ()), len(self.mean), max(len(self.quantiles), 1))
        ordered = in_order(outputs.astype(np.float64), max(len(self.quantiles), 1))
        values = ordered.reshape(len(outputs), *shape)
        numbers: Numbers = values * np.array(self.scale)[:, None] + np.array(self.mean)[:, None]
        return numbers
