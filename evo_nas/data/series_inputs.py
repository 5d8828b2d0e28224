"""What a network reads of standardised series: holes become inputs, and the future of known columns is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.holes import HoleFilling

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.holes import Missing

    Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class SeriesInputs:
    """The inputs of all series, one after the other.

    Attributes:
        values: float32 ``(rows, features)``.
        names: Name of each feature.
        last_values: For each target the feature that holds its last known value; nothing if one of them is not read.
        last_known: Row of the last known value at or before each row, int32 ``(rows, features)``, -1 where its series
            has none; None unless holes are filled with values that come after them.
        masked: The features that have a mask, by position.
    """

    values: npt.NDArray[np.float32]
    names: tuple[str, ...]
    last_values: tuple[int, ...]
    last_known: Rows | None = None
    masked: tuple[int, ...] = ()

    @classmethod
    def filled(
        cls,
        values: npt.NDArray[np.float32],
        names: Sequence[str],
        *,
        starts: Sequence[int],
        how: Missing,
        targets: Sequence[str],
    ) -> SeriesInputs:
        """Returns inputs without holes.

        Args:
            values: Standardised, ``(rows, features)``, NaN for a hole.
            names: Name of each feature.
            starts: First row of each series, ascending.
            how: What becomes of holes.
            targets: What is forecast.
        """
        last_values = tuple(names.index(name) for name in targets if name in names)
        if len(last_values) < len(targets):
            last_values = ()
        if not np.isnan(values).any():
            return cls(values, tuple(names), last_values)
        last = last_known(values, starts)
        # Not by `HoleFilling`, which carries the first known value back to the start, where no forecast may know it.
        carried = value_at(values, last)
        if how == "previous":
            return cls(carried, tuple(names), last_values)
        series = np.split(values, starts[1:])
        filling = HoleFilling.of(how, series)
        whole = np.concatenate(list(map(filling, series)))
        if how == "interpolate":
            return cls(whole, tuple(names), last_values, last)
        # Not zero, as in sequences whose values vary around one level: the level of a series drifts, and a network that
        # is told changes from the last row needs that row's value (measured in benchmarks/results/missing_values.md).
        whole[:, : len(names)] = carried
        return cls(whole, filling.names(names), last_values, masked=filling.masked)

    def with_future(
        self, known: Sequence[int], *, starts: Sequence[int], window: int, horizon: int
    ) -> SeriesInputs:
        """Returns the inputs with those of the features ``known`` added that lie ahead, up to the horizon.

        The last row of a window then holds the value at the end of the horizon; where a window is shorter than the
        horizon, further copies that are shifted less hold the rest.

        Args:
            known: Positions of features without holes.
            starts: First row of each series, ascending.
            window: Steps that are read.
            horizon: Steps that are forecast.
        """
        if not known:
            return self
        steps = range(horizon, 0, -window)
        series = np.split(self.values[:, list(known)], starts[1:])
        shifted = [np.concatenate([_ahead(values, by) for values in series]) for by in steps]
        names = [f"{self.names[at]} in {by} steps" for by in steps for at in known]
        added = np.concatenate(shifted, axis=1)
        last = self.last_known
        if last is not None:
            rows = np.arange(len(last), dtype=np.int32)[:, None]
            last = np.concatenate([last, np.broadcast_to(rows, added.shape)], axis=1)
        return replace(
            self,
            values=np.concatenate([self.values, added], axis=1),
            names=(*self.names, *names),
            last_known=last,
        )


def last_known(values: npt.NDArray[np.floating], starts: Sequence[int] | npt.NDArray[np.int64]) -> Rows:
    """Returns the row of the last known value at or before each row in its series, -1 where there is none.

    Args:
        values: ``(rows, columns)``, NaN for a hole.
        starts: First row of each series, ascending.

    Returns:
        int32 ``(rows, columns)``.
    """
    rows = np.arange(len(values), dtype=np.int32)[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), np.int32(-1), rows), axis=0)
    first = np.repeat(np.asarray(starts), np.diff([*starts, len(values)]))[:, None]
    return np.where(last >= first, last, -1).astype(np.int32)


def value_at(values: npt.NDArray[np.float32], rows: Rows) -> npt.NDArray[np.float32]:
    """Returns the value of each column at its row of ``rows`` ``(n, columns)``, 0 where that is -1."""
    found = np.take_along_axis(values, np.maximum(rows, 0).astype(np.int64), axis=0)
    return np.where(rows >= 0, found, np.float32(0.0))


def _ahead(values: npt.NDArray[np.float32], by: int) -> npt.NDArray[np.float32]:
    """Returns the values ``by`` rows later; 0 after the last one, where no window that has a forecast ends."""
    shifted = np.zeros_like(values)
    shifted[: max(len(values) - by, 0)] = values[by:]
    return shifted
