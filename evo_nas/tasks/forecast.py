"""Forecasting the next values of series from files of numbers."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from evo_nas.data.options import Character, Names, SharesOrRows, StrictOptions
from evo_nas.data.paths import DataPaths, expanded
from evo_nas.data.scaling import Scaler
from evo_nas.data.series import Series, SeriesParts
from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.forecasters import forecast_baselines
from evo_nas.tasks.dataset import Dataset, Objective, Windows
from evo_nas.tasks.metrics import Metric, error_metric, mase
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Self

    from evo_nas.data.table import Table

_log = logging.getLogger(__name__)


class ForecastOptions(StrictOptions):
    """Options of the task ``forecast``.

    Attributes:
        path: Tables of numbers; each is one series with one row for each time step, oldest first, and named columns.
        targets: Columns to forecast.
        inputs: Columns to read; all columns of numbers if not given.
        window: Steps that the network reads.
        horizon: Steps that it forecasts.
        split: Training, validation and test part of each series, in the order of time: three shares with the
            sum 1, or three numbers of rows (rows after them are not used). Parts that have files of their own
            leave their share to training.
        validation_path: Series of the validation part; otherwise it is taken from those at ``path``.
        test_path: Series of the test part; otherwise it is taken from those at ``path``.
        stride: Steps between the starts of successive training windows; held-out parts use every window.
        season: Steps of a season, for the seasonal naive forecast and for ``mase``.
        metric: What search optimises.
        units: Units of the metric: ``original``, or ``deviations`` of the targets in training, as is customary on
            the ETT data (Zhou et al., 2021); ``mase`` has no unit.
        delimiter: Character between columns; a comma or a tab, by the file's name, if not given.
    """

    path: DataPaths = Field(examples=["series.csv"])
    targets: Names = Field(examples=[["temperature"]])
    inputs: Names | None = None
    window: PositiveInt = 96
    horizon: PositiveInt = 24
    split: SharesOrRows = (0.7, 0.1, 0.2)
    validation_path: DataPaths | None = None
    test_path: DataPaths | None = None
    stride: PositiveInt = 1
    season: PositiveInt = 1
    metric: Literal["mse", "mae", "rmse", "mase"] = "mse"
    units: Literal["original", "deviations"] = "original"
    delimiter: Character | None = None

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        for field, names in (("targets", self.targets), ("inputs", self.inputs or ())):
            if len(set(names)) < len(names):
                raise ValueError(f"{field} {list(names)} names a column twice; name each once")
        return self


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns that are read, and those of them and others that are forecast."""

    inputs: tuple[str, ...]
    targets: tuple[str, ...]

    def series_of(self, table: Table) -> Series:
        # A column that is both read and forecast is parsed once.
        names = list(dict.fromkeys((*self.inputs, *self.targets)))
        values = table.matrix(names)
        targets = values[:, [names.index(name) for name in self.targets]]
        return Series(table.source, values[:, : len(self.inputs)], targets, missing=table.missing())

    @property
    def last_values(self) -> tuple[int, ...]:
        """Place of each target among the inputs; nothing if one of them is not read."""
        return tuple(map(self.inputs.index, self.targets)) if set(self.targets) <= set(self.inputs) else ()


class ForecastTask(Task[ForecastOptions]):
    """Windows of series: ``window`` steps of the inputs are read, ``horizon`` steps of the targets are forecast.

    All columns are standardised with the statistics of the training rows. Targets never cross from one part
    or file into another; inputs of a held-out part may reach back into the rows before it. Outputs are ordered
    by step, then by target.
    """

    kind = "forecast"
    Options = ForecastOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns a forecast of one of two random walks of 200 steps."""
        rows = np.random.default_rng(0).normal(loc=[10, -3], scale=[4, 0.5], size=(200, 2)).cumsum(axis=0)
        path = folder / "series.csv"
        path.write_text("a,b\n" + "\n".join(f"{a},{b}" for a, b in rows) + "\n", encoding="utf-8")
        return cls(ForecastOptions(path=(path,), targets=("b",), window=10, horizon=3))

    def read(self) -> Prepared:
        """Reads and cuts the series; see `Task.read`."""
        options = self.options
        parts, columns = self._series()
        parts.require_season(options.season, "test")
        windows, scaler = self._windows(parts, columns)
        dataset = Dataset(
            name=f"forecast of {', '.join(options.targets)}",
            signature=Signature(
                features=len(columns.inputs),
                outputs=options.horizon * len(options.targets),
                last_values=columns.last_values,
            ),
            objective=Objective.MSE,
            metric=self._metric(scaler, parts),
            train=replace(windows["train"], origins=windows["train"].origins[:: options.stride]),
            validation=windows["validation"],
            test=windows["test"],
            remarks=(
                f"{len(self.files())} series, {len(parts.series.inputs):,} rows in all",
                f"reads {', '.join(columns.inputs)}",
                f"forecasts {', '.join(options.targets)}",
            ),
            missing=parts.series.missing,
        )
        # Baselines learn from every window: the stride only makes the training of a network shorter.
        origins = np.concatenate([windows[part].origins for part in ("train", "validation")])
        learnt = replace(windows["train"], origins=origins)
        baselines = forecast_baselines(learnt, windows["test"], metric=dataset.metric, season=options.season)
        return Prepared(dataset, baselines)

    def _windows(self, parts: SeriesParts, columns: _Columns) -> tuple[dict[str, Windows], Scaler]:
        """Returns every window of each part, standardised, and the scaler of the targets."""
        series = parts.series
        origins = {
            part: np.concatenate([np.r_[rows] for rows in ranges]) for part, ranges in parts.origins.items()
        }
        training = np.concatenate([np.r_[rows] for rows in parts.rows["train"]])
        inputs, targets = Scaler.fitted(series.inputs[training]), Scaler.fitted(series.targets[training])

        def place(names: tuple[str, ...]) -> Callable[[int, int], str]:
            return lambda row, at: f"{series.source}, row {row + 1} of values, column {names[at]!r}"

        # All parts share the same rows, so that a window may reach back into the part before.
        whole = Windows(
            inputs(series.inputs, place=place(columns.inputs)),
            targets(series.targets, place=place(columns.targets)),
            origins["train"],
            self.options.window,
            self.options.horizon,
            np.array(parts.starts),
        )
        return {part: replace(whole, origins=some) for part, some in origins.items()}, targets

    def _metric(self, scaler: Scaler, parts: SeriesParts) -> Metric:
        options = self.options
        scale = tuple(scaler.scale.tolist())
        if options.metric == "mase":
            return mase(scale, parts.naive_errors(options.season))
        return error_metric(options.metric, scale if options.units == "original" else (1.0,))

    def _series(self) -> tuple[SeriesParts, _Columns]:
        """Reads all tables and returns their series in parts, and the columns that are used."""
        options = self.options
        first = read_table(expanded(options.path)[0], delimiter=options.delimiter)
        columns = _Columns(options.inputs or _numeric_columns(first), options.targets)
        held_out = {"validation": options.validation_path, "test": options.test_path}
        parts = SeriesParts(options.split, window=options.window, horizon=options.horizon)
        for part, paths in held_out.items():
            for path in expanded(paths):
                parts.add(columns.series_of(read_table(path, delimiter=options.delimiter)), part=part)
        own_files = {part for part, paths in held_out.items() if paths}
        for table in self._tables(first):
            parts.add(columns.series_of(table), without=own_files)
        return parts, columns

    def _tables(self, first: Table) -> Iterator[Table]:
        """Yields the tables at ``path``, one at a time; the first was already read, since it names the columns."""
        yield first
        for path in expanded(self.options.path)[1:]:
            yield read_table(path, delimiter=self.options.delimiter)


def _numeric_columns(table: Table) -> tuple[str, ...]:
    names = table.numeric_columns()
    if not names:
        raise DataError(f"{table.source} has no column of numbers; the network needs at least one to read")
    if left_out := [name for name in table.columns if name not in names]:
        _log.warning(
            "%s: not read, since they do not start with a number: %s", table.source, ", ".join(left_out)
        )
    return tuple(names)
