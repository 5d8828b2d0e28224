"""Finds rows that two files share, so that a forecast would be judged by what its network learnt from."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from evo_nas.data.series_rows import SeriesRows

    Values = npt.NDArray[np.float64]

ENOUGH = 10
"""Different rows in common that are no coincidence: in a row, or at common times. States, such as on and off or days
without a sale, are equal by chance for as long as they last, but never take so many values in both series."""
MOST = 0.5
"""Least share of the rows of common times that are equal in copies, of which some rows may have been revised."""


def check_that_series_differ(rows: Iterable[SeriesRows]) -> None:
    """Refuses a series that is in two files: each is cut into parts on its own, or belongs to one part.

    Series of one name are copies if they have `ENOUGH` different rows in common, at most of the times that both have
    or, without times, one after the other; or if all that can be compared is equal.

    Raises:
        DataError: Two files have rows of one series.
    """
    named: dict[str, list[SeriesRows]] = defaultdict(list)
    for each in rows:
        named[each.name].append(each)
    for same_name in named.values():
        if len(same_name) > 1:
            _check(same_name)


def _check(series: Sequence[SeriesRows]) -> None:
    # Pairs of series would take time that grows with the square of their number.
    owners: dict[int, int] = {}
    for at, other in enumerate(series):
        marks = _marks(other)
        for one in map(series.__getitem__, sorted({owners[mark] for mark in marks if mark in owners})):
            if shared := _shared(one, other):
                raise DataError(
                    f"{other.source} ({other.part}) has {shared:,} rows of {one.source} ({one.part}); what is "
                    "forecast must not be learnt from: take them out of one of the two"
                )
        for mark in marks:
            owners.setdefault(mark, at)


def _marks(rows: SeriesRows) -> list[int]:
    """Returns hashes of the rows with their times, or of every `ENOUGH` successive rows without times."""
    if rows.stamps is None:
        return list(map(hash, _runs(rows.values)))
    times = rows.stamps.astype(np.int64).tolist()
    return [hash((time, row.tobytes())) for time, row in zip(times, _plain(rows.values), strict=True)]


def _runs(values: Values) -> list[bytes]:
    """Returns the bytes of every `ENOUGH` successive rows, or of all where there are fewer."""
    plain = _plain(values)
    return [plain[at : at + ENOUGH].tobytes() for at in range(max(len(plain) - ENOUGH + 1, 1))]


def _plain(values: Values) -> Values:
    """Returns ``values`` with one spelling of zero and one of NaN, so that equal rows have equal bytes."""
    return np.where(np.isnan(values), np.nan, values + 0.0)


def _shared(one: SeriesRows, other: SeriesRows) -> int:
    """Returns how many rows two series have in common, 0 if these may be equal by chance."""
    first, second = one.values, other.values
    if one.stamps is not None and other.stamps is not None:
        _, at, where = np.intersect1d(one.stamps, other.stamps, return_indices=True)
        first, second = first[at], second[where]
        same = np.equal(_bits(first), _bits(second)).all(axis=1)
        is_copy = same.mean() >= MOST and _different(second[same]) >= ENOUGH
    else:
        same = _copied(first, second)
        is_copy = bool(same.any())
    is_all = len(first) >= min(len(one), len(other), ENOUGH) and np.array_equal(first, second, equal_nan=True)
    if is_all and np.ptp(np.nan_to_num(first), axis=0).any():
        return len(first)
    return int(same.sum()) if is_copy else 0


def _copied(first: Values, second: Values) -> npt.NDArray[np.bool_]:
    """Returns which rows of ``second`` are in a run of `ENOUGH` different rows that ``first`` has, too."""
    known, copied = set(_runs(first)), np.zeros(len(second), dtype=np.bool_)
    for at, run in enumerate(_runs(second)):
        if run in known and _different(second[at : at + ENOUGH]) >= ENOUGH:
            copied[at : at + ENOUGH] = True
    return copied


def _different(values: Values) -> int:
    return len({row.tobytes() for row in _plain(values)})


def _bits(values: Values) -> npt.NDArray[np.int64]:
    return _plain(values).view(np.int64)
