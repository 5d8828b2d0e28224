"""From raw series of a panel to the window at the end of each, as training did it: plain values that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evo_nas.data.holes import HoleFilling
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.panel import units_before
from evo_nas.data.panel_files import PanelColumns  # noqa: TC001 - pydantic reads the annotations
from evo_nas.data.panel_windows import PanelWindows
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.examples import Places

    Padded = tuple[npt.NDArray[np.generic], npt.NDArray[np.int64] | None]
    Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PanelInputs:
    """The last values of series, each in units of its own seasonal naive error.

    Attributes:
        window: Most steps that are read; of a shorter series there are fewer.
        horizon: Steps of a forecast.
        season: Steps of a season; 1 for none.
        missing: What becomes of missing values.
        table: How tables hold the series.
    """

    window: int
    horizon: int
    season: int
    missing: Literal["refuse", "interpolate", "previous"]
    table: PanelColumns
    kind: Literal["panel"] = "panel"

    @property
    def features(self) -> int:
        """Inputs of a network at each step."""
        return self._windows.features

    @property
    def _windows(self) -> PanelWindows:
        filling = HoleFilling("previous" if self.missing == "refuse" else self.missing)
        return PanelWindows(self.window, self.horizon, self.season, filling)

    def raw(self, sequences: Any, *, sequence: str | None = None) -> Padded:
        """Returns the windows at the ends of series ``(time,)``, float32 ``(n, time, inputs)``, and their lengths.

        Raises:
            DataError: A series is too short, never changes, or has holes as training had none.
        """
        if sequence is not None:
            raise DataError("sequence is for tables; give a list of arrays (time,), one for each series")
        return self.padded(list(sequences))

    def padded(self, sequences: Sequence[Any], *, places: Places | None = None) -> Padded:
        """Returns the windows as `raw` does."""
        series = [_flat(each) for each in sequences]
        return self.before(series, [[len(each)] for each in series], places=places)[0]

    def before(
        self, sequences: Sequence[Any], origins: Sequence[Sequence[int]], *, places: Places | None = None
    ) -> tuple[Padded, Values]:
        """Returns the windows before all origins of all series, and of what the forecast after each is a multiple.

        Args:
            sequences: The series.
            origins: The first steps of the forecasts of each, ascending, as `origins` gives them.
            places: What the series are called in messages; counted from 1 if not given.

        Raises:
            DataError: As `raw`.
        """
        read = [each[: max(ends[-1], 0)] for each, ends in zip(sequences, origins, strict=True)]
        checked = self._checked(read, places)
        units = self._units(checked, origins, places)
        # What lies before a window and the season before it is not read.
        most = self.window + self.season - 1
        windows = [
            self._windows.ending(values[max(end - most, 0) : end] / unit)
            for values, ends, units_of in zip(checked, origins, units, strict=True)
            for end, unit in zip(ends, units_of, strict=True)
        ]
        return (padded(windows, np.float32), lengths_of(windows)), np.concatenate(units)

    def units(self, sequences: Sequence[Any], *, places: Places | None = None) -> Values:
        """Returns the seasonal naive error of each series, of which its forecast is a multiple, ``(n,)``.

        Raises:
            DataError: As `raw`.
        """
        checked = self._checked(sequences, places)
        return np.concatenate(self._units(checked, [[len(each)] for each in checked], places))

    def _units(
        self, checked: Sequence[Values], origins: Sequence[Sequence[int]], places: Places | None
    ) -> list[Values]:
        units = [
            units_before(values, self.season, ends) for values, ends in zip(checked, origins, strict=True)
        ]
        for number, each in enumerate(units):
            if np.isnan(each).any():
                raise DataError(
                    f"{_place(places, number)} hardly changes from season to season, so that its forecast has no unit; "
                    "leave it out: repeating its last value is its forecast"
                )
        return units

    def origins(self, values: Values, *, every: int | None = None) -> Sequence[int]:
        """Returns the first steps of forecasts of a series ``(time,)`` whose horizon ends with it, ascending.

        Args:
            values: The series.
            every: Steps between successive origins; the last one alone if not given. Origins are left out before which
                the series has no unit.
        """
        latest = len(values) - self.horizon
        least = self.season + 1
        rolling = range(latest, least - 1, -every)[::-1] if every else [latest]
        if not every or not len(rolling):
            return rolling
        have_unit = ~np.isnan(units_before(values, self.season, rolling))
        return [origin for origin, has_unit in zip(rolling, have_unit, strict=True) if has_unit]

    def _checked(self, sequences: Sequence[Any], places: Places | None) -> list[Values]:
        checked = []
        for number, each in enumerate(sequences):
            values = _flat(each)
            if len(values) < self.season + 1:
                raise DataError(
                    f"{_place(places, number)} has {len(values)} values; the network needs season + 1 = "
                    f"{self.season + 1}: give more"
                )
            if self.missing == "refuse" and np.isnan(values).any():
                raise DataError(
                    f"{_place(places, number)} has a missing value, as none had when the network learnt; fill it in"
                )
            checked.append(values)
        if not checked:
            raise DataError("there are no series; must be at least one")
        return checked


def _flat(series: Any) -> Values:
    """Returns a series of any shape, a number too, as ``(time,)``."""
    return np.asarray(series, dtype=np.float64).reshape(-1)


def _place(places: Places | None, number: int) -> str:
    return places[number] if places else f"series {number + 1}"
