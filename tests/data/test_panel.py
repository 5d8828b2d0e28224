from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.panel import PanelSeries, cut_panel, unit_of, units_before
from evo_nas.errors import DataError

RULES = {"horizon": 3, "season": 2, "stride": 1, "most": 100}


def walk(name: str, steps: int, seed: int = 0) -> PanelSeries:
    return PanelSeries(name, 10 + np.random.default_rng(seed).normal(size=steps).cumsum())


def test_the_last_steps_are_test_and_those_before_are_validation() -> None:
    panel = cut_panel([walk("a", 20)], **RULES)
    origins = {part: cuts[0].origins.tolist() for part, cuts in panel.parts.items()}
    assert origins == {"train": list(range(3, 12)), "validation": [14], "test": [17]}


def test_no_part_holds_a_value_of_a_later_one() -> None:
    series = walk("a", 20)
    panel = cut_panel([series], **RULES)
    ends = {"train": 14, "validation": 17, "test": 20}
    for part, (cut,) in panel.parts.items():
        np.testing.assert_allclose(cut.values * cut.scale, series.values[: ends[part]])


@pytest.mark.parametrize(("part", "known"), [("train", 14), ("validation", 14), ("test", 17)])
def test_the_unit_is_the_seasonal_naive_error_of_what_is_known_before_a_held_out_forecast(
    part, known
) -> None:
    series = walk("a", 20)
    before = series.values[:known]
    cut = cut_panel([series], **RULES).parts[part][0]
    assert cut.scale == pytest.approx(np.abs(before[2:] - before[:-2]).mean())


@pytest.mark.parametrize(("part", "first"), [("train", 14), ("validation", 14), ("test", 17)])
def test_a_later_value_changes_nothing_of_what_an_earlier_part_reads(part, first) -> None:
    series = walk("a", 20)
    changed = series.values.copy()
    changed[first:] += 1000
    before, after = (
        cut_panel([PanelSeries("a", values)], **RULES).parts[part][0] for values in (series.values, changed)
    )
    assert before.scale == after.scale
    np.testing.assert_array_equal(before.history, after.history)


def test_training_has_every_stride_up_to_the_latest_and_at_most_so_many() -> None:
    panel = cut_panel([walk("a", 20)], **RULES | {"stride": 3})
    assert panel.parts["train"][0].origins.tolist() == [5, 8, 11]
    panel = cut_panel([walk("a", 20)], **RULES | {"stride": 3, "most": 2})
    assert panel.parts["train"][0].origins.tolist() == [8, 11]


def test_a_short_series_is_forecast_though_nothing_can_be_learnt_from_it() -> None:
    panel = cut_panel([walk("long", 20), walk("short", 7)], **RULES)
    assert [cut.name for cut in panel.parts["test"]] == ["long", "short"]
    assert [cut.name for cut in panel.parts["train"]] == ["long"]
    assert panel.remarks == ("1 series (short): too short or too constant to learn from, and only forecast",)


def test_a_series_that_is_too_short_for_any_forecast_is_left_out_and_said() -> None:
    panel = cut_panel([walk("long", 20), walk("tiny", 5)], **RULES)
    assert [cut.name for cut in panel.parts["test"]] == ["long"]
    assert "1 series (tiny): shorter than horizon + season + 1 = 6 and left out" in panel.remarks


@pytest.mark.parametrize(
    "values",
    [
        np.full(20, 7.0),
        np.zeros(20),
        np.tile([1.0, 5.0], 10),
        1e9 + np.random.default_rng(0).normal(size=20),
    ],
    ids=["constant", "zero", "the same in every season", "nearly constant"],
)
def test_a_series_that_hardly_changes_has_no_unit_and_is_left_out(values) -> None:
    panel = cut_panel([walk("a", 20), PanelSeries("flat", values)], **RULES)
    assert [cut.name for cut in panel.parts["test"]] == ["a"]
    assert any("1 series (flat): left out, since they hardly change" in remark for remark in panel.remarks)


def test_only_a_few_of_many_series_are_named() -> None:
    panel = cut_panel([walk("long", 20), *(walk(f"t{at}", 4) for at in range(14))], **RULES)
    assert "14 series (t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 and 4 more)" in panel.remarks[0]


@pytest.mark.parametrize(
    "series",
    [[], [walk("a", 11)], [PanelSeries("a", np.zeros(30))], [walk("a", 5), walk("b", 4)]],
    ids=["none", "too short to learn", "constant", "too short to forecast"],
)
def test_a_panel_without_a_forecast_in_every_part_is_refused(series) -> None:
    with pytest.raises(DataError, match=r"need 3 \* horizon \+ season \+ 1 = 12"):
        cut_panel(series, **RULES)


def test_a_season_longer_than_every_series_is_refused() -> None:
    with pytest.raises(DataError, match="lower horizon or season"):
        cut_panel([walk("a", 30)], **RULES | {"season": 40})


def test_holes_are_left_out_of_the_unit_and_no_forecast_is_judged_by_holes_alone() -> None:
    series = walk("a", 20)
    values = series.values.copy()
    values[[4, 12, 13, 14]] = np.nan
    panel = cut_panel([PanelSeries("a", values)], **RULES)
    assert np.isfinite(panel.parts["train"][0].scale)
    for cuts in panel.parts.values():
        for cut in cuts:
            judged = cut.values[cut.origins[:, None] + np.arange(3)]
            assert (~np.isnan(judged)).any(axis=1).all()
    assert panel.parts["train"][0].origins[-1] == 11  # its only known target is the value 11


def test_a_placeholder_beyond_all_other_values_is_refused_wherever_it_is() -> None:
    values = walk("a", 20).values.copy()
    values[-1] = 1e30
    with pytest.raises(DataError, match=r"series 'a' has the value 1e\+30.*probably a placeholder"):
        cut_panel([PanelSeries("a", values)], **RULES)


@pytest.mark.parametrize("season", [1, 4])
def test_units_before_many_steps_are_those_before_each(season) -> None:
    values = walk("a", 30).values.copy()
    values[:9] = 7.0  # without a unit while nothing has changed
    values[[12, 13, 20]] = np.nan
    ends = list(range(season + 1, 31))
    wanted = [unit_of(values[:end], season) for end in ends]
    assert None in wanted
    wanted = [np.nan if each is None else each for each in wanted]
    np.testing.assert_allclose(units_before(values, season, ends), wanted)
