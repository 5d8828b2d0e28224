"""Makes the data set of a forecast from series that a program holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.data.frames import is_frame, sequences_of_frames
from evo_nas.data.memory import Reading
from evo_nas.data.series import Series
from evo_nas.data.series_columns import SeriesColumns
from evo_nas.data.series_files import SeriesFiles
from evo_nas.data.series_frames import check_steps
from evo_nas.errors import DataError
from evo_nas.tasks.forecast import forecast_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.holes import Missing
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.forecast import WindowOptions

    Numbers = npt.NDArray[np.float64]


def read_series_in_memory(series: Sequence[Any], *, holes: bool) -> tuple[list[Numbers], tuple[str, ...]]:
    """Returns series as arrays ``(time, features)``, and the names of their columns.

    Args:
        series: Arrays ``(time,)`` or ``(time, features)``, or frames ``(time, features)``, whose columns are matched by
            name and whose index of times, if they have one, must rise in regular steps.
        holes: Whether values may be missing.

    Raises:
        DataError: A series has other columns than the first one, or values, times or shapes that cannot be used.
    """
    if not series:
        raise DataError("there are no series; must be at least one")
    columns: tuple[str, ...] = ()
    if all(map(is_frame, series)):
        check_steps(series)
        read = sequences_of_frames("series", series)
        columns, series = read.columns, read.items
    # As columns, since integers side by side would be tokens.
    wide = [np.asarray(each)[:, None] if np.ndim(each) == 1 else each for each in series]
    items = [item.astype(np.float64) for item in Reading("regression", holes=holes).inputs("series", wide)]
    width = items[0].shape[1]
    for number, item in enumerate(items, start=1):
        if item.shape[1] != width:
            raise DataError(
                f"series {number} has {item.shape[1]} columns, the first one {width}; all must have the same"
            )
    return items, columns or tuple(f"value {number + 1}" for number in range(width))


def dataset_from_series(
    items: Sequence[Numbers],
    columns: tuple[str, ...],
    options: WindowOptions,
    *,
    targets: Sequence[str] | None = None,
    missing: Missing = "refuse",
) -> Dataset:
    """Returns the windows of series, cut into parts in the order of time.

    Args:
        items: Series ``(time, features)``, oldest row first.
        columns: Names of the features.
        options: What is forecast from what.
        targets: The columns that are forecast; all if not given.
        missing: What becomes of NaN; a missing target does not count.

    Raises:
        DataError: A target is no column, or a series is too short.
    """
    chosen = tuple(columns if targets is None else targets)
    if unknown := [name for name in chosen if name not in columns]:
        raise DataError(f"target {unknown[0]!r} is no column; must be one of {', '.join(map(repr, columns))}")
    places = [columns.index(name) for name in chosen]
    series = [
        Series(f"series {number}", item, item[:, places], np.arange(1, len(item) + 1))
        for number, item in enumerate(items, start=1)
    ]
    roles = SeriesColumns(columns, chosen, (), None, None, frozenset(columns))
    files = SeriesFiles({"train": series}, columns, len(columns), roles, {}, ())
    return forecast_of(files, options, filling=missing).dataset
