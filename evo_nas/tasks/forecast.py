"""Forecasting the next values of a multivariate series from any CSV file of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from evo_nas.config import DataPath
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.metrics import MAE, MSE
from evo_nas.tasks.scaling import Scaler
from evo_nas.tasks.table import read_table
from evo_nas.tasks.task import Dataset, Loss, Sequences, Task
from evo_nas.tasks.windows import Series

if TYPE_CHECKING:
    from typing import Self

METRICS = {"mse": MSE, "mae": MAE}
Relative = Literal["nothing", "targets", "all"]
Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class ForecastOptions(BaseModel):
    """Options of the task ``forecast``.

    Attributes:
        path: CSV file in UTF-8, one row a time step, oldest first, column names in the first row.
        targets: Columns to forecast.
        inputs: Columns to read; all columns of numbers if not given.
        window: Steps that the network reads.
        horizon: Steps that it forecasts.
        split: Training, validation and test part, in the order of time: three shares with the sum 1, or
            three numbers of rows (what is left over at the end is not used).
        stride: Steps between the starts of successive training windows; held-out parts use every window.
        relative: What is told as the difference to the last known step: ``nothing``, the ``targets``, or
            ``all``, inputs too; the last is robust where the level of a series drifts.
        metric: What search optimises, in units of the targets' standard deviations in training.
        delimiter: What separates the columns.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: DataPath
    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    inputs: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    window: PositiveInt = 96
    horizon: PositiveInt = 24
    split: tuple[PositiveInt, PositiveInt, PositiveInt] | tuple[Share, Share, Share] = (0.7, 0.1, 0.2)
    stride: PositiveInt = 1
    relative: Relative = "nothing"
    metric: Literal["mse", "mae"] = "mse"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if isinstance(self.split[0], float) and abs(sum(self.split) - 1.0) > 1e-9:
            raise ValueError(f"split {self.split} adds up to {sum(self.split):g}; shares must add up to 1")
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        for field, names in (("targets", self.targets), ("inputs", self.inputs or ())):
            if len(set(names)) < len(names):
                raise ValueError(f"{field} {list(names)} names a column twice; name each once")
        return self


class ForecastTask(Task):
    """Windows of a series: ``window`` steps of the inputs in, ``horizon`` steps of the targets out.

    All columns are standardised with the statistics of the training rows, and the metric is in those units,
    as is customary on the ETT data (Zhou et al., 2021). Targets never cross from one part into another;
    inputs of a held-out part may reach back into the rows before it. Outputs are ordered by step, then by
    target.
    """

    kind = "forecast"
    Options = ForecastOptions

    def __init__(self, options: ForecastOptions) -> None:
        self._options = options

    def load(self) -> Dataset:
        """Reads and cuts the series; see `Task.load`."""
        return self._dataset(*self._read())

    def floors(self) -> dict[str, float]:
        """Returns the test metric of the last known value and of a linear model.

        The linear model forecasts changes from the window, both relative to the last known values, which
        is what Zeng et al. (2023) call NLinear; here by ridge regression.
        """
        from sklearn.linear_model import Ridge  # noqa: PLC0415 - 1.5 s that only a verdict pays

        series, origins = self._read()
        train, test = (self._sequences(series, origins[part], relative="all") for part in ("train", "test"))
        linear = Ridge().fit(train.inputs.reshape(len(train), -1), train.targets)
        # A metric of differences is the same for changes as for values.
        score = METRICS[self._options.metric].score
        return {
            "persistence": score(np.zeros_like(test.targets), test.targets),
            "linear": score(linear.predict(test.inputs.reshape(len(test), -1)), test.targets),
        }

    def _read(self) -> tuple[Series, dict[str, range]]:
        """Returns the standardised series and the origins of each part."""
        options = self._options
        table = read_table(options.path, delimiter=options.delimiter)
        names = options.inputs or table.numeric_columns()
        if not names:
            raise DataError(
                f"{options.path} has no column of numbers; the network needs at least one to read"
            )
        targets = np.stack([table.numbers(name) for name in options.targets], axis=1)
        inputs = np.stack([table.numbers(name) for name in names], axis=1)
        parts = self._parts(len(targets))
        origins = {name: self._origins(name, part) for name, part in parts.items()}
        training = slice(parts["train"].stop)
        series = Series(
            inputs=Scaler.fitted(inputs[training])(inputs),
            targets=Scaler.fitted(targets[training])(targets),
        )
        return series, origins

    def _parts(self, rows: int) -> dict[str, range]:
        """Returns the rows of each part."""
        split = self._options.split
        scale = rows if isinstance(split[0], float) else 1
        first, second, third = (round(scale * sum(split[:count])) for count in (1, 2, 3))
        if third > rows:
            raise DataError(
                f"{self._options.path} has {rows} rows; split {list(split)} needs {third}: lower it"
            )
        return {"train": range(first), "validation": range(first, second), "test": range(second, third)}

    def _origins(self, name: str, part: range) -> range:
        """Returns the rows at which forecasts that stay within ``part`` begin."""
        window, horizon = self._options.window, self._options.horizon
        origins = range(max(part.start, window), part.stop - horizon + 1)
        if not origins:
            needed = horizon + max(window - part.start, 0)
            raise DataError(
                f"{self._options.path}: the {name} part has {len(part)} rows; window {window} and horizon "
                f"{horizon} need at least {needed}: lower them, change split or supply more rows"
            )
        return origins

    def _dataset(self, series: Series, origins: dict[str, range]) -> Dataset:
        options = self._options
        train, validation, test = (
            self._sequences(series, origins[part], relative=options.relative)
            for part in ("train", "validation", "test")
        )
        return Dataset(
            name=f"forecast of {', '.join(options.targets)}",
            signature=Signature(
                features=series.inputs.shape[1], outputs=options.horizon * len(options.targets)
            ),
            loss=Loss.MSE,
            metric=METRICS[options.metric],
            train=Sequences(train.inputs[:: options.stride], train.targets[:: options.stride]),
            validation=validation,
            test=test,
        )

    def _sequences(self, series: Series, origins: range, *, relative: Relative) -> Sequences:
        inputs = series.past(origins, self._options.window)
        targets = series.future(origins, self._options.horizon)
        if relative != "nothing":
            targets = targets - series.unchanged(origins, self._options.horizon)
        return Sequences(inputs - inputs[:, -1:] if relative == "all" else inputs, targets)
