"""The way from values of sequences to inputs of a network: standardised, one-hot as they are, holes filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.holes import HoleFilling
from evo_nas.data.scaling import Scaler

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.examples import Examples
    from evo_nas.data.holes import Missing

    Numeric = npt.NDArray[np.float64]

FILLED = {
    "mask": "become the mean of training, with two more inputs: whether the value is known and how long ago one was",
    "interpolate": "are interpolated between their neighbours",
    "previous": "repeat the value before them",
}
"""What becomes of missing values, for a sentence about them."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is done to the values of every sequence, as the training part tells.

    Attributes:
        names: The name of each value of a step.
        scaler: Mean and deviation of each value; those of one-hot columns leave them as they are.
        read: The positions of the values that are read; None if all are. A word of a categorical column that no
            sequence of training has is not read: nothing could be learnt of it.
        filling: What becomes of missing values.
        remarks: What was done, one sentence each.
    """

    names: tuple[str, ...]
    scaler: Scaler
    read: tuple[int, ...] | None
    filling: HoleFilling
    remarks: tuple[str, ...] = ()

    @classmethod
    def fitted(cls, parts: Sequence[Examples[Numeric]], missing: Missing) -> Self:
        """Returns what the first of ``parts``, the training part, tells.

        Args:
            parts: The sequences of all parts.
            missing: What to do with missing values.

        Raises:
            DataError: See `Scaler.fitted`.
        """
        train, width = parts[0], parts[0].items[0].shape[1]
        names = train.features or tuple(f"value {position + 1}" for position in range(width))
        values = np.concatenate(train.items)
        is_word = np.isin(np.arange(width), train.indicators)
        fitted = Scaler.fitted(values)
        scaler = Scaler(np.where(is_word, 0.0, fitted.mean), np.where(is_word, 1.0, fitted.scale))
        unknown = {position for position in train.indicators if not values[:, position].any()}
        read = tuple(position for position in range(width) if position not in unknown) if unknown else None
        every = [item for part in parts for item in part.items]
        holes = np.sum([np.isnan(item).sum(axis=0) for item in every], axis=0)
        filling = HoleFilling.of(missing, every) if holes.any() else HoleFilling("refuse")
        remarks = []
        if unknown:
            absent = ", ".join(names[position] for position in sorted(unknown))
            remarks.append(f"{absent}: not in the training part, read as none of the words")
        if holes.any():
            counts = ", ".join(
                f"{name} {count:,}" for name, count in zip(names, holes.tolist(), strict=True) if count
            )
            remarks.append(f"{int(holes.sum()):,} missing values ({counts}) {FILLED[missing]}")
        return cls(names, scaler, read, filling, tuple(remarks))

    @property
    def width(self) -> int:
        """The number of inputs of each step."""
        values = len(self.names) if self.read is None else len(self.read)
        return values + 2 * len(self.filling.masked)

    def inputs(self, examples: Examples[Numeric]) -> list[npt.NDArray[np.float32]]:
        """Returns the inputs float32 ``(time, width)`` of each sequence.

        Raises:
            DataError: A value is too far from those of training; see `Scaler.__call__`.
        """
        return [self._filled(scaled) for scaled in self._scaled(examples)]

    def known(self, examples: Examples[Numeric]) -> list[Numeric]:
        """Returns the values ``(time, values)`` of each sequence in original units with holes filled.

        Simple models read these: a hole that has a mask for a network is interpolated, without further inputs.
        """
        if self.filling.how == "refuse":
            return list(examples.items)
        fill = HoleFilling("interpolate" if self.filling.how == "mask" else self.filling.how)
        return [
            np.where(np.isnan(item), fill(scaled) * self.scaler.scale + self.scaler.mean, item)
            for item, scaled in zip(examples.items, self._scaled(examples), strict=True)
        ]

    def _scaled(self, examples: Examples[Numeric]) -> list[npt.NDArray[np.float32]]:
        return [
            self.scaler(
                item,
                place=lambda row, feature, position=position: (  # type: ignore[misc]
                    f"{examples.where[position]}, step {row + 1}, {self.names[feature]}"
                ),
            )
            for position, item in enumerate(examples.items)
        ]

    def _filled(self, scaled: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if self.filling.how == "refuse":
            return scaled if self.read is None else scaled[:, self.read]
        filled = self.filling(scaled)
        if self.read is None:
            return filled
        return filled[:, [*self.read, *range(len(self.names), filled.shape[1])]]
