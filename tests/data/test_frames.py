"""Frames of pandas, Polars and Arrow become the same sequences, by the names of their columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from evo_nas.data.memory import Reading
from evo_nas.errors import DataError

ROWS = {
    "id": ["b", "b", "a", "b", "a"],
    "x": [1.0, 2.0, 3.0, 4.0, 5.0],
    "n": [10, 20, 30, 40, 50],
    "label": ["up", "up", "down", "up", "down"],
}
WANTED = [[[1, 10], [2, 20], [4, 40]], [[3, 30], [5, 50]]]
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}
LONG = Reading("classification", "id")
EACH = Reading("classification")


@pytest.fixture(params=FRAMES.values(), ids=FRAMES)
def new_frame(request):
    return request.param


def lists(items):
    return [item.tolist() for item in items]


def without(rows, *names):
    return {name: column for name, column in rows.items() if name not in names}


def test_the_rows_of_a_sequence_need_not_follow_each_other(new_frame) -> None:
    read = LONG.pair("train", (new_frame(ROWS), "label"))
    assert lists(read.items) == WANTED
    assert read.targets == ["up", "down"]
    assert read.columns == ("x", "n")


def test_one_frame_for_each_sequence_is_read_by_names(new_frame) -> None:
    first = new_frame({"x": [1.0, 2.0], "n": [10, 20]})
    swapped = new_frame({"n": [30], "x": [3.0]})
    read = EACH.pair("train", ([first, swapped], ["up", "down"]))
    assert lists(read.items) == [[[1, 10], [2, 20]], [[3, 30]]]


def test_without_names_of_sequences_every_row_is_one(new_frame) -> None:
    frame = new_frame({"t1": [1, 2], "t2": [3, 4], "label": ["up", "down"]})
    read = EACH.pair("train", (frame, "label"))
    assert lists(read.items) == [[[1], [3]], [[2], [4]]]


def test_a_step_has_a_class_of_its_own_in_a_labelling(new_frame) -> None:
    frame = new_frame({**ROWS, "label": ["p", "q", "r", "s", "t"]})
    read = Reading("labelling", "id").pair("train", (frame, "label"))
    assert [each.tolist() for each in read.targets] == [["p", "q", "s"], ["r", "t"]]


def test_groups_may_be_a_column(new_frame) -> None:
    frame = new_frame({**ROWS, "person": ["P", "P", "Q", "P", "Q"]})
    read = LONG.pair("train", (frame, "label", "person"))
    assert read.groups == ["P", "Q"]
    assert read.columns == ("x", "n")


def test_a_missing_value_is_a_hole_where_holes_are_allowed(new_frame) -> None:
    frame = new_frame({**ROWS, "x": [1.0, None, 3.0, 4.0, 5.0]})
    reading = LONG._replace(holes=True)
    assert np.isnan(reading.pair("train", (frame, "label")).items[0][1, 0])
    with pytest.raises(DataError, match="input 1 has a missing or infinite value"):
        LONG.pair("train", (frame, "label"))


def test_columns_of_another_part_are_matched_by_name(new_frame) -> None:
    swapped = new_frame({name: ROWS[name] for name in ("label", "n", "id", "x")})
    assert lists(LONG.pair("test", (swapped, "label"), columns=("x", "n")).items) == WANTED


def indexed() -> pd.DataFrame:
    days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-03", "2024-01-02"])
    frame = pd.DataFrame(without(ROWS, "id", "label"))
    return frame.set_index(pd.MultiIndex.from_arrays([ROWS["id"], days], names=["id", "day"]))


def test_the_first_level_of_an_index_names_sequences() -> None:
    assert lists(EACH.pair("train", (indexed(), ["up", "down"])).items) == WANTED


def test_targets_with_an_index_are_matched_with_the_names_of_sequences() -> None:
    targets = pd.Series(["down", "up"], index=["a", "b"])
    assert list(EACH.pair("train", (indexed(), targets)).targets) == ["up", "down"]


@pytest.mark.parametrize(
    "targets",
    [
        pl.Series(["up", "down"]),
        pa.chunked_array([["up"], ["down"]]),
        pd.Series(["up", "down"]),
        pd.DataFrame({"label": ["up", "down"]}),
        pl.DataFrame({"label": ["up", "down"]}),
    ],
)
def test_targets_may_be_a_series_of_any_kind(targets) -> None:
    frames = [pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"x": [3.0]})]
    assert list(EACH.pair("train", (frames, targets)).targets) == ["up", "down"]


def test_several_numbers_for_each_sequence_may_be_a_frame() -> None:
    frames = [pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"x": [3.0]})]
    read = Reading("regression").pair("train", (frames, pd.DataFrame({"y": [1, 2], "z": [3, 4]})))
    assert lists(read.targets) == [[1, 3], [2, 4]]


FRAME = pd.DataFrame(ROWS)
UNSORTED = indexed().iloc[[1, 0, 2, 3, 4]]
DATED = pd.DataFrame({"x": [1.0, 2.0]}, index=pd.to_datetime(["2024-01-02", "2024-01-01"]))


@pytest.mark.parametrize(
    ("reading", "pair", "message"),
    [
        (LONG, (FRAME, "lable"), "train inputs has no column 'lable'; did you mean 'label'?"),
        (Reading("classification", "i"), (FRAME, "label"), "train inputs has no column 'i'"),
        (
            LONG,
            (FRAME.assign(city=["x"] * 5), "label"),
            "column 'city' holds string; must hold numbers: leave it out",
        ),
        (
            LONG,
            (FRAME.assign(day=pd.to_datetime("2024-01-01")), "label"),
            r"column 'day' holds timestamp\[ns\]",
        ),
        (LONG, (FRAME.assign(x=["a", 1, 2, 3, 4]), "label"), "train inputs cannot be read: .* one type"),
        (LONG, (FRAME.assign(label=list("abcde")), "label"), "sequence 'b' has several values"),
        (LONG, (FRAME.assign(id=["b", None, "a", "b", "a"]), "label"), "row 2: the name of the sequence is"),
        (LONG, (FRAME.iloc[:0], "label"), "train inputs has 0 rows"),
        (LONG, (FRAME[["id", "label"]], "label"), "train inputs has no column of numbers"),
        (EACH, (np.ones((2, 3, 1)), "label"), "train targets is 'label'; .* only a frame has columns"),
        (LONG, (np.ones((2, 3, 1)), [0, 1]), "train inputs is no frame; .* which `sequence` names"),
        (EACH, ([FRAME[["x"]], FRAME[["n"]]], [0, 1]), "train inputs 2 has no column 'x'"),
        (EACH, ([FRAME[["x"]], FRAME[["x", "n"]]], [0, 1]), "train inputs 2 has the column 'n'; must have"),
        (EACH, (UNSORTED, [0, 1]), r"the rows of sequence 'b' are not in the order of time; sort_index\(\)"),
        (EACH, ([DATED], [0]), "train inputs 1: the rows are not in the order of time"),
        (
            EACH,
            (indexed(), pd.Series([0, 1], index=["a", "c"])),
            "train targets have an index that does not name the sequences",
        ),
        (LONG, (FRAME.assign(label=[None] * 5), "label"), "train, target 1 is missing; every sequence must"),
        (EACH, ({"x": [1, 2]}, [0]), "train inputs is {'x': .* must be an array, a list or a frame"),
        (
            EACH,
            (np.array([["2024-01-01"]] * 2, dtype="datetime64[D]"), [0, 1]),
            r"train, input 1 is no array of numbers: it has the type datetime64\[D\]",
        ),
        (EACH, ([["1.5", "2.5"]], [0]), "train, input 1 is no array of numbers: it has the type <U3"),
        (EACH, (np.array([[1.0, None]], dtype=object), [0]), "it has the type object; .* with NaN for a"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_error(reading, pair, message) -> None:
    with pytest.raises(DataError, match=message) as refused:
        reading.pair("train", pair)
    assert "\n" not in str(refused.value)
