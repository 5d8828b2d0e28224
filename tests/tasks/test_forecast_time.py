"""The task `forecast` on files with time, gaps, several series, holes and known inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from evo_nas.errors import DataError
from evo_nas.tasks.dataset import Objective
from evo_nas.tasks.forecast import ForecastOptions, ForecastTask
from evo_nas.tasks.task import Prepared

SERIES_OPTIONS = {"targets": ("y",), "window": 5, "horizon": 2, "split": (0.6, 0.2, 0.2)}


def frame(rows: int = 60, freq="D", first: str = "2020-01-01") -> pd.DataFrame:
    days = pd.date_range(first, periods=rows, freq=freq)
    return pd.DataFrame({"date": days.strftime("%Y-%m-%d %H:%M"), "y": np.sin(np.arange(rows) / 3)})


def written(folder: Path, name: str, rows: pd.DataFrame) -> Path:
    path = folder / name
    rows.to_csv(path, index=False)
    return path


def prepared(path, **options) -> Prepared:
    return ForecastTask(ForecastOptions(path=path, **{**SERIES_OPTIONS, **options})).read()


def values(task: Prepared) -> list[np.ndarray]:
    parts = [part.cut() for part in task.dataset.parts.values()]
    return [array for part in parts for array in (part.inputs, part.targets)]


def same(one: Prepared, other: Prepared) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(values(one), values(other), strict=True))


@pytest.mark.parametrize("order", ["newest first", "shuffled"])
@pytest.mark.parametrize("freq", ["D", "h", "MS", "B"])
def test_rows_are_read_in_the_order_of_time_whatever_their_order_in_the_file(tmp_path, order, freq) -> None:
    rows = frame(freq=freq)
    disordered = rows[::-1] if order == "newest first" else rows.sample(frac=1, random_state=0)
    other = prepared(written(tmp_path, "other.csv", disordered))
    assert same(prepared(written(tmp_path, "rows.csv", rows)), other)
    assert any("not in the order of date and therefore sorted" in said for said in other.dataset.remarks)


def test_the_column_of_time_is_named_in_a_remark_and_not_read(tmp_path) -> None:
    dataset = prepared(written(tmp_path, "rows.csv", frame())).dataset
    assert "date orders the rows, in steps of 1 day" in dataset.remarks
    assert dataset.signature.features == 1


def test_how_the_tables_of_series_were_read_is_said(tmp_path) -> None:
    paths = [tmp_path / f"{name}.csv" for name in ("rows", "more")]
    for path, first in zip(paths, ("2020-01-01", "2020-03-01"), strict=True):
        path.write_text(frame(60, first=first).to_csv(index=False, sep=";").replace("\n", "\n\n", 1))
    remarks = prepared(tuple(paths)).dataset.remarks
    for path in paths:
        assert f"{path.name}: columns are separated by ';'" in remarks
        assert f"{path.name}: 1 blank lines are not read, the first is row 2" in remarks


def test_a_column_of_times_without_a_name_orders_the_rows_as_well(tmp_path) -> None:
    nameless = frame()[::-1].rename(columns={"date": ""})
    assert same(
        prepared(written(tmp_path, "rows.csv", frame())), prepared(written(tmp_path, "a.csv", nameless))
    )


def test_two_columns_of_dates_are_asked_about_and_the_other_is_said_to_be_unread(tmp_path) -> None:
    rows = frame().assign(seen=lambda all_rows: all_rows["date"])
    path = written(tmp_path, "rows.csv", rows)
    with pytest.raises(DataError, match="columns 'date', 'seen' all hold dates or times; name the one"):
        prepared(path)
    assert "not read: seen (dates or times)" in prepared(path, time="date").dataset.remarks
    assert "not read: seen (excluded)" in prepared(path, exclude=("seen",)).dataset.remarks


@pytest.mark.parametrize("names", [("1", "2", "3"), ("north", "south", "east")])
@pytest.mark.parametrize("is_interleaved", [False, True])
def test_several_series_in_a_file_are_each_cut_on_their_own(tmp_path, names, is_interleaved) -> None:
    pieces = [
        frame().assign(shop=name, y=lambda rows, by=at: rows["y"] + by) for at, name in enumerate(names)
    ]
    apart = prepared(
        tuple(written(tmp_path, f"{at}.csv", rows) for at, rows in enumerate(pieces)), exclude=("shop",)
    )
    whole = pd.concat(pieces).sort_values("date", kind="stable") if is_interleaved else pd.concat(pieces)
    path = written(tmp_path, "all.csv", whole)
    assert same(prepared(path, series="shop"), apart)
    with pytest.raises(
        DataError, match=r"rows \d+ and \d+ have the same time, 2020-01-01; .* set series to 'shop'"
    ):
        prepared(path)


def test_a_series_in_several_files_is_one_series_if_time_says_in_which_order(tmp_path) -> None:
    rows = frame().assign(shop="a")
    pieces = (written(tmp_path, "1.csv", rows[40:]), written(tmp_path, "2.csv", rows[:40]))
    whole = prepared(written(tmp_path, "all.csv", rows), series="shop")
    assert same(prepared(pieces, series="shop"), whole)
    bare = tuple(written(tmp_path, f"bare {at}.csv", rows[["shop", "y"]]) for at in range(2))
    with pytest.raises(DataError, match="have the same name, and no time says which comes first"):
        prepared(bare, series="shop")


def test_series_that_are_too_short_are_refused_by_name_or_left_out_with_a_remark(tmp_path) -> None:
    rows = pd.concat([frame().assign(shop="long"), frame(8).assign(shop="short")])
    path = written(tmp_path, "rows.csv", rows)
    with pytest.raises(DataError, match="series 'short': the train part has 5 rows; .* or set short to drop"):
        prepared(path, series="shop")
    remarks = prepared(path, series="shop", short="drop").dataset.remarks
    assert f"left out, since too short: {path}, series 'short'" in remarks
    with pytest.raises(DataError, match="every series is too short for the train part"):
        prepared(path, series="shop", short="drop", window=50)


def test_a_time_that_is_there_twice_is_refused_with_its_rows(tmp_path) -> None:
    rows = frame()
    rows.loc[7, "date"] = rows.loc[3, "date"]
    with pytest.raises(
        DataError, match="rows 5 and 9 have the same time, 2020-01-04; every row of a series needs one"
    ):
        prepared(written(tmp_path, "rows.csv", rows))


@pytest.mark.parametrize(
    ("freq", "step"), [("D", "1 day"), ("h", "1 hour"), ("MS", "1 month"), ("B", "1 business day")]
)
def test_a_gap_is_refused_with_its_place_and_length(tmp_path, freq, step) -> None:
    path = written(tmp_path, "rows.csv", frame(freq=freq).drop([20, 30, 31, 32]))
    with pytest.raises(
        DataError, match=rf"3 rows are missing between .* \(row 30\) and .*, with steps of {step}; the lo"
    ):
        prepared(path)


@pytest.mark.parametrize("freq", ["D", "h", "MS", "B"])
def test_rows_that_are_added_for_gaps_are_missing_values(tmp_path, freq) -> None:
    rows = frame(freq=freq)
    gap = [20, 30, 31, 32]
    path = written(tmp_path, "gap.csv", rows.drop(gap))
    rows.loc[gap, "y"] = np.nan
    holes = written(tmp_path, "holes.csv", rows)
    assert same(prepared(path, gaps="mask"), prepared(holes, missing="mask"))
    assert same(prepared(path, gaps="fill"), prepared(holes, missing="interpolate"))
    assert same(prepared(path, gaps="fill", missing="previous"), prepared(holes, missing="previous"))
    assert prepared(path, gaps="fill").dataset.has_target_holes
    for gaps, count in (("fill", 60), ("keep", 56)):
        assert f"1 series, {count} rows in all" in prepared(path, gaps=gaps).dataset.remarks


def test_irregular_rows_are_refused_or_read_with_the_time_between_them(tmp_path) -> None:
    seconds = np.cumsum(np.random.default_rng(0).integers(1, 1000, 60))
    rows = frame().assign(date=pd.to_datetime(seconds, unit="s"))
    path = written(tmp_path, "rows.csv", rows)
    for gaps in ("refuse", "fill"):
        with pytest.raises(
            DataError, match=f"gaps is {gaps}, but the rows have no regular step: they are .* apart"
        ):
            prepared(path, gaps=gaps)
    task = prepared(path, gaps="keep")
    assert task.dataset.signature.features == 2
    assert "reads y, time since the last row" in task.dataset.remarks
    # Of the rows before the last forecast the usual step is nearly that of all rows.
    (end,) = task.dataset.preparation.inputs.ends("rows", rows, holds_out=True)
    assert end.inputs == pytest.approx(task.dataset.test.cut().inputs[-1], abs=0.1)
    elapsed = np.log(np.diff(seconds))[task.dataset.test.origins - 2]
    assert np.corrcoef(task.dataset.test.cut().inputs[:, -1, 1], elapsed)[0, 1] == pytest.approx(1)
    assert same(prepared(path, gaps="mask"), task)


def test_series_with_different_steps_are_refused(tmp_path) -> None:
    paths = tuple(written(tmp_path, f"{freq}.csv", frame(freq=freq)) for freq in ("D", "h"))
    with pytest.raises(DataError, match=r"h.csv has steps of 1 hour, .*D.csv of 1 day; one network needs"):
        prepared(paths)
    assert len(prepared(paths, gaps="keep").dataset.train) == 2 * len(prepared(paths[0]).dataset.train)


def test_a_frequency_that_does_not_fit_the_dates_is_refused(tmp_path) -> None:
    path = written(tmp_path, "rows.csv", frame())
    assert same(prepared(path, frequency="D"), prepared(path))
    for frequency in ("h", "MS", "B", "2D"):
        with pytest.raises(DataError, match=rf"rows.csv: frequency '{frequency}' does not fit"):
            prepared(path, frequency=frequency)


def test_the_calendar_is_read_as_sine_and_cosine_in_its_own_units(tmp_path) -> None:
    task = prepared(written(tmp_path, "rows.csv", frame(24 * 7, "h")), calendar=("hour", "weekday"))
    read = task.dataset.train.cut().inputs
    assert read.shape[-1] == 5
    assert np.square(read[..., 1:3]).sum(axis=-1) == pytest.approx(1)
    assert read[0, :, 1] == pytest.approx(np.sin(2 * np.pi * np.arange(5) / 24), abs=1e-6)
    assert any("sine of hour, cosine of hour, sine of weekday" in said for said in task.dataset.remarks)


@pytest.mark.parametrize(
    "options", [{"calendar": ("hour",)}, {"frequency": "D"}, {"gaps": "fill"}, {"day_first": True}]
)
def test_what_needs_time_says_so_where_there_is_none(tmp_path, options) -> None:
    with pytest.raises(
        DataError, match=f"no column of dates, which {next(iter(options))} needs; name it in time"
    ):
        prepared(written(tmp_path, "rows.csv", frame()[["y"]]), **options)


@pytest.mark.parametrize(("window", "horizon"), [(5, 2), (2, 5)])
def test_known_columns_make_what_they_foretell_easy(tmp_path, window, horizon) -> None:
    rng = np.random.default_rng(0)
    price = rng.normal(size=300)
    rows = frame(300).assign(price=price, y=price + 0.01 * rng.normal(size=300))
    path = written(tmp_path, "rows.csv", rows)
    options = {"window": window, "horizon": horizon}
    unknown, known = (
        prepared(path, known=names, **options).fit_baselines()["linear"].score for names in ((), ("price",))
    )
    assert known < 0.01 * unknown


@pytest.mark.parametrize("inputs", [None, ("y",), ("y", "price")])
def test_known_columns_are_read_whether_or_not_they_are_inputs(tmp_path, inputs) -> None:
    path = written(tmp_path, "rows.csv", frame().assign(price=np.arange(60) % 7))
    remarks = prepared(path, inputs=inputs, known=("price",)).dataset.remarks
    assert "reads y, price, price in 2 steps" in remarks


@pytest.mark.parametrize(
    ("holes", "message"),
    [
        ([58, 59], "row 60: the known column 'price' ends before the horizon"),
        ([59], "row 61: the known column 'price' ends before the horizon"),
        ([30], "row 32: the known column 'price' has no value"),
    ],
)
@pytest.mark.parametrize("missing", ["refuse", "mask"])
def test_known_columns_must_last_to_the_end_of_the_last_forecast(tmp_path, holes, message, missing) -> None:
    rows = frame().assign(price=np.arange(60.0) % 7)
    rows.loc[holes, "price"] = np.nan
    path = written(tmp_path, "rows.csv", rows)
    with pytest.raises(DataError, match=message):
        prepared(path, known=("price",), missing=missing)


def test_a_known_column_may_end_after_the_last_forecast(tmp_path) -> None:
    rows = frame().assign(price=np.arange(60.0) % 7)
    rows.loc[[58, 59], "price"] = np.nan
    path = written(tmp_path, "rows.csv", rows)
    assert prepared(path, known=("price",), split=(30, 14, 14)).dataset.signature.features == 3


def test_known_columns_are_drawn_over_a_gap_that_is_filled_and_missed_in_one_that_is_masked(tmp_path) -> None:
    rows = frame().assign(price=np.arange(60.0) % 7).drop([20])
    path = written(tmp_path, "rows.csv", rows)
    assert prepared(path, known=("price",), gaps="fill").dataset.signature.features == 3
    with pytest.raises(
        DataError, match="a row that was added for a gap: the known column 'price' has no value"
    ):
        prepared(path, known=("price",), gaps="mask")


@pytest.mark.parametrize("missing", ["mask", "interpolate", "previous"])
def test_holes_of_targets_do_not_count_and_baselines_ignore_them(tmp_path, missing) -> None:
    rows = frame(200)
    hole = np.random.default_rng(0).random(200) < 0.3
    path = written(tmp_path, "rows.csv", rows.assign(y=rows["y"].where(~hole)))
    task = prepared(path, missing=missing, season=19)
    assert task.dataset.has_target_holes
    for part in task.dataset.parts.values():
        cut = part.cut()
        assert np.isfinite(cut.inputs).all()
        assert np.isnan(cut.targets).any()
        assert not np.isnan(cut.targets).all(axis=1).any()
    assert all(result.score is not None and result.score < 1 for result in task.fit_baselines().values())
    assert any(f"{hole.sum()} missing values (y {hole.sum()})" in said for said in task.dataset.remarks)


def test_a_hole_is_refused_unless_an_option_says_what_becomes_of_it(tmp_path) -> None:
    rows = frame()
    rows.loc[30, "y"] = np.nan
    with pytest.raises(DataError, match="row 32, column 'y': the value is missing"):
        prepared(written(tmp_path, "rows.csv", rows))


def test_a_part_without_a_known_target_is_refused(tmp_path) -> None:
    rows = frame().assign(x=1.0)
    rows.loc[48:, "y"] = np.nan
    with pytest.raises(DataError, match="no forecast of the test part has a known target"):
        prepared(written(tmp_path, "rows.csv", rows), missing="mask")


@pytest.mark.parametrize("missing", ["mask", "interpolate", "previous"])
def test_no_row_of_the_test_part_changes_what_an_earlier_forecast_reads(tmp_path, missing) -> None:
    rows = frame(100)
    rows.loc[np.random.default_rng(0).choice(100, 30, replace=False), "y"] = np.nan
    rows.loc[[0, 99], "y"] = np.nan
    changed = rows.copy()
    changed.loc[80:, "y"] = changed.loc[80:, "y"] * 100 - 7
    one, other = (
        prepared(written(tmp_path, f"{at}.csv", some), missing=missing, window=9)
        for at, some in enumerate((rows, changed))
    )
    assert all(
        np.array_equal(*pair) for pair in zip(values(one)[::2][:2], values(other)[::2][:2], strict=True)
    )
    assert np.array_equal(values(one)[4][0], values(other)[4][0])


def test_all_columns_that_are_read_can_be_targets(tmp_path) -> None:
    path = written(tmp_path, "rows.csv", frame().assign(x=np.arange(60) % 5, z=np.arange(60) % 7, word="w"))
    dataset = prepared(path, targets="all", exclude=("z",)).dataset
    assert dataset.name == "forecast of y, x"
    assert dataset.signature.last_values == (0, 1)
    assert "not read: z (excluded), word (words)" in dataset.remarks
    assert prepared(path, targets="all", known=("z",)).dataset.name == "forecast of y, x"
    with pytest.raises(DataError, match="no column to forecast: all that are read are known beforehand"):
        prepared(path, targets="all", inputs=("z",), known=("z",))


@pytest.mark.parametrize(("name", "numbers"), [("n", range(60)), ("id", range(100, 40, -1)), ("", range(60))])
def test_a_column_that_names_or_counts_the_rows_is_read_only_if_it_is_named(tmp_path, name, numbers) -> None:
    path = written(tmp_path, "rows.csv", frame().assign(**{name: list(numbers)}))
    dataset = prepared(path).dataset
    assert dataset.signature.features == 1
    assert any(
        said.startswith(f"not read: {name or 'a column without a name'} (") for said in dataset.remarks
    )
    if name:
        assert prepared(path, inputs=("y", name)).dataset.signature.features == 2


@pytest.mark.parametrize("missing_column", [False, True])
def test_columns_are_matched_by_name_in_every_file(tmp_path, missing_column) -> None:
    rows = frame().assign(x=np.arange(60) % 5)
    path = written(tmp_path, "rows.csv", rows)
    other = rows[["x", "y", "date"]].assign(date=pd.date_range("2021-01-01", periods=60), extra=1.0)
    if missing_column:
        with pytest.raises(DataError, match="test.csv has no column 'x'"):
            prepared(path, test_path=written(tmp_path, "test.csv", other.drop(columns="x")))
        return
    test = written(tmp_path, "test.csv", other)
    task = prepared(path, test_path=test)
    assert f"{test} also has extra, not read" in task.dataset.remarks
    ordered = written(tmp_path, "ordered.csv", other[["date", "y", "x"]])
    assert same(task, prepared(path, test_path=ordered))


@pytest.mark.parametrize("part", ["validation_path", "test_path"])
@pytest.mark.parametrize(("rows", "shared"), [(slice(0, 60), 60), (slice(30, 60), 30), (slice(54, 60), 6)])
def test_a_file_of_a_held_out_part_must_not_hold_rows_of_the_training_part(
    tmp_path, part, rows, shared
) -> None:
    path = written(tmp_path, "all.csv", frame().sample(frac=1, random_state=0))
    other = written(tmp_path, "other.csv", frame()[rows])
    with pytest.raises(
        DataError, match=rf"other.csv \({part[:-5]}\) has {shared} rows of .*all.csv \(train\)"
    ):
        prepared(path, window=2, **{part: other})


def test_a_copy_of_a_file_without_times_is_no_other_part(tmp_path) -> None:
    paths = [written(tmp_path, f"{at}.csv", frame()[["y"]]) for at in range(2)]
    with pytest.raises(DataError, match=r"1.csv \(test\) has 60 rows of .*0.csv \(train\)"):
        prepared(paths[0], test_path=paths[1])


@pytest.mark.parametrize("part", ["path", "test_path"])
@pytest.mark.parametrize("has_times", [False, True])
@pytest.mark.parametrize("revised", [(), (45,)])
def test_files_that_overlap_are_refused_within_a_part_and_across_parts(
    tmp_path, part, has_times, revised
) -> None:
    rows = frame(100) if has_times else frame(100)[["y"]]
    later = rows[30:].copy()
    later.loc[[*revised], "y"] += 1.0
    one, other = written(tmp_path, "one.csv", rows[:70]), written(tmp_path, "other.csv", later)
    paths = {"path": (one, other)} if part == "path" else {"path": one, part: other}
    with pytest.raises(DataError, match=rf"other.csv .* has {40 - len(revised)} rows of .*one.csv \(train\)"):
        prepared(**paths)


@pytest.mark.parametrize("has_times", [False, True])
@pytest.mark.parametrize("levels", [2, 4])
def test_states_that_are_equal_by_chance_are_no_copies(tmp_path, has_times, levels) -> None:
    states = np.random.default_rng(0).integers(levels, size=(2, 400))
    rows = frame(400) if has_times else frame(400)[["y"]]
    assert prepared([written(tmp_path, f"{at}.csv", rows.assign(y=some)) for at, some in enumerate(states)])


def test_other_series_of_the_same_times_and_other_times_of_the_same_series_are_other_parts(tmp_path) -> None:
    rows = frame()
    path = written(tmp_path, "train.csv", rows)
    same_times = written(tmp_path, "sensor.csv", rows.assign(y=rows["y"].where(rows.index % 9 == 0, 0.5)))
    assert prepared(path, test_path=same_times)
    assert prepared(path, test_path=written(tmp_path, "later.csv", frame(first="2020-03-01")))
    named = pd.concat([rows.assign(shop="a"), rows.assign(shop="b", y=-rows["y"])])
    split = written(tmp_path, "a.csv", named[named["shop"] == "a"]), written(tmp_path, "b.csv", named)
    with pytest.raises(DataError, match="b.csv, series 'a'"):
        prepared(split[0], test_path=split[1], series="shop")
    assert prepared(
        split[0], test_path=written(tmp_path, "c.csv", named[named["shop"] == "b"]), series="shop"
    )


def test_quantiles_are_ordered_by_step_then_target_then_level(tmp_path) -> None:
    path = written(tmp_path, "rows.csv", frame().assign(x=np.arange(60) % 5))
    options = {"targets": ("y", "x"), "quantiles": (0.1, 0.5, 0.9)}
    for metric in ("mae", "wql", "mase"):
        task = prepared(path, metric=metric, **options)
        dataset = task.dataset
        assert (dataset.objective, dataset.quantiles) == (Objective.QUANTILE, (0.1, 0.5, 0.9))
        assert (dataset.signature.outputs, dataset.test.cut().targets.shape[1]) == (12, 4)
        assert dataset.signature.last_values == (0, 0, 0, 1, 1, 1)
        assert all(result.score is not None for result in task.fit_baselines().values())
    points = prepared(path, metric="mae", targets=("y", "x")).fit_baselines()
    medians = prepared(path, metric="mae", **options).fit_baselines()
    assert {name: one.score for name, one in medians.items()} == {
        name: one.score for name, one in points.items()
    }


def test_a_season_that_only_test_forecasts_have_before_them_is_still_a_baseline_of_quantiles(
    tmp_path,
) -> None:
    path = written(tmp_path, "rows.csv", frame())
    options = {"season": 50, "metric": "wql", "quantiles": (0.1, 0.5, 0.9)}
    seasonal = prepared(path, **options).baselines["seasonal naive"]
    assert np.isfinite(seasonal().score)


def test_the_weighted_quantile_loss_of_a_point_forecast_is_its_error_over_the_size_of_targets(
    tmp_path,
) -> None:
    rows = frame().assign(y=lambda all_rows: all_rows["y"] + 50)
    task = prepared(written(tmp_path, "rows.csv", rows), metric="wql", quantiles=(0.5,))
    y, origins = rows["y"].to_numpy(), task.dataset.test.origins
    wanted = y[origins[:, None] + np.arange(2)]
    expected = np.abs(wanted - y[origins - 1, None]).sum() / np.abs(wanted).sum()
    assert task.fit_baselines()["persistence"].score == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("part", "zeros"), [("validation", slice(36, 60)), ("test", slice(48, 60))])
def test_held_out_targets_that_are_all_zero_have_no_weighted_quantile_loss(tmp_path, part, zeros) -> None:
    rows = frame()
    rows.loc[rows.index[zeros], "y"] = 0.0
    path = written(tmp_path, "rows.csv", rows)
    with pytest.raises(
        DataError, match=rf"rows.csv: the targets of the {part} part are all zero.* choose mae"
    ):
        prepared(path, metric="wql", quantiles=(0.5,))
    assert prepared(path, metric="mae", quantiles=(0.5,))


def test_targets_that_never_change_in_training_are_refused_or_named(tmp_path) -> None:
    rows = frame().assign(x=lambda all_rows: np.where(all_rows.index < 40, 1.0, 1.0 + all_rows["y"]))
    path = written(tmp_path, "rows.csv", rows)
    with pytest.raises(
        DataError, match="x never changes in the training part, so that there is nothing to learn"
    ):
        prepared(path, targets=("x",))
    with pytest.raises(DataError, match="mase divides by zero"):
        prepared(path, targets=("x", "y"), metric="mase")
    assert "never changes in the training part: x" in prepared(path, targets=("x", "y")).dataset.remarks


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequency": "hourly"}, "frequency is 'hourly'; must be a step that pandas knows"),
        ({"frequency": "-1D"}, "frequency is '-1D'; must be a step that pandas knows, above zero"),
        ({"known": ("y",)}, "column 'y' is in targets and in known"),
        ({"exclude": ("y",)}, "column 'y' is in targets and in exclude"),
        ({"inputs": ("a",), "exclude": ("a",)}, "column 'a' is in inputs and in exclude"),
        ({"known": ("a", "a")}, "names a column twice"),
        ({"gaps": "mask", "missing": "previous"}, "gaps is mask and missing is previous"),
        ({"gaps": "zero"}, "'refuse', 'fill', 'mask' or 'keep'"),
        ({"missing": "drop"}, "'refuse', 'mask', 'interpolate' or 'previous'"),
        ({"calendar": ("fortnight",)}, "'minute', 'hour', 'weekday', 'day', 'week' or 'month'"),
        ({"quantiles": (0.0, 0.5)}, "levels between 0 and 1, ascending"),
        ({"quantiles": (0.5, 1.0)}, "levels between 0 and 1, ascending"),
        ({"quantiles": (0.5, 0.1)}, "sort them and name each once"),
        ({"quantiles": (0.5, 0.5)}, "sort them and name each once"),
        ({"quantiles": (0.1, 0.9)}, "have no 0.5, which is the point forecast; add it"),
        ({"metric": "wql"}, "metric is wql, which judges quantiles"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message) -> None:
    with pytest.raises(ValidationError, match=message):
        ForecastOptions(path="series.csv", **{"targets": ("y",), **options})


@pytest.mark.parametrize("names", [("s1", "s2"), (2, 1)])
def test_stacked_series_without_times_are_refused_until_an_option_says_what_their_names_are(
    tmp_path, names
) -> None:
    series = [frame().drop(columns="date").assign(site=name) for name in names]
    path = written(tmp_path, "stacked.csv", pd.concat(series))
    with pytest.raises(
        DataError, match="'site' may name the series .* set series to 'site', or list it in exclude"
    ):
        prepared(path)
    assert "2 series, 120 rows in all" in prepared(path, series="site").dataset.remarks
    for said in ({"exclude": ("site",)}, {"inputs": ("y",)}):
        assert "1 series, 120 rows in all" in prepared(path, **said).dataset.remarks
