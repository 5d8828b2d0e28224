"""`EvoForecaster`: the next values of series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from evo_nas.config import checked
from evo_nas.data.frames import is_frame
from evo_nas.data.series_inputs import last_known
from evo_nas.errors import DataError
from evo_nas.estimators.base import SequenceEstimator, value_errors
from evo_nas.tasks.forecast import WindowOptions
from evo_nas.tasks.series_memory import dataset_from_series, read_series_in_memory

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt

    from evo_nas.experiment import ExecutorKind

    Numbers = npt.NDArray[np.float64]


class EvoForecaster(SequenceEstimator):
    """Forecasts the next values of series by the champion of a search; see `SequenceEstimator` for what is not here.

    A series is an array ``(time,)`` or ``(time, features)`` or a frame, oldest row first; a list holds several of them,
    which one network learns. Each is cut into parts in the order of time.

    Args:
        window: Rows that the network reads.
        horizon: Rows that it forecasts.
        targets: Names of the columns of a frame that are forecast; all columns if not given.
        season: Steps of a season, for the metric ``mase``.
        quantiles: Levels that are forecast, 0.5 among them; `predict` gives the median.
    """

    def __init__(  # noqa: PLR0913 - scikit-learn takes the parameters from this signature
        self,
        *,
        window: int = 96,
        horizon: int = 24,
        targets: Sequence[str] | None = None,
        season: int = 1,
        quantiles: Sequence[float] | None = None,
        evaluations: int = 30,
        train_minutes: float | None = None,
        epochs: int = 8,
        metric: str | None = None,
        missing: str = "refuse",
        validation: float = 0.15,
        test: float = 0.15,
        cuts: int = 1,
        space: Mapping[str, Any] | None = None,
        strategy: Mapping[str, Any] | None = None,
        fitness: Mapping[str, Any] | None = None,
        verdict: Mapping[str, Any] | None = None,
        workers: int = 1,
        executor: ExecutorKind = "inline",
        run: str | os.PathLike[str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            evaluations=evaluations,
            train_minutes=train_minutes,
            epochs=epochs,
            metric=metric,
            missing=missing,
            validation=validation,
            test=test,
            cuts=cuts,
            space=space,
            strategy=strategy,
            fitness=fitness,
            verdict=verdict,
            workers=workers,
            executor=executor,
            run=run,
            random_state=random_state,
            verbose=verbose,
        )
        self.window = window
        self.horizon = horizon
        self.targets = targets
        self.season = season
        self.quantiles = quantiles

    def fit(self, X: Any, y: None = None) -> Self:  # noqa: ARG002 - y is there by convention
        """Searches for a network that forecasts the series.

        Args:
            X: A series, or a list of series.
            y: Nothing; the series are the targets, too.

        Raises:
            ValueError: Series are too short, or data or parameters cannot be used.
        """
        self._check_parameters()
        if isinstance(self.targets, str):
            raise ValueError(f"targets is {self.targets!r}; must be a list of names of columns, or None")  # noqa: TRY004 - as scikit-learn has it
        seed = self._drawn_seed()
        plain = self._plain_params()
        given = {name: plain[name] for name in ("window", "horizon", "season", "quantiles")}
        validation, test = plain["validation"], plain["test"]
        split = [1.0 - validation - test, validation, test]
        with value_errors():
            options = checked(
                WindowOptions,
                {**given, "split": split, **({} if plain["metric"] is None else {"metric": plain["metric"]})},
                at="EvoForecaster",
            )
            given_series, self._shape = _listed(X)
            items, columns = read_series_in_memory(given_series, holes=self.missing != "refuse")
            dataset = dataset_from_series(
                items, columns, options, targets=plain["targets"], missing=cast("Any", self.missing)
            )
            self._search(dataset, seed)
        self.n_features_in_ = len(columns)
        self._ends = [_end(item, self.window) for item in items]
        return self

    def predict(self, X: Any = None) -> Numbers:
        """Returns the next values.

        Args:
            X: Series to go on with, of which the last ``window`` rows are read; those of `fit` if not given.

        Returns:
            ``(horizon, targets)`` in the units of the series, ``(n, horizon, targets)`` for a list of series, and
            ``(horizon,)`` for an array ``(time,)``.
        """
        return self._forecast(X, every_level=False)

    def predict_quantiles(self, X: Any = None) -> Numbers:
        """Returns what `predict` does with a further axis, a value for each of ``quantiles``."""
        return self._forecast(X, every_level=True)

    def score(self, X: Any, y: None = None) -> float:  # noqa: ARG002 - y is there by convention
        """Returns the negative mean absolute scaled error (Hyndman & Koehler, 2006) of the last ``horizon`` rows.

        Args:
            X: Series, of which the rows before the last ones are read; cross-validation cuts a list into series, and
                with scikit-learn's ``TimeSeriesSplit`` one array into spans of time.
            y: Nothing.

        Returns:
            The mean over series and targets: 0 at best; -1 is the error of repeating the value of one ``season`` ago
            within the rows before.

        Raises:
            ValueError: A series is too short, or its error has no scale, since it never changes.
        """
        preparation = self.champion.prepared
        with value_errors():
            items, columns = read_series_in_memory(_listed(X)[0], holes=True)
            values, targets = preparation.inputs.columns, preparation.answers.columns  # type: ignore[union-attr]
            if unknown := [name for name in values if name not in columns]:
                raise DataError(f"X has no column {unknown[0]!r}; must have those of fit")
            items = [item[:, list(map(columns.index, values))] for item in items]
            ahead, places = preparation.answers.horizon, list(map(values.index, targets))  # type: ignore[union-attr]
            forecasts = self.champion.forecast([item[:-ahead] for item in items])
            errors = [
                _scaled_error(f"series {number}", item[:, places], forecast, self.season)
                for number, (item, forecast) in enumerate(zip(items, forecasts, strict=True), start=1)
            ]
        return -float(np.mean(errors))

    def _forecast(self, X: Any, *, every_level: bool) -> Numbers:
        champion = self.champion
        with value_errors():
            series, shape = (self._ends, self._shape) if X is None else _listed(X)
            # The columns of frames are matched by name with those of `fit`.
            are_frames = all(map(is_frame, series))
            raw = series if are_frames else read_series_in_memory(series, holes=True)[0]
            values = np.asarray(champion.forecast(raw, every_level=every_level))
        if shape == "many":
            return values
        return values[0, :, 0] if shape == "flat" else values[0]

    def _facts(self) -> dict[str, Any]:
        # JSON has no NaN.
        ends = [
            [[None if np.isnan(value) else value for value in row] for row in end.tolist()]
            for end in self._ends
        ]
        return super()._facts() | {"_shape": self._shape, "_ends": ends}

    def _take(self, facts: Mapping[str, Any]) -> None:
        super()._take(facts)
        self._ends = [np.array(end, dtype=np.float64) for end in facts["_ends"]]


def _listed(X: Any) -> tuple[list[Any], Literal["flat", "wide", "many"]]:
    """Returns series as a list, and whether ``X`` was one series ``(time,)``, one ``(time, features)``, or several.

    Raises:
        DataError: ``X`` is nothing like that.
    """
    is_list = isinstance(X, Sequence) and not isinstance(X, str | bytes)
    if not (is_list or is_frame(X) or hasattr(X, "__array__")):
        raise DataError(f"X is {X!r:.60}; must be an array or frame (time, features), or a list of them")
    if is_frame(X):
        return [X], "wide"
    if hasattr(X, "to_frame"):  # a series of pandas or Polars, whose index is looked at as that of a frame
        return [X.to_frame()], "flat"
    if hasattr(X, "__array__"):
        return ([X], "flat" if np.ndim(X) == 1 else "wide") if np.ndim(X) < 3 else (list(X), "many")
    return ([np.array(X)], "flat") if len(X) and np.ndim(X[0]) == 0 else (list(X), "many")


def _scaled_error(place: str, values: Numbers, forecast: Numbers, season: int) -> float:
    known, truth = values[: -len(forecast)], values[-len(forecast) :]
    steps = np.abs(known[season:] - known[:-season])
    counts = (~np.isnan(steps)).sum(axis=0)
    usual = np.nansum(steps, axis=0) / np.maximum(counts, 1)
    if not usual.all() or np.isnan(truth).all():
        raise DataError(
            f"{place} has no error to score: it must change from one season to the next, and have a known value in "
            f"its last {len(truth)} rows"
        )
    return float(np.nanmean(np.abs(truth - forecast) / usual))


def _end(values: Numbers, window: int) -> Numbers:
    """Returns the rows that a window at the end of a series needs: from its values before holes on."""
    start = len(values) - window
    known = last_known(values, [0])[start]
    return values[min([start, *known[known >= 0].tolist()]) :]
