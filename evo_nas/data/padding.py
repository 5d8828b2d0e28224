"""Pads sequences of different lengths into one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

Number = TypeVar("Number", bound=np.generic)


def padded(
    items: Sequence[npt.NDArray[np.generic]], dtype: type[Number], *, steps: int | None = None
) -> npt.NDArray[Number]:
    """Returns ``items`` ``(time, ...)`` as one array ``(n, steps, ...)`` with zeros after their ends.

    Args:
        items: At least one array; the shapes are the same except for the lengths.
        dtype: Type of the result.
        steps: At least the longest length, which is the default.
    """
    steps = steps or max(map(len, items))
    array = np.zeros((len(items), steps, *items[0].shape[1:]), dtype=dtype)
    for row, item in zip(array, items, strict=True):
        row[: len(item)] = item
    return array


def lengths_of(items: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.int64] | None:
    """Returns the length of each item; None if all are equal."""
    lengths = np.array([len(item) for item in items], dtype=np.int64)
    return None if (lengths == lengths[0]).all() else lengths
