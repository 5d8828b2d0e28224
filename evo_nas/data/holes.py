"""What to do with missing values of sequences: refuse them, mask them, or fill them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    import numpy.typing as npt

Missing = Literal["refuse", "mask", "interpolate", "previous"]
"""The choices of an option ``missing``.

``mask`` sets a hole to zero, the mean of training, and adds two inputs for its column: whether the value is known, and
the steps since the last known one (Che et al., 2018). ``interpolate`` draws a line between the known neighbours,
``previous`` repeats the last known value; before the first known value both repeat that one. A sequence without any
value in a column gets the mean.
"""


@dataclass(frozen=True, slots=True)
class HoleFilling:
    """How the holes of standardised sequences become inputs of a network.

    Attributes:
        how: The choice; ``refuse`` where there are no holes.
        masked: The features that get a mask, by position; those with a hole in any part, if ``how`` is ``mask``.
    """

    how: Missing
    masked: tuple[int, ...] = ()

    @classmethod
    def of(cls, how: Missing, sequences: Iterable[npt.NDArray[np.floating]]) -> Self:
        """Returns the filling for ``sequences`` of all parts, each ``(time, features)`` with NaN for a hole."""
        if how != "mask":
            return cls(how)
        holes = {
            int(feature) for values in sequences for feature in np.flatnonzero(np.isnan(values).any(axis=0))
        }
        return cls(how, tuple(sorted(holes)))

    def names(self, features: Sequence[str]) -> tuple[str, ...]:
        """Returns the names of the inputs that features of these names become."""
        added = [
            name for at in self.masked for name in (f"{features[at]} is known", f"steps since {features[at]}")
        ]
        return (*features, *added)

    def __call__(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Returns the inputs float32 ``(time, features + 2 * masked)`` of one standardised sequence.

        Args:
            values: ``(time, features)``, NaN where a value is missing.
        """
        if self.how == "mask":
            gaps = [_known_and_since(values[:, at]) for at in self.masked]
            return np.column_stack([np.nan_to_num(values), *gaps]).astype(np.float32)
        if not np.isnan(values).any():
            return values.astype(np.float32)
        fill = _interpolated if self.how == "interpolate" else _carried_on
        return np.stack([fill(column) for column in values.T], axis=1).astype(np.float32)


def steps_since_known(is_known: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Returns for each step how many steps ago the last value before it was known, int64 ``(time,)``, 0 if none was.

    Args:
        is_known: Whether the value of each step is known, ``(time,)``.
    """
    steps = np.arange(len(is_known))
    last = np.maximum.accumulate(np.where(is_known, steps, -1))
    before = np.concatenate([[-1], last[:-1]]).astype(np.int64)
    return np.where(before >= 0, steps - before, 0)


def _known_and_since(column: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    is_known = ~np.isnan(column)
    # The logarithm keeps a long hole from being the largest input of all.
    return np.stack([is_known.astype(np.float64), np.log1p(steps_since_known(is_known))], axis=1)


def _interpolated(column: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    known = np.flatnonzero(~np.isnan(column))
    if not len(known):
        return np.zeros_like(column)
    filled: npt.NDArray[np.float64] = np.interp(np.arange(len(column)), known, column[known])
    return filled


def _carried_on(column: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    known = np.flatnonzero(~np.isnan(column))
    if not len(known):
        return np.zeros_like(column)
    places = np.searchsorted(known, np.arange(len(column)), side="right") - 1
    carried: npt.NDArray[np.floating] = column[known[np.maximum(places, 0)]]
    return carried
