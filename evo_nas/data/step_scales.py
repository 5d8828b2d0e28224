"""Whether the columns of a table are steps of one quantity, where every row is a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

SMALL, LOST = 1e-3, 1e-5
"""Range of a step, as a share of the deviation of all: steps below the first are hardly seen, and float32, which holds
seven digits, tells few values apart below the second."""


def remarks_on_scales(source: str, items: npt.NDArray[np.float64], names: Sequence[str]) -> tuple[str, ...]:
    """Returns a remark if some steps vary much less than others, which may be other quantities then.

    Args:
        source: The table, for messages.
        items: The rows of a table as sequences ``(rows, steps, features)``; NaN is a missing value.
        names: The columns, in the order of steps and features.

    Raises:
        DataError: A step varies so little that its values would be lost.
    """
    values = items.reshape(len(items), -1)
    known = np.where(np.isnan(values), np.nanmean(values), values)
    deviations = known.reshape(items.shape).std(axis=(0, 1))
    shares = np.ptp(known, axis=0) / np.tile(np.where(deviations > 0, deviations, 1.0), items.shape[1])
    # A constant step has nothing to lose.
    shares[shares == 0] = 1.0
    least = int(shares.argmin())
    if shares[least] >= SMALL:
        return ()
    differs = (
        f"column {names[least]} varies by {shares[least]:.0e} of the deviation of all, with which every step "
        "of a row is standardised"
    )
    if shares[least] < LOST:
        raise DataError(
            f"{source}: {differs}, so that its values would be lost; if the columns are other quantities, say with "
            "`features` how many are one step, or leave some out with `exclude`"
        )
    return (f"{differs}; if the columns are other quantities, `features` says how many are one step",)
