"""Tells the column that names the series of each row, so that rows of different series are never read as one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evo_nas.data.table import Table

_NAMES_SERIES = re.compile(r"(?:.*[_ ])?(?:id|ids|series|item|key)", re.IGNORECASE)
LONG = 10
"""Rows in which a value stands on average before another one follows, for it to name them: states change sooner."""


def may_name_series(table: Table, name: str) -> bool:
    """Whether a column has words or whole numbers that come again, so that it could name series."""
    kind = table.kind_of(name).name
    if kind not in {"numeric", "words", "mixed"}:
        return False  # lists and records, which Arrow cannot compare
    different = table.distinct(name)
    if kind == "numeric":
        # Numbers with fractions are measurements.
        numbers = table.numbers(name, holes=True)
        return 1 < different <= len(table) // 2 and bool((numbers == np.floor(numbers)).all())
    return 1 < different < len(table)


def names_series(table: Table, name: str) -> bool:
    """Whether a column probably names series: by its name, or since each of its few values stands in one long run."""
    if not may_name_series(table, name):
        return False
    if _NAMES_SERIES.fullmatch(name):
        return True
    values = table.column(name).dictionary_encode()
    runs = 1 + np.count_nonzero(np.diff(values.indices.fill_null(-1)))
    return bool(not values.null_count and runs == len(values.dictionary) and LONG * runs <= len(table))
