"""Forecasting the next values of series from files of numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import PositiveInt, model_validator

from evo_nas.data.examples import enumerated
from evo_nas.data.options import Quantiles, SharesOrRows, StrictOptions
from evo_nas.data.scaling import is_constant
from evo_nas.data.series import SeriesParts
from evo_nas.data.series_files import read_series
from evo_nas.data.series_options import SeriesOptions
from evo_nas.data.splitting import HELD_OUT
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import NumberAnswers
from evo_nas.tasks.baselines.forecasters import forecast_baselines
from evo_nas.tasks.baselines.keeping import Keeping
from evo_nas.tasks.dataset import Dataset, Objective
from evo_nas.tasks.family import FamilyOptions
from evo_nas.tasks.forecast_windows import forecast_windows
from evo_nas.tasks.metrics import MEDIAN, Metric, error_metric, mase
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.quantiles import check_metric, check_sizes, wql
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from evo_nas.data.holes import Missing
    from evo_nas.data.series_files import SeriesFiles
    from evo_nas.tasks.forecast_windows import ForecastWindows


class WindowOptions(StrictOptions):
    """Options that say what is forecast from what, and how that is measured.

    Attributes:
        window: Steps that the network reads.
        horizon: Steps that it forecasts.
        split: Training, validation and test part of each series, in the order of time: three shares with the
            sum 1, or three numbers of rows (rows after them are not used). Parts that have files of their own
            leave their share to training.
        stride: An epoch of training has one window of so many successive ones, drawn anew each time; held-out parts
            use every window.
        season: Steps of a season, for the seasonal naive forecast and for ``mase``.
        metric: What search optimises; ``wql``, the weighted quantile loss, needs ``quantiles``.
        units: Units of the metric: ``original``, or ``deviations`` of the targets in training, as is customary on
            the ETT data (Zhou et al., 2021); ``mase`` and ``wql`` have no unit.
        quantiles: Levels that are forecast instead of one value, 0.5 among them, which is the point forecast.
    """

    window: PositiveInt = 96
    horizon: PositiveInt = 24
    split: SharesOrRows = (0.7, 0.1, 0.2)
    stride: PositiveInt = 1
    season: PositiveInt = 1
    metric: Literal["mse", "mae", "rmse", "mase", "wql"] = "mse"
    units: Literal["original", "deviations"] = "original"
    quantiles: Quantiles | None = None

    @model_validator(mode="after")
    def _metric_fits_quantiles(self) -> Self:
        if self.quantiles and MEDIAN not in self.quantiles:
            raise ValueError(
                f"quantiles {list(self.quantiles)} have no 0.5, which is the point forecast; add it"
            )
        check_metric(self.metric, self.quantiles or ())
        return self


class ForecastOptions(SeriesOptions, WindowOptions):
    """Options of the task ``forecast``.

    Attributes:
        family: The series as tasks of meta-learning.
    """

    family: FamilyOptions = FamilyOptions()


class ForecastTask(Task[ForecastOptions]):
    """Windows of series: ``window`` steps of the inputs are read, ``horizon`` steps of the targets are forecast.

    All columns are standardised with the statistics of the training rows. Targets never cross from one part
    or series into another; inputs of a held-out part may reach back into the rows before it. Outputs are ordered
    by step, then by target, then by quantile.
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
        return forecast_of(read_series(options), options, filling=options.filling, short=options.short)

    def family(self) -> Prepared:
        """Reads each series as a task of its own; see `tasks.series_family`."""
        # Imported here, since that module cuts each series as this one does.
        from evo_nas.tasks.series_family import series_family  # noqa: PLC0415

        return series_family(read_series(self.options), self.options)


def forecast_of(
    files: SeriesFiles,
    options: WindowOptions,
    *,
    filling: Missing,
    short: Literal["refuse", "drop"] = "refuse",
) -> Prepared:
    """Returns the windows of series that were read.

    Args:
        files: The series.
        options: What is forecast from what.
        filling: What becomes of missing values.
        short: What becomes of a series that is too short for a forecast in every part.

    Raises:
        DataError: Series are too short, or have values that cannot be used.
    """
    parts, dropped = _cut(files, options, short)
    parts.require_season(options.season, "test")
    windows = forecast_windows(parts, files, filling=filling, window=options.window, horizon=options.horizon)
    train, validation, test = windows.parts.values()
    targets, levels = files.columns.targets, options.quantiles or ()
    naive_errors = parts.naive_errors(options.season) if options.metric == "mase" else ()
    dataset = Dataset(
        name=f"forecast of {', '.join(targets)}",
        signature=Signature(
            features=len(windows.inputs.names),
            outputs=options.horizon * len(targets) * max(len(levels), 1),
            last_values=tuple(np.repeat(windows.inputs.last_values, max(len(levels), 1)).tolist()),
            horizon=options.horizon,
        ),
        objective=Objective.QUANTILE if levels else Objective.MSE,
        metric=_metric(windows, parts, options, naive_errors),
        train=replace(train, stride=options.stride),
        validation=validation,
        test=test,
        remarks=(
            f"{len(parts.starts):,} series, {len(parts.series.inputs):,} rows in all",
            f"reads {', '.join(windows.inputs.names)}",
            f"forecasts {', '.join(targets)}",
            *files.remarks,
            *windows.remarks,
            *dropped,
            *_constant_remarks(parts, targets),
        ),
        missing=files.missing,
        quantiles=levels,
        has_target_holes=windows.has_target_holes,
        preparation=_preparation(windows, targets, options, naive_errors),
        statistics=windows.statistics,
    )
    # Baselines learn from every window: the stride only makes the training of a network shorter.
    return Prepared.of(
        dataset,
        windows.parts,
        lambda both: forecast_baselines(
            *both,
            metric=dataset.metric,
            season=options.season,
            levels=levels,
            last_values=windows.inputs.last_values,
        ),
        keeping=Keeping.of_networks(dataset),
    )


def _cut(
    files: SeriesFiles, options: WindowOptions, short: Literal["refuse", "drop"]
) -> tuple[SeriesParts, tuple[str, ...]]:
    """Returns the series in parts, and what is to be said of those that are too short."""
    own_files = set(files.by_part) - {"train"}
    parts = SeriesParts(options.split, window=options.window, horizon=options.horizon)
    dropped: list[str] = []
    for part in (*HELD_OUT, "train"):
        for series in files.by_part.get(part, ()):
            try:
                parts.add(series, part=None if part == "train" else part, without=own_files)
            except DataError as error:
                if short == "refuse" and sum(map(len, files.by_part.values())) > 1:
                    raise DataError(f"{error}; or set short to drop, which leaves such series out") from error
                if short == "refuse":
                    raise
                dropped.append(series.source)
    if empty := [part for part, origins in parts.origins.items() if not origins]:
        raise DataError(
            f"every series is too short for the {empty[0]} part; lower window and horizon, or change split"
        )
    return parts, (f"left out, since too short: {enumerated(dropped)}",) if dropped else ()


def _metric(
    windows: ForecastWindows, parts: SeriesParts, options: WindowOptions, naive_errors: tuple[float, ...]
) -> Metric:
    levels = options.quantiles or ()
    scale = tuple(windows.scaler.scale.tolist())
    if options.metric == "mase":
        return mase(scale, naive_errors, levels)
    if options.metric == "wql":
        check_sizes({part: parts.targets(part) for part in parts.rows}, parts.series.source)
        return wql(levels, scale, tuple(windows.scaler.mean.tolist()))
    return error_metric(options.metric, scale if options.units == "original" else (1.0,), levels)


def _preparation(
    windows: ForecastWindows,
    targets: tuple[str, ...],
    options: WindowOptions,
    naive_errors: tuple[float, ...],
) -> Preparation:
    mean, scale = (tuple(values.tolist()) for values in (windows.scaler.mean, windows.scaler.scale))
    answers = NumberAnswers(mean, scale, targets, options.horizon, options.quantiles or (), naive_errors)
    return Preparation(windows.raw, answers)


def _constant_remarks(parts: SeriesParts, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Returns which targets never change in training.

    Raises:
        DataError: None of them does.
    """
    columns = zip(targets, parts.targets("train").T, strict=True)
    constant = [name for name, column in columns if is_constant(column)]
    if len(constant) == len(targets):
        raise DataError(
            f"{parts.series.source}: {', '.join(constant)} never changes in the training part, so that there is "
            "nothing to learn; choose other targets or change split"
        )
    return (f"never changes in the training part: {', '.join(constant)}",) if constant else ()
