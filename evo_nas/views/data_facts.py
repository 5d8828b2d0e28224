"""What views and pictures of a data set show: lengths, classes, and the columns of series by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.splitting import PARTS
from evo_nas.tasks.dataset import Sequences, Windows

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.tasks.dataset import Dataset, Part

    Numbers = npt.NDArray[np.float64]
    Counts = npt.NDArray[np.int64]

NO_PART = -1


def lengths_of(part: Part) -> Counts:
    """Returns the number of steps of each example, ``(examples,)``; a stream counts as one example."""
    if isinstance(part, Sequences):
        return np.full(len(part), part.inputs.shape[1]) if part.lengths is None else part.lengths
    return np.full(1, part.window if isinstance(part, Windows) else len(part))


def class_counts(dataset: Dataset) -> dict[str, list[int]]:
    """Returns the number of examples (or scored steps) of each class, one entry per part."""
    columns = [_class_counts(part, len(dataset.classes)) for part in dataset.parts.values()]
    return {name: [int(column[index]) for column in columns] for index, name in enumerate(dataset.classes)}


def _class_counts(part: Part, classes: int) -> Counts:
    assert isinstance(part, Sequences)
    targets = part.targets
    if targets.ndim > 1:
        # Padding has a class number, too, so that steps beyond a sequence's length must not count.
        steps = np.arange(targets.shape[1]) < lengths_of(part)[:, None]
        targets = targets[steps if part.scored is None else part.scored]
    return np.bincount(targets.astype(np.int64), minlength=classes)


@dataclass(frozen=True, slots=True)
class SeriesColumn:
    """A column of the first series of a forecast, in the units of the file where they are known.

    Attributes:
        name: Its name.
        values: float64 ``(rows,)``.
        parts: Position in `PARTS` of the part whose forecasts are about a row, or `NO_PART`, ``(rows,)``.
    """

    name: str
    values: Numbers
    parts: Counts

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the most value; what rounding has left of 0 is 0."""
        low, high = float(np.nanmin(self.values)), float(np.nanmax(self.values))
        digits = 6 - int(np.floor(np.log10(high - low))) if high > low else 6
        return round(low, digits), round(high, digits)

    def of_part(self, part: str) -> Numbers:
        """Returns the values that forecasts of ``part`` are about; training has also the rows before the first."""
        values: Numbers = self.values[self.parts == PARTS.index(part)]
        return values


def series_columns(dataset: Dataset, most: int) -> list[SeriesColumn]:
    """Returns up to ``most`` columns of a forecast; none of other data."""
    train = dataset.train
    if not isinstance(train, Windows):
        return []
    end = int(train.starts[1]) if len(train.starts) > 1 else len(train.inputs)
    parts = _parts_of_rows(dataset, end)
    names = column_names(dataset)
    scaling = getattr(getattr(dataset.preparation, "inputs", None), "values", None)
    columns = []
    for place in range(min(most, train.inputs.shape[1])):
        values = train.inputs[:end, place].astype(np.float64)
        if scaling is not None and place < len(scaling.mean):
            values = values * scaling.scale[place] + scaling.mean[place]
        columns.append(SeriesColumn(names[place], values, parts))
    return columns


def column_names(dataset: Dataset) -> list[str]:
    """Returns a name for every feature that networks read."""
    known = getattr(getattr(dataset.preparation, "inputs", None), "columns", ())
    return [
        known[place] if place < len(known) else f"value {place + 1}"
        for place in range(dataset.signature.features)
    ]


def _parts_of_rows(dataset: Dataset, rows: int) -> Counts:
    parts = np.full(rows, NO_PART)
    for number, part in enumerate(dataset.parts.values()):
        assert isinstance(part, Windows)
        origins = part.origins[part.origins < rows]
        for step in range(part.horizon):
            parts[np.minimum(origins + step, rows - 1)] = number
    told = np.flatnonzero(parts != NO_PART)
    if told.size:
        # The rows before the first forecast are read by it; forecasts without a known target leave rows out.
        parts[: told[0]] = parts[told[0]]
        gaps = np.flatnonzero(parts == NO_PART)
        parts[gaps] = parts[told[np.searchsorted(told, gaps) - 1]]
    return parts
