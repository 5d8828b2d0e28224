"""Whatever the lengths and holes of series, no cut learns anything of the block that it is asked about, or later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.data.panel import PanelSeries, cut_panel
from evo_nas.tasks.cuts.examples import ExampleCut
from evo_nas.tasks.cuts.making import with_cuts
from evo_nas.tasks.cuts.panels import EarlierForecasts
from evo_nas.tasks.cuts.series import EarlierBlocks, OriginCut
from evo_nas.tasks.dataset import Dataset, Windows
from evo_nas.tasks.forecast import WindowOptions
from evo_nas.tasks.series_memory import dataset_from_series
from evo_nas.testing.cuts import CutContract

CONTRACT = CutContract()
COLUMNS = ("a", "b")


@st.composite
def forecasts(draw) -> Dataset:
    """Some series of random lengths, perhaps with holes."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    lengths = draw(st.lists(st.integers(80, 200), min_size=1, max_size=3))
    items = [rng.normal(size=(length, 2)).cumsum(axis=0) for length in lengths]
    missing = draw(st.sampled_from(["refuse", "mask", "interpolate", "previous"]))
    if missing != "refuse":
        for item in items:
            item[rng.random(item.shape) < 0.2] = np.nan
    options = WindowOptions(
        window=draw(st.integers(1, 8)),
        horizon=draw(st.integers(1, 5)),
        split=draw(st.sampled_from([(0.7, 0.1, 0.2), (0.75, 0.15, 0.1)])),
    )
    return dataset_from_series(items, COLUMNS, options, targets=["b"], missing=missing)


def series_of(windows: Windows, rows: np.ndarray) -> np.ndarray:
    return np.searchsorted(windows.starts, rows, side="right") - 1


@given(forecasts())
def test_targets_of_training_lie_before_the_block_and_those_of_the_block_before_the_last_one(
    dataset,
) -> None:
    cuts = EarlierBlocks().cuts(dataset, 3)
    assert cuts
    train, validation = dataset.train, dataset.validation
    assert isinstance(train, Windows)
    assert isinstance(validation, Windows)
    horizon, later = train.horizon, validation.origins
    permitted = set(np.concatenate([train.origins, validation.origins]).tolist())
    for cut in cuts:
        assert set(cut.train.tolist()) | set(cut.validation.tolist()) <= permitted
        for number in range(len(train.starts)):
            learnt, asked, last = (
                rows[series_of(train, rows) == number] for rows in (cut.train, cut.validation, later)
            )
            if len(asked):
                assert asked.max() + horizon <= last.min()
                assert cut.ends[number] <= asked.min()
            if len(learnt):
                assert learnt.max() + horizon <= cut.ends[number]
        later = cut.validation


@given(forecasts())
def test_later_rows_decide_nothing_that_is_learnt(dataset) -> None:
    CONTRACT.test_only_its_training_rows_decide_what_a_cut_learns_from(with_cuts(dataset, 3))


@given(forecasts(), st.floats(0.1, 10), st.floats(-5, 5))
def test_a_cut_does_not_depend_on_the_units_in_which_the_first_one_left_the_values(
    dataset, scale, offset
) -> None:
    # What the statistics of the first cut did to a column is undone, whatever they were.
    resampled = with_cuts(dataset, 2)
    at = dataset.statistics.scaled[0]
    parts = {}
    for name, part in resampled.parts.items():
        assert isinstance(part, Windows)
        inputs = part.inputs.copy()
        inputs[:, at] = inputs[:, at] * scale + offset
        parts[name] = Windows(
            inputs,
            part.targets,
            part.origins,
            part.window,
            part.horizon,
            part.starts,
            part.last_known,
            part.stride,
        )
    one, other = resampled.of_cut(1).train, resampled.in_same_shape(**parts).of_cut(1).train
    assert isinstance(one, Windows)
    assert isinstance(other, Windows)
    assert np.allclose(one.inputs, other.inputs, atol=1e-3)


def panel(lengths: list[int], *, horizon: int, season: int, stride: int) -> tuple[EarlierForecasts, list]:
    rng = np.random.default_rng(0)
    series = [
        PanelSeries(f"s{number}", 10 + rng.normal(size=length).cumsum())
        for number, length in enumerate(lengths)
    ]
    cut = cut_panel(series, horizon=horizon, season=season, stride=stride, most=1000)
    return EarlierForecasts.of(cut, series), [part.name for part in cut.parts["validation"]]


class Sized:
    """What a resampling asks of a data set."""

    def __init__(self, validation: int) -> None:
        self.validation = range(validation)


@given(
    st.lists(st.integers(30, 60), min_size=2, max_size=6),
    st.integers(1, 4),
    st.sampled_from([1, 4]),
    st.integers(1, 3),
)
def test_a_series_of_a_panel_is_forecast_once_in_a_cut_and_learnt_before(
    lengths, horizon, season, stride
) -> None:
    rule, names = panel(lengths, horizon=horizon, season=season, stride=stride)
    cuts = rule.cuts(Sized(len(names)), 3)  # type: ignore[arg-type]
    assert cuts
    latest = rule.series[-len(names) :], rule.origins[-len(names) :]
    last = dict(zip(*(each.tolist() for each in latest), strict=True))
    for cut in cuts:
        asked = rule.series[cut.validation]
        assert len(set(asked.tolist())) == len(asked)
        for row in cut.validation.tolist():
            number, origin = int(rule.series[row]), int(rule.origins[row])
            assert origin + horizon <= last[number]
            learnt = rule.origins[cut.train][rule.series[cut.train] == number]
            assert not len(learnt) or learnt.max() + horizon <= origin
            last[number] = origin


def test_later_values_of_a_series_do_not_change_its_unit_in_a_cut() -> None:
    rule, names = panel([40, 50], horizon=3, season=4, stride=1)
    cut = rule.cuts(Sized(len(names)), 1)[0]  # type: ignore[arg-type]
    assert isinstance(cut, ExampleCut)
    assert cut.divisors is not None
    units = []
    for spoil in (False, True):
        values = []
        for number, series in enumerate(rule.values):
            asked = cut.validation[rule.series[cut.validation] == number]
            changed = series.copy()
            if spoil:
                changed[int(rule.origins[asked[0]]) :] *= 9
            values.append(changed)
        other = EarlierForecasts(
            rule.series, rule.origins, tuple(values), rule.units, rule.horizon, rule.season
        )
        units.append(other.cuts(Sized(len(names)), 1)[0].divisors)  # type: ignore[arg-type]
    assert np.array_equal(units[0], units[1])


def test_a_series_without_a_validation_part_is_left_out_of_other_cuts() -> None:
    rng = np.random.default_rng(0)
    long, short = rng.normal(size=(200, 2)).cumsum(axis=0), rng.normal(size=(60, 2)).cumsum(axis=0)
    # Nothing is known of the second one where it would be validated on and tested.
    short[42:, 1] = np.nan
    dataset = dataset_from_series(
        [long, short], COLUMNS, WindowOptions(window=5, horizon=2), targets=["b"], missing="previous"
    )
    assert (series_of(dataset.train, dataset.train.origins) == 1).any()  # type: ignore[arg-type, union-attr]
    cut = with_cuts(dataset, 2).cuts[0]
    assert isinstance(cut, OriginCut)
    assert cut.train.max() < 200
    assert cut.ends.tolist()[1] == 200


@pytest.mark.parametrize("missing", ["mask", "interpolate", "previous"])
def test_values_that_were_filled_in_do_not_count(missing) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 2)).cumsum(axis=0)
    # A line through this hole, which ends in the block that is asked about, would tell how it goes on.
    rows[100:130, 0] = np.nan
    rows[130:, 0] += 500
    dataset = dataset_from_series(
        [rows],
        COLUMNS,
        WindowOptions(window=5, horizon=2, split=(0.7, 0.1, 0.2)),
        targets=["b"],
        missing=missing,
    )
    cut = with_cuts(dataset, 2).of_cut(1)
    assert isinstance(cut.train, Windows)
    known = cut.train.inputs[:100, 0]
    if missing == "previous":
        return  # repeats what came before, which is known then
    assert known.mean() == pytest.approx(0, abs=1e-3)
    assert known.std() == pytest.approx(1, abs=1e-3)
