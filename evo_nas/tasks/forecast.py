"""Forecasting the next values of series from files of numbers."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.linear import Ridge, changes
from evo_nas.tasks.metrics import error_metric, mase
from evo_nas.tasks.options import Character, Names, SharesOrRows, TaskOptions
from evo_nas.tasks.paths import DataPaths, expanded
from evo_nas.tasks.scaling import Scaler
from evo_nas.tasks.series import Series, SeriesParts
from evo_nas.tasks.table_files import read_table
from evo_nas.tasks.task import Dataset, Loss, Metric, Task, Windows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

_log = logging.getLogger(__name__)
PENALTY = 3e-4
"""On squared weights of the linear opponents, in standardised units; keeps collinear columns apart."""


class ForecastOptions(TaskOptions):
    """Options of the task ``forecast``.

    Attributes:
        path: Tables of numbers, each one series, one row a time step, oldest first, with named columns.
        targets: Columns to forecast.
        inputs: Columns to read; all columns of numbers if not given.
        window: Steps that the network reads.
        horizon: Steps that it forecasts.
        split: Training, validation and test part of each series, in the order of time: three shares with the
            sum 1, or three numbers of rows (what is left over at the end is not used). Parts that have files of
            their own leave their share to training.
        validation_path: Series that decide; otherwise a part of those at ``path``.
        test_path: Series that are reported; otherwise a part of those at ``path``.
        stride: Steps between the starts of successive training windows; held-out parts use every window.
        season: Steps of a season, for the seasonal naive forecast and for ``mase``.
        metric: What search optimises.
        units: Units of the metric: ``original``, or ``deviations`` of the targets in training, as is customary on the
            ETT data (Zhou et al., 2021); ``mase`` has none.
        delimiter: What separates the columns; by the file's name if not given.
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


class ForecastTask(Task):
    """Windows of series: ``window`` steps of the inputs in, ``horizon`` steps of the targets out.

    All columns are standardised with the statistics of the training rows. Targets never cross from one part
    or file into another; inputs of a held-out part may reach back into the rows before it. Outputs are ordered
    by step, then by target.
    """

    kind = "forecast"
    Options = ForecastOptions

    def __init__(self, options: ForecastOptions) -> None:
        self._options = options

    def files(self) -> list[Path]:
        """Returns the tables."""
        options = self._options
        return [
            file
            for paths in (options.path, options.validation_path, options.test_path)
            for file in expanded(paths)
        ]

    def load(self) -> Dataset:
        """Reads and cuts the series; see `Task.load`."""
        return self._prepared()[0]

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of the last known value, of the last season and of two linear models.

        One reads the values of the window, the other, as well as telling them, changes since the last step,
        which is what Zeng et al. (2023) call NLinear; both by ridge regression.
        """
        options = self._options
        dataset, learnt = self._prepared()
        test = dataset.test
        assert isinstance(test, Windows)
        baselines = {"persistence": _scored(lambda known: np.zeros((len(known), 1)), test, dataset.metric)}
        if options.season > 1:
            baselines["seasonal naive"] = self._scored_season(test, dataset.metric)
        for name, of_inputs in (("linear", False), ("linear on changes", True)):
            model = Ridge.fitted(changes(learnt, of_inputs=of_inputs), penalty=PENALTY)
            baselines[name] = _scored(model, test, dataset.metric, of_inputs=of_inputs)
        return baselines

    def _scored_season(self, windows: Windows, metric: Metric) -> float:
        """Returns the metric of repeating the season before the origin."""
        season, horizon = self._options.season, self._options.horizon
        steps = np.arange(horizon) % season - season
        origins = windows.origins[windows.origins >= season]
        guesses = windows.targets[origins[:, None] + steps].reshape(len(origins), -1)
        return metric.score(guesses, replace(windows, origins=origins).cut().targets)

    def _prepared(self) -> tuple[Dataset, Windows]:
        """Returns the dataset, and the windows of training and validation, none left out, for the baselines."""
        options = self._options
        parts, names = self._read()
        series = parts.series
        origins = {
            part: np.concatenate([np.r_[rows] for rows in ranges]) for part, ranges in parts.origins.items()
        }
        training = np.concatenate([np.r_[rows] for rows in parts.rows["train"]])
        inputs, targets = Scaler.fitted(series.inputs[training]), Scaler.fitted(series.targets[training])
        whole = Windows(
            inputs(series.inputs),
            targets(series.targets),
            origins["train"],
            options.window,
            options.horizon,
        )
        dataset = Dataset(
            name=f"forecast of {', '.join(options.targets)}",
            signature=Signature(
                features=len(names),
                outputs=options.horizon * len(options.targets),
                last_values=_places(options.targets, names),
            ),
            loss=Loss.MSE,
            metric=self._metric(targets, parts),
            train=replace(whole, origins=origins["train"][:: options.stride]),
            validation=replace(whole, origins=origins["validation"]),
            test=replace(whole, origins=origins["test"]),
            remarks=(
                f"{len(self.files())} series, {len(series.inputs):,} rows in all",
                f"reads {', '.join(names)}",
                f"forecasts {', '.join(options.targets)}",
            ),
            missing=series.missing,
        )
        return dataset, replace(whole, origins=np.concatenate([origins["train"], origins["validation"]]))

    def _metric(self, scaler: Scaler, parts: SeriesParts) -> Metric:
        options = self._options
        scale = tuple(scaler.scale.tolist())
        if options.metric == "mase":
            return mase(scale, parts.naive_errors(options.season))
        return error_metric(options.metric, scale if options.units == "original" else (1.0,))

    def _read(self) -> tuple[SeriesParts, tuple[str, ...]]:
        """Returns all series and the rows of each part, and the names of the inputs."""
        options = self._options
        names = options.inputs or self._numeric_columns
        parts = SeriesParts(options.split, window=options.window, horizon=options.horizon)
        held_out = {"validation": options.validation_path, "test": options.test_path}
        for part, paths in held_out.items():
            for path in expanded(paths):
                parts.add(self._series(path, names), part=part)
        for path in expanded(options.path):
            parts.add(self._series(path, names), without={part for part, paths in held_out.items() if paths})
        return parts, names

    @cached_property
    def _numeric_columns(self) -> tuple[str, ...]:
        first = self.files()[0]
        table = read_table(first, delimiter=self._options.delimiter)
        names = table.numeric_columns()
        if not names:
            raise DataError(f"{first} has no column of numbers; the network needs at least one to read")
        if left_out := [name for name in table.columns if name not in names]:
            _log.warning(
                "%s: not read, since they do not start with a number: %s", first, ", ".join(left_out)
            )
        return tuple(names)

    def _series(self, path: Path, names: tuple[str, ...]) -> Series:
        table = read_table(path, delimiter=self._options.delimiter)
        return Series(
            str(path), table.matrix(names), table.matrix(self._options.targets), missing=table.missing()
        )


def _scored(
    model: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]],
    windows: Windows,
    metric: Metric,
    *,
    of_inputs: bool = False,
) -> float:
    """Returns the metric of a model of changes; errors are the same for changes as for values."""
    sums = [
        metric.statistic(np.broadcast_to(model(inputs), targets.shape), targets)
        for inputs, targets in changes(windows, of_inputs=of_inputs)
    ]
    return metric.value(np.sum(sums, axis=0))


def _places(targets: tuple[str, ...], inputs: tuple[str, ...]) -> tuple[int, ...]:
    """Returns where each target is among the inputs; nothing if one is not read."""
    return tuple(map(inputs.index, targets)) if set(targets) <= set(inputs) else ()
