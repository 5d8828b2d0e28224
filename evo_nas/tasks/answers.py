"""From the outputs of a network to classes or numbers: plain values that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

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
class NumberAnswers:
    """Outputs that are standardised numbers.

    Attributes:
        mean: Mean of each target in training.
        scale: Deviation of each target in training.
        columns: Names of the targets in their order, where they have names.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    columns: tuple[str, ...] = ()
    kind: Literal["numbers"] = "numbers"

    def __call__(self, outputs: Outputs) -> Numbers:
        """Returns numbers ``(..., targets)`` in the units of the targets."""
        numbers: Numbers = outputs.astype(np.float64) * np.array(self.scale) + np.array(self.mean)
        return numbers
