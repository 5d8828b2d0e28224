"""From raw series to the window that a forecast reads, as training did it: plain values that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evo_nas.data.holes import HoleFilling
from evo_nas.data.layout import SeriesLayout
from evo_nas.data.memory import Reading
from evo_nas.data.series_frames import as_in_training
from evo_nas.data.series_inputs import last_known, value_at
from evo_nas.errors import DataError
from evo_nas.tasks.raw_inputs import NumericInputs  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    import numpy.typing as npt

    Padded = tuple[npt.NDArray[np.generic], npt.NDArray[np.int64] | None]


@dataclass(frozen=True, slots=True)
class WindowInputs:
    """The last rows of series, standardised, with what becomes of their holes.

    Attributes:
        window: Rows that are read.
        values: What is done to the values.
        layout: How tables hold the series.
    """

    window: int
    values: NumericInputs
    layout: SeriesLayout = field(default_factory=SeriesLayout)
    kind: Literal["window"] = "window"

    @property
    def features(self) -> int:
        """Inputs of a network at each step."""
        return self.values.features

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the values."""
        return self.values.columns

    def raw(self, sequences: Any, *, sequence: str | None = None) -> Padded:
        """Returns the windows at the ends of raw series, float32 ``(n, window, inputs)``.

        Args:
            sequences: As for `NumericInputs.raw`, but a frame is one series, or those that its column names; rows
                before the window are read only to fill holes.
            sequence: As for `NumericInputs.raw`.

        Raises:
            DataError: A series is shorter than the window, or not of the kind that the network learnt from.
        """
        reading = Reading("classification", sequence, holes=True)
        series = as_in_training(sequences, self.columns, self.layout) if sequence is None else sequences
        items = reading.inputs("raw", series, columns=self.columns)
        return np.stack([self._window(number, item) for number, item in enumerate(items, start=1)]), None

    def _window(self, number: int, rows: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        if len(rows) < self.window:
            raise DataError(
                f"series {number} has {len(rows)} rows; the network reads {self.window}: give more"
            )
        scaled = self.values.scaled(rows.astype(np.float64))
        how, count = self.values.missing, scaled.shape[1]
        carried = value_at(scaled, last_known(scaled, [0]))
        if how == "previous":
            return carried[-self.window :]
        filled = HoleFilling(how, self.values.masked)(scaled)
        if how == "mask":
            # As in training, where a hole of a series repeats its last known value.
            filled[:, :count] = carried
        return filled[-self.window :]
