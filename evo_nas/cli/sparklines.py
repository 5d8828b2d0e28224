"""Small charts of one line for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.cli.encoding import BARS
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain
from evo_nas.data.splitting import PARTS
from evo_nas.views.data_facts import series_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from rich.console import RenderableType

    from evo_nas.tasks.dataset import Dataset

    Numbers = npt.NDArray[np.float64]

BINS = 24
WIDTH = 30
"""Characters of the charts of all parts of a series together."""
MOST_COLUMNS = 12


def histogram(numbers: npt.NDArray[np.int64]) -> str:
    """Returns how often numbers from the smallest to the largest are there; empty if all are the same."""
    if numbers.min() == numbers.max():
        return ""
    # Not more bins than different numbers, or some bins would always be empty.
    counts, _ = np.histogram(numbers, bins=min(BINS, int(np.ptp(numbers)) + 1))
    return "".join(BARS[round(count / counts.max() * (len(BARS) - 1))] for count in counts)


def bar(count: int, most: int) -> str:
    """Returns a bar for ``count`` beside the largest, ``most``; one that is not 0 can be seen."""
    return "" if not count else BARS[-1] * max(round(BINS * count / most), 1)


def sparklines(pieces: Sequence[Numbers], width: int) -> list[str]:
    """Returns the course of a series that lies in ``pieces``, a line each, all of them about ``width`` long together.

    A character is the mean of some values, a blank where none is known; the highest mean has the highest bar.
    """
    total = sum(map(len, pieces))
    means = [_means(piece, max(round(width * len(piece) / total), 3)) for piece in pieces]
    known = np.concatenate(means)
    low, high = np.nanmin(known), np.nanmax(known)
    levels = [(some - low) / (high - low or 1.0) * (len(BARS) - 1) for some in means]
    return ["".join(" " if np.isnan(level) else BARS[round(level)] for level in some) for some in levels]


def series_table(dataset: Dataset) -> RenderableType:
    """Returns a line for each column of the first series of a forecast, with its course in each part."""
    table = plain_table("column", right=("least", "most"), left=PARTS)
    for column in series_columns(dataset, MOST_COLUMNS):
        low, high = column.ends
        charts = sparklines([column.of_part(part) for part in PARTS], WIDTH)
        table.add_row(plain(column.name), f"{low:.4g}", f"{high:.4g}", *charts)
    if dataset.signature.features > MOST_COLUMNS:
        table.add_row(f"and {dataset.signature.features - MOST_COLUMNS:,} more")
    return table


def _means(values: Numbers, count: int) -> Numbers:
    groups = np.array_split(values, min(count, len(values))) if len(values) else []
    known = [some[~np.isnan(some)] for some in groups]
    return np.array([some.mean() if some.size else np.nan for some in known])
