"""The way from values of sequences to inputs of a network: standardised, one-hot as they are, holes filled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.data.holes import HoleFilling
from evo_nas.data.layout import Layout
from evo_nas.data.scaling import Scaler, is_constant
from evo_nas.data.statistics import Statistics
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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


NEVER = 1e60
"""Scale of a word that training has not: divided by it, a 1 is 0 in float32."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is done to the values of every sequence, as the training part tells.

    Attributes:
        names: The name of each value of a step; empty if values have no names.
        scaler: Mean and deviation of each value. Those of one-hot columns leave them as they are, but a word that no
            sequence of training has is always 0, since nothing could be learnt of it.
        filling: What becomes of missing values.
        missing: How many of each value are missing, by name, where some are.
        remarks: What was done, one sentence each.
        layout: How tables hold the sequences.
        words: The positions of values that are 1 for one word and 0 for all others.
    """

    names: tuple[str, ...]
    scaler: Scaler
    filling: HoleFilling
    missing: Mapping[str, int]
    remarks: tuple[str, ...] = ()
    layout: Layout = field(default_factory=Layout)
    words: tuple[int, ...] = ()

    @classmethod
    def fitted(cls, parts: Sequence[Examples[Numeric]], missing: Missing) -> Self:
        """Returns what the first of ``parts``, the training part, tells.

        Args:
            parts: The sequences of all parts.
            missing: What to do with missing values.

        Raises:
            DataError: All values are constant in training, or see `Scaler.fitted`.
        """
        train, every = parts[0], [item for part in parts for item in part.items]
        values = np.concatenate(train.items)
        names = train.features or tuple(f"value {number + 1}" for number in range(values.shape[1]))
        words = list(train.indicators)
        constant = np.array([is_constant(column) for column in values.T])
        if constant.all():
            raise DataError(
                f"{train.source}: every value that is read is constant in the training part ({enumerated(names)}); "
                "there is nothing to learn from: read other columns, or split otherwise"
            )
        unknown = [position for position in words if not values[:, position].any()]
        constant[words] = False
        counts = np.sum([np.isnan(item).sum(axis=0) for item in every], axis=0).tolist()
        # Pieces of a sequence may share steps, so that the files are asked first.
        holes = {
            name: train.missing.get(name, count) for name, count in zip(names, counts, strict=True) if count
        }
        facts = (
            (unknown, "not in the training part, read as none of the words"),
            (np.flatnonzero(constant), "constant in the training part; nothing is learnt from it"),
        )
        remarks = [f"{enumerated(names[at] for at in which)}: {what}" for which, what in facts if len(which)]
        if holes:
            each = enumerated(f"{name} {count:,}" for name, count in holes.items())
            remarks.append(f"{sum(holes.values()):,} missing values ({each}) {FILLED[missing]}")
        scaler = _with_words(Scaler.fitted(values), words, unknown)
        return cls(
            train.features,
            scaler,
            HoleFilling.of(missing, every),
            holes,
            tuple(remarks),
            train.layout,
            tuple(words),
        )

    @property
    def width(self) -> int:
        """The number of inputs of each step."""
        return len(self.scaler.mean) + 2 * len(self.filling.masked)

    @property
    def statistics(self) -> Statistics:
        """What of the inputs was learnt from the training part."""
        values = range(len(self.scaler.mean))
        # Behind the values, each that has a mask has two inputs, of which the mask is the first.
        masks = {at: len(values) + 2 * place for place, at in enumerate(self.filling.masked)}
        scaled = tuple(at for at in values if at not in self.words)
        return Statistics(scaled, masks=tuple(masks.items()), words=self.words)

    def inputs(self, examples: Examples[Numeric]) -> list[npt.NDArray[np.float32]]:
        """Returns the inputs float32 ``(time, width)`` of each sequence.

        Raises:
            DataError: A value is too far from those of training; see `Scaler.__call__`.
        """
        return [self.filling(self._scaled(examples, position)) for position in range(len(examples))]

    def _scaled(self, examples: Examples[Numeric], position: int) -> npt.NDArray[np.float32]:
        def place(row: int, feature: int) -> str:
            value = self.names[feature] if self.names else f"value {feature + 1}"
            return f"{examples.where[position]}, step {row + 1}, {value}"

        return self.scaler(examples.items[position], place=place)


def _with_words(scaler: Scaler, words: Sequence[int], unknown: Sequence[int]) -> Scaler:
    mean, scale = scaler.mean.copy(), scaler.scale.copy()
    mean[words], scale[words], scale[unknown] = 0.0, 1.0, NEVER
    return Scaler(mean, scale)
