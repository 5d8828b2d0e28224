"""Cuts of forecasts: earlier blocks of every series are the validation part, and what lies before them is learnt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.data.redrawing import Draw
from evo_nas.data.scaling import Scaler
from evo_nas.tasks.cuts.relearning import in_former_units
from evo_nas.tasks.dataset import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from evo_nas.tasks.dataset import Dataset

    Rows = npt.NDArray[np.int64]

LEAST_FORECASTS = 0.5
"""Least forecasts of a validation part, as a share of those of the first one: short series have no earlier block."""


@dataclass(frozen=True, slots=True)
class OriginCut:
    """Other origins of the same windows.

    Attributes:
        train: Origins whose forecasts end before the block that is validated, int64 ``(n,)``.
        validation: Origins whose forecasts stay within the block, int64 ``(n,)``.
        ends: For each series the row before which training knows it, int64 ``(series,)``.
        said: See `Cut`.
    """

    train: Rows
    validation: Rows
    ends: Rows
    said: str

    def applied(self, dataset: Dataset) -> Dataset:
        """Returns the data of this cut; see `Cut.applied`."""
        windows = _Parts.of(dataset)
        whole, is_learnt = windows.train, self._is_learnt(windows.train)
        statistics = dataset.statistics
        inputs, targets, metric = whole.inputs, whole.targets, dataset.metric
        scaler = statistics.input_scaler(inputs, is_learnt, filled=_filled(whole))
        if statistics.targets:
            of_targets = Scaler.fitted(targets[is_learnt].astype(np.float64))
            # A forecast may be told as a change from the last value that is read, so that both have one unit.
            for target, at in enumerate(dataset.signature.last_values[:: max(len(dataset.quantiles), 1)]):
                scaler.mean[at], scaler.scale[at] = of_targets.mean[target], of_targets.scale[target]
            targets = of_targets(targets.astype(np.float64))
            mean, scale = (tuple(values.tolist()) for values in (of_targets.mean, of_targets.scale))
            metric = in_former_units(metric, mean, scale, levels=max(len(dataset.quantiles), 1))
        if statistics.scaled:
            inputs = statistics.rescaled(inputs, scaler)
        parts = [
            replace(part, inputs=inputs, targets=targets, origins=origins)
            for part, origins in zip(
                windows, (self.train, self.validation, windows.test.origins), strict=True
            )
        ]
        return dataset.with_parts(*parts, metric=metric)

    def _is_learnt(self, windows: Windows) -> npt.NDArray[np.bool_]:
        """Returns which rows training knows, bool ``(rows,)``."""
        rows = len(windows.inputs)
        return np.arange(rows) < np.repeat(self.ends, np.diff([*windows.starts, rows]))


@dataclass(frozen=True, slots=True)
class EarlierBlocks:
    """Rolling origins: each further cut is validated on the block of rows before that of the cut before it.

    All blocks of a series are as long as its validation part. The forecasts of training end before the block begins,
    so that none of its targets is learnt; what is read before a forecast may be of any earlier row.
    """

    def limit(self, dataset: Dataset) -> str:
        """Why there are not more cuts."""
        parts = _Parts.of(dataset)
        learnt, asked = (
            np.searchsorted(parts.train.starts, part.origins, side="right") for part in parts[:2]
        )
        if not np.isin(asked, learnt).any():
            return "no series has a training and a validation part, so that none has an earlier block"
        return (
            "each further one is validated on an earlier block of every series and learns from what lies before it, "
            "at least half as many forecasts"
        )

    def cuts(self, dataset: Dataset, count: int) -> Sequence[OriginCut]:
        """Returns at most ``count`` cuts; see `Resampling.cuts`."""
        parts = _Parts.of(dataset)
        found: list[OriginCut] = []
        for cut in _blocks(parts):
            is_large = len(cut.validation) >= LEAST_FORECASTS * len(parts.validation)
            if len(found) == count or not (is_large and Draw(cut.train, cut.validation).has_enough_to_learn):
                break
            found.append(cut)
        return found


class _Parts(NamedTuple):
    train: Windows
    validation: Windows
    test: Windows

    @classmethod
    def of(cls, dataset: Dataset) -> _Parts:
        train, validation, test = dataset.train, dataset.validation, dataset.test
        assert isinstance(train, Windows)
        assert isinstance(validation, Windows)
        assert isinstance(test, Windows)
        return cls(train, validation, test)


def _blocks(parts: _Parts) -> Iterator[OriginCut]:
    """Yields a cut for each block, from the latest to the earliest, whether it is large enough or not."""
    train, validation, _ = parts
    starts, horizon = train.starts, train.horizon
    pool = np.union1d(train.origins, validation.origins)
    series_of = np.searchsorted(starts, pool, side="right") - 1
    first, end = np.full(len(starts), len(train.inputs)), np.full(len(starts), -1)
    validated = np.searchsorted(starts, validation.origins, side="right") - 1
    np.minimum.at(first, validated, validation.origins)
    np.maximum.at(end, validated, validation.origins + horizon)
    # Series without a validation part have no place in time from which to count back, and are left out.
    lengths = np.maximum(end - first, 0)
    learns = np.isin(pool, train.origins)
    number = 0
    while True:
        number += 1
        stop = first - (number - 1) * lengths
        block = np.where(lengths > 0, stop - lengths, starts)
        is_asked = (block[series_of] <= pool) & (pool + horizon <= stop[series_of]) & (lengths > 0)[series_of]
        is_learnt = learns & (pool + horizon <= block[series_of])
        ends = np.maximum(block, starts)
        yield OriginCut(
            pool[is_learnt],
            pool[is_asked],
            ends,
            _said(pool[is_learnt], pool[is_asked], starts=starts, horizon=horizon),
        )


def _said(train: Rows, validation: Rows, *, starts: Rows, horizon: int) -> str:
    said = f"{len(train):,} training and {len(validation):,} validation forecasts"
    if not len(validation):
        return said
    number = int(np.searchsorted(starts, validation[0], side="right")) - 1
    start = int(starts[number])
    last = validation[np.searchsorted(starts, validation, side="right") - 1 == number][-1]
    of_series = "" if len(starts) == 1 else f" of series {number + 1}"
    return (
        f"{said}, validation of rows {int(validation[0]) - start + 1:,} to {int(last) + horizon - start:,}{of_series}, "
        "training before"
    )


def _filled(windows: Windows) -> npt.NDArray[np.bool_] | None:
    """Returns which inputs were filled in, perhaps from later rows; None if that is not known of any."""
    if windows.last_known is None:
        return None
    return np.not_equal(windows.last_known, np.arange(len(windows.last_known))[:, None])
