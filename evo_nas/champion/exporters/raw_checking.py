"""The numeric check of formats that read raw values: their answers beside those of preparation and model in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evo_nas.champion.exporters.checking import SEED, Sample, compare, runs, samples
from evo_nas.data.frames import frame_with
from evo_nas.data.layout import SeriesLayout
from evo_nas.models.ensemble import Link
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import Checked, Inputs, Lengths, Run
    from evo_nas.champion.exporters.exporter import Exportable
    from evo_nas.tasks.preparation import Preparation

    Answers = npt.NDArray[np.floating]

Forecaster = Callable[[Sequence[Any], Sequence[Any] | None], "Answers"]
"""Returns forecasts ``(n, horizon[, targets][, levels])`` of series, and of the times of their rows or None."""
TIME = " time "
"""A column of times, whose name no column of values has."""
MISSING_SHARE = 0.2
"""Share of values that are missing where training had holes."""


def compare_answers(
    export: Run, champion: Exportable, *, tolerance: float, streaming: bool = False
) -> Checked:
    """Returns the largest difference between the answers of an export and those of the champion for raw inputs.

    Answers are probabilities ``(batch[, time], classes)``, or numbers ``(batch[, horizon], targets[, levels])`` in
    the units of their targets, which are compared in deviations: there a tolerance means the same for all units.

    Args:
        export: Runs what was written, as `checking.Run` says; NaN where it cannot answer.
        champion: The champion.
        tolerance: Largest difference that is permitted.
        streaming: Whether the file prepares one step after the other: it cuts no window out of what it is given, and
            fills no hole with what comes later.

    Raises:
        ChampionError: As `checking.compare`.
    """
    model = answering(champion, streaming=streaming)
    plain = None if champion.preparation is None else champion.preparation.of_values
    if plain is not None and isinstance(answers := plain[1], NumberAnswers):
        export = _in_deviations(_without_rounding(export, model), answers)
        model = _in_deviations(model, answers)
    compared = raw_samples(champion, streaming=streaming)
    return compare(export, model, compared, tolerance=tolerance, per_step=champion.signature.per_step)


def compare_forecasts(forecast: Forecaster, champion: Exportable, *, tolerance: float) -> Checked:
    """Returns the largest difference between forecasts of series of a panel, or of series with a calendar.

    Series are made of the inputs that `checking.samples` draws. Forecasts are compared in the unit of each series of a
    panel, and otherwise in deviations of the targets.

    Args:
        forecast: Forecasts series ``(time[, values])`` with the times of their rows, where a calendar is read.
        champion: The champion.
        tolerance: Largest difference that is permitted.

    Raises:
        ChampionError: As `checking.compare`.
    """
    prepared = champion.preparation
    assert prepared is not None
    inputs, answers = prepared.inputs, prepared.answers
    assert isinstance(inputs, PanelInputs | WindowInputs)
    if isinstance(inputs, WindowInputs):
        # Every row that a series has is there: a file finds no gaps between times.
        layout = SeriesLayout(time=TIME if inputs.calendar or inputs.is_irregular else None, gaps="keep")
        inputs = replace(inputs, layout=layout)
    assert isinstance(answers, NumberAnswers)
    outputs_of = runs(champion.model)
    mean, scale = (np.array(each)[:, None] for each in (answers.mean, answers.scale))
    shape = (-1, answers.horizon, mean.size, max(len(answers.quantiles), 1))

    def compared(run: Callable[[Sequence[Inputs]], Answers]) -> Run:
        """Returns what forecasts all series that are long enough, in units that compare; NaN for the others."""

        def of(drawn: Inputs, ends: Lengths) -> Answers:
            rows = enumerate(cut(drawn, ends))
            series = [_made_series(each.astype(np.float64), row, inputs) for row, each in rows]
            fit = [
                isinstance(inputs, PanelInputs) or _known_rows(each, inputs) >= inputs.window
                for each in series
            ]
            found = np.full((len(series), *shape[1:]), np.nan)
            if given := [each for each, fits in zip(series, fit, strict=True) if fits]:
                found[fit] = (run(given).reshape(shape) / _units(given, inputs) - mean) / scale
            return found.reshape(len(series), -1)

        return of

    def exported(series: Sequence[Inputs]) -> Answers:
        is_dated = isinstance(inputs, WindowInputs) and (inputs.calendar or inputs.is_irregular)
        return forecast(series, [_times(len(each)).tolist() for each in series] if is_dated else None)

    def in_memory(series: Sequence[Inputs]) -> Answers:
        if isinstance(inputs, PanelInputs):
            read, lengths = inputs.raw(series)
        else:
            read, lengths = inputs.raw([_frame(each, inputs) for each in series])
        found: Answers = answers.every_level(outputs_of(read, lengths).astype(np.float32))
        return found * _units(series, inputs)

    return compare(compared(exported), compared(in_memory), samples(champion.signature), tolerance=tolerance)


def compare_keys(export: Run, champion: Exportable, *, tolerance: float) -> Checked:
    """Returns the largest difference between the probabilities of keys after each frame of 0 and 1.

    Args:
        export: Runs what was written; ``(batch, time, keys)``.
        champion: The champion.
        tolerance: Largest difference that is permitted.

    Raises:
        ChampionError: As `checking.compare`.
    """

    def framed(run: Run) -> Run:
        return lambda drawn, ends: run(np.greater(drawn, 0).astype(np.float32), ends)

    compared = samples(champion.signature)
    return compare(framed(export), framed(answering(champion)), compared, tolerance=tolerance)


def _units(series: Sequence[Inputs], inputs: PanelInputs | WindowInputs) -> npt.NDArray[np.float64]:
    units = inputs.units(series) if isinstance(inputs, PanelInputs) else np.ones(len(series))
    return units[:, None, None, None]


def _made_series(
    drawn: npt.NDArray[np.float64], row: int, inputs: PanelInputs | WindowInputs
) -> npt.NDArray[np.floating]:
    """Returns a series of values drawn as prepared inputs ``(time, features)``, with holes where training had some."""
    return _panel_series(drawn, row, inputs) if isinstance(inputs, PanelInputs) else _rows(drawn, inputs)


def _panel_series(drawn: npt.NDArray[np.float64], row: int, inputs: PanelInputs) -> npt.NDArray[np.float64]:
    """Returns a series of so many steps after the first season, larger by a hundred than the one before it."""
    before = np.random.default_rng(SEED).standard_normal(inputs.season)
    series: npt.NDArray[np.float64] = np.concatenate([before, drawn[:, 0]]).cumsum() * 100.0**row
    if inputs.missing != "refuse":
        # Neither the first value nor the one a season later, so that there is a unit.
        series[inputs.season + 1 :: 3] = np.nan
    return series


def _rows(drawn: npt.NDArray[np.float64], inputs: WindowInputs) -> npt.NDArray[np.float32]:
    """Returns the values of a series, after which known columns go on to the end of the horizon."""
    values, columns = inputs.values, inputs.columns
    mean, scale = (np.array(each)[: len(columns)] for each in (values.mean, values.scale))
    rows: npt.NDArray[np.float32] = (mean + scale * drawn[:, : len(columns)]).astype(np.float32)
    known = np.isin(columns, inputs.known)
    if values.missing != "refuse":
        is_masked = np.isin(np.arange(len(columns)), np.array(values.masked))
        may = (is_masked | (values.missing != "mask")) & ~known
        is_missing = (drawn[:, : len(columns)] > 1.0) & may
        # A last row without any value would be one that is forecast.
        is_missing[-1] &= not inputs.known
        rows[is_missing] = np.nan
    if not inputs.known:
        return rows
    further = np.random.default_rng(SEED).standard_normal((inputs.horizon, len(columns)))
    ahead = np.where(known, mean + scale * further, np.nan)
    return np.concatenate([rows, ahead.astype(np.float32)])


def _known_rows(rows: npt.NDArray[np.floating], inputs: WindowInputs) -> int:
    return len(rows) - (inputs.horizon if inputs.known else 0)


def _frame(rows: Inputs, inputs: WindowInputs) -> Any:
    """Returns a series as a person would give it: a frame with its times."""
    columns = dict(zip(inputs.columns, rows.astype(np.float64).T, strict=True))
    return frame_with(columns | ({} if inputs.layout.time is None else {TIME: _times(len(rows))}))


def _times(count: int) -> npt.NDArray[np.datetime64]:
    """Returns times around the end of a leap year, some hours and minutes apart, and not always as many."""
    start = np.datetime64("2024-12-27T21:43:10", "us")
    steps = 1 + np.arange(count) % 3
    return start + steps.cumsum() * np.timedelta64(7 * 3600 + 1234, "s")


def raw_samples(champion: Exportable, *, streaming: bool = False) -> list[Sample]:
    """Returns inputs as `checking.samples` draws them, but raw: in original units, with holes where training had some.

    Args:
        champion: The champion.
        streaming: As for `compare_answers`.
    """
    drawn, preparation = samples(champion.signature), champion.preparation
    if preparation is None or preparation.numbers is None:
        return drawn
    rng = np.random.default_rng(SEED)
    return [
        Sample(_raw(sample.inputs.shape[:2], preparation, rng, streaming=streaming), sample.lengths)
        for sample in drawn
    ]


def answering(champion: Exportable, *, streaming: bool = False) -> Run:
    """Returns what prepares raw inputs, runs the model in memory, and answers; NaN for a series below its window.

    Args:
        champion: The champion.
        streaming: As for `compare_answers`.
    """
    outputs_of = runs(champion.model)
    plain = None if champion.preparation is None else champion.preparation.of_values
    if plain is None:
        return lambda inputs, lengths: _on_scale(outputs_of(inputs, lengths), champion.link)
    inputs, answers = plain
    if streaming and isinstance(inputs, NumericInputs):
        inputs = replace(inputs, window=None)
    elif streaming and isinstance(inputs, TokenInputs):
        inputs = replace(inputs, max_length=None)

    def of_series(rows: Inputs, reads: WindowInputs) -> Answers:
        read = replace(reads, window=len(rows)) if streaming else reads
        if len(rows) < read.window:
            return np.full((1, champion.signature.outputs), np.nan, np.float32)
        return outputs_of(*read.raw([rows]))

    def run(raw: Inputs, lengths: Lengths) -> Answers:
        sequences = cut(raw, lengths)
        if isinstance(inputs, WindowInputs):
            outputs = np.concatenate([of_series(rows, inputs) for rows in sequences])
        else:
            outputs = outputs_of(*inputs.raw(sequences))
        if isinstance(answers, ClassAnswers):
            return answers.probabilities(outputs.astype(np.float32))
        found = outputs.astype(np.float32)
        return answers.every_level(found) if answers.quantiles else answers(found)

    return run


def cut(inputs: Inputs, lengths: Lengths) -> list[Inputs]:
    """Returns the sequences ``(time, ...)`` of padded ones ``(batch, time, ...)``, without their padding."""
    ends = [inputs.shape[1]] * len(inputs) if lengths is None else lengths.tolist()
    return [sequence[:end] for sequence, end in zip(inputs, ends, strict=True)]


def _raw(
    shape: Sequence[int], preparation: Preparation, rng: np.random.Generator, *, streaming: bool
) -> npt.NDArray[np.float32]:
    values = preparation.numbers
    assert values is not None
    mean, scale = np.array(values.mean), np.array(values.scale)
    raw = (mean + scale * rng.standard_normal((*shape, len(mean)))).astype(np.float32)
    if values.missing == "refuse" or (streaming and values.missing == "interpolate"):
        return raw
    is_missing = rng.random(raw.shape) < MISSING_SHARE
    if values.missing == "mask":
        is_missing &= np.isin(np.arange(len(mean)), np.array(values.masked))
    elif streaming and not isinstance(preparation.inputs, WindowInputs):
        # What fills a hole at the beginning comes after it.
        is_missing[:, 0] = False
    raw[is_missing] = np.nan
    return raw


def _on_scale(outputs: Answers, link: Link) -> Answers:
    """Returns probabilities, or the outputs themselves where they are numbers."""
    if link is Link.VALUES:
        return outputs
    given = torch.from_numpy(outputs).double()
    answers: Answers = (given.softmax(-1) if link is Link.CLASSES else given.sigmoid()).numpy()
    return answers


def _without_rounding(export: Run, model: Run) -> Run:
    """Returns ``export`` without what 32 bits leave of a number, which is many deviations where the mean is large."""

    def run(inputs: Inputs, lengths: Lengths) -> Answers:
        found = export(inputs, lengths)
        if found.dtype != np.float32:
            return found
        wanted = model(inputs, lengths)
        difference = found - wanted
        # Once for the mean that is added, and once for the sum.
        rounding = 2 * np.spacing(np.abs(wanted).astype(np.float32))
        beyond = np.sign(difference) * np.maximum(np.abs(difference) - rounding, 0.0)
        return np.where(np.isfinite(wanted), wanted + beyond, found)

    return run


def _in_deviations(run: Run, answers: NumberAnswers) -> Run:
    """Returns ``run`` with numbers in deviations of the targets from their means."""
    mean, scale = np.array(answers.mean), np.array(answers.scale)
    if answers.quantiles:
        mean, scale = mean[:, None], scale[:, None]
    return lambda inputs, lengths: (run(inputs, lengths) - mean) / scale
