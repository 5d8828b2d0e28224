"""Finds rows that files of two parts share, so that a forecast would be judged by what its network learnt from."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.data.series_rows import SeriesRows

ENOUGH = 10
"""Rows in common that are no coincidence if all of them are equal; all rows of a shorter series count as much."""


def check_that_parts_differ(rows: Iterable[SeriesRows]) -> None:
    """Refuses a series that is in the files of two parts.

    Series of one name are compared where they have the same times, or as a whole without times. Different series often
    have the same times or a few equal rows, so all rows in common must be equal.

    Raises:
        DataError: Two parts have rows of one series.
    """
    named: dict[str, list[SeriesRows]] = defaultdict(list)
    for each in rows:
        named[each.name].append(each)
    for same_name in named.values():
        for one, other in combinations(same_name, 2):
            if one.part != other.part and (shared := _shared(one, other)):
                raise DataError(
                    f"{other.source} ({other.part}) has {shared:,} rows of {one.source} ({one.part}); what is "
                    "forecast must not be learnt from: take them out of one of the two"
                )


def _shared(one: SeriesRows, other: SeriesRows) -> int:
    """Returns how many rows two series have in common, 0 if these may be equal by chance."""
    first, second = one.values, other.values
    if one.stamps is not None and other.stamps is not None:
        _, at, where = np.intersect1d(one.stamps, other.stamps, return_indices=True)
        first, second = first[at], second[where]
    is_enough = len(first) >= min(len(one), len(other), ENOUGH)
    is_same = (
        is_enough
        and np.array_equal(first, second, equal_nan=True)
        and np.ptp(np.nan_to_num(first), axis=0).any()
    )
    return len(first) if is_same else 0
