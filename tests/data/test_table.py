"""An unusable value of a table is reported with its row and column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.data.numerals import MISSING_MARKS, ColumnKind, is_number, read_numerals
from evo_nas.data.table import Table, trimmed
from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError


@pytest.fixture
def write(tmp_path):
    def write(content: str):
        path = tmp_path / "series.csv"
        path.write_text(content)
        return path

    return write


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("broken", r"row 3, column 'b' is 'broken'; must be a finite number"),
        ("1.5.2", r"row 3, column 'b' is '1\.5\.2'; must be a finite number"),
        ("1_000", r"row 3, column 'b' is '1_000'; must be a finite number"),
        ("\u0663", r"row 3, column 'b' is '\u0663'; must be a finite number"),
        ("0x1A", r"row 3, column 'b' is '0x1A'; must be a finite number"),
        ("1e39", r"row 3, column 'b' is '1e39'; must be a finite number .* at most 3\.4e\+38"),
        ("-3.4028235e+38", r"row 3, column 'b' is '-3\.4028235e\+38'; must be a finite number"),
        ("nan(5)", r"row 3, column 'b' is 'nan\(5\)'; must be a finite number"),
        ("inf", r"row 3, column 'b' is 'inf'; must be a finite number"),
        ("-1e999", r"row 3, column 'b' is '-1e999'; must be a finite number"),
        ("", r"row 3, column 'b': the value is missing; .* fill it in, drop the row"),
        ("NA", r"row 3, column 'b': the value is missing"),
        ("nan", r"row 3, column 'b': the value is missing"),
    ],
)
def test_the_first_unusable_value_is_pointed_at(write, value, message) -> None:
    table = read_table(write(f"a,b\n1,2\n3,{value}\n5,worse\n"))
    assert table.numbers("a").tolist() == [1, 3, 5]
    with pytest.raises(DataError, match=message):
        table.numbers("b")


@given(
    st.from_regex(r"[+\-]?[0-9_.eExXa-fINnity()\u0663\u0967]{1,8}", fullmatch=True)
    | st.floats().map(repr)
    | st.text(max_size=6)
)
def test_a_column_holds_numbers_where_each_cell_spells_one(text) -> None:
    column = pa.array([text, "1"])
    spelled = read_numerals(column)
    is_infinite = text.lower().lstrip("+-") in {"inf", "infinity"}
    assert (not spelled.is_wrong[0] and not spelled.is_missing[0]) == (is_number(text) or is_infinite)
    assert spelled.is_missing[0] == (text.lower() in MISSING_MARKS)


@pytest.mark.parametrize("mark", ["", '""', "NA", "n/a", "NaN", "null", "-", "?", "None"])
def test_marks_of_a_missing_value_are_holes_among_numbers(write, mark) -> None:
    table = read_table(write(f"a,b\n1,x\n{mark},y\n"))
    assert table.kind_of("a") == ColumnKind("numeric")
    assert table.missing() == {"a": 1, "b": 0}
    assert np.isnan(table.numbers("a", holes=True)).tolist() == [False, True]
    assert np.isnan(table.matrix(["a"], holes=True)).tolist() == [[False], [True]]
    with pytest.raises(DataError, match="row 3, column 'a': the value is missing"):
        table.numbers("a")


@pytest.mark.parametrize("word", ["NA", '"NA"', "null", "NaN", "-", "?"])
def test_marks_of_a_missing_number_are_words_among_words(write, word) -> None:
    table = read_table(write(f"a,b\n1,ZA\n2,{word}\n"))
    assert table.texts("b") == ["ZA", word.strip('"')]
    assert table.missing() == {"a": 0, "b": 0}


def test_an_empty_cell_is_missing_among_words_and_an_empty_text_in_quotes_is_not(write) -> None:
    table = read_table(write('a,b\n1,x\n2,\n3,""\n4,  \n'))
    assert table.missing() == {"a": 0, "b": 2}


@pytest.mark.parametrize("value", ["broken", "inf", "1e39"])
def test_holes_let_nothing_else_through(write, value) -> None:
    with pytest.raises(DataError, match=f"row 4, column 'a' is '{value}'"):
        read_table(write(f"a,b\n1,x\n,x\n{value},y\n")).numbers("a", holes=True)


def test_a_column_of_numbers_and_words_tells_where_the_first_word_is(write) -> None:
    table = read_table(write("a,b,c,d\n1,x,,n/d\n,2,,1\nx,NA,,2\n"))
    kinds = {name: table.kind_of(name) for name in table.columns}
    assert kinds == {
        "a": ColumnKind("mixed", 1, 2),
        "b": ColumnKind("mixed", 1, 0),
        "c": ColumnKind("empty"),
        "d": ColumnKind("mixed", 1, 0),
    }
    assert table.numeric_columns() == []


def test_whole_numbers_too_large_for_float64_are_rounded() -> None:
    assert table(a=[2**60 + 1, None]).numbers("a", holes=True)[0] == 2.0**60


def test_a_hole_in_the_first_row_does_not_hide_a_numeric_column(write) -> None:
    assert read_table(write("a,b\n,x\n1,y\n")).numeric_columns() == ["a"]


def test_an_unknown_column_is_told_the_nearest_name(write) -> None:
    with pytest.raises(DataError, match="no column 'OTT'; did you mean 'OT'"):
        read_table(write("HUFL,OT\n1,2\n")).numbers("OTT")


def table(**columns: list[object]) -> Table:
    return Table("rows", {name: pa.chunked_array([pa.array(values)]) for name, values in columns.items()})


def test_columns_side_by_side_are_in_the_order_asked_for() -> None:
    assert table(a=[1, 2], b=["3", "4"]).matrix(["b", "a"]).tolist() == [[3, 1], [4, 2]]


def test_missing_values_are_counted_by_column() -> None:
    assert table(a=[1.0, None, float("nan")], b=["x", "y", None]).missing() == {"a": 2, "b": 1}


def test_a_missing_text_is_refused_or_empty() -> None:
    rows = table(a=["x", None])
    assert rows.texts("a", empty=True) == ["x", ""]
    with pytest.raises(DataError, match="rows, row 2, column 'a': the value is missing"):
        rows.texts("a")


def test_only_lists_are_read_as_lists() -> None:
    rows = table(a=[[1], [2, 3]], b=[1, 2])
    assert rows.list_columns() == ["a"]
    assert rows.lists("a") == [[1], [2, 3]]
    with pytest.raises(DataError, match="column 'b' has int64 values; every row must have a list"):
        rows.lists("b")


def test_truth_values_and_lists_are_no_numbers() -> None:
    assert table(a=[True], b=[[1]], c=[1]).numeric_columns() == ["c"]


def test_texts_lose_the_blanks_around_them() -> None:
    assert trimmed(pa.chunked_array([pa.array([" a ", "b"])])).to_pylist() == ["a", "b"]


def test_the_numbers_of_all_rows_are_those_of_each() -> None:
    table = Table(
        "a.csv", {"a": pa.chunked_array([["x", "y", "z", "w"]])}, first_row=2, skipped_rows=(3, 4, 7)
    )
    assert list(table.row_numbers()) == [table.row_number(row) for row in range(4)] == [2, 5, 6, 8]


def test_records_are_no_words_and_no_text() -> None:
    rows = table(a=[{"x": 1}, {"x": 2}], b=[[1], [2]])
    assert rows.kind_of("a") == ColumnKind("lists")
    for name in ("a", "b"):
        with pytest.raises(DataError, match=f"column '{name}' holds lists or records; must have one value"):
            rows.texts(name)


def test_only_the_first_of_many_columns_that_are_not_read_are_named() -> None:
    names = [f"c{number}" for number in range(30)]
    table = Table("a.csv", {name: pa.chunked_array([[1]]) for name in ["x", "", *names]})
    assert table.further(("x", "", *names)) == ()
    assert table.further({"x", *names[1:]}) == ("a.csv also has a column without a name, c0, not read",)
    listed = ", ".join(["a column without a name", *names[:9]])
    assert table.further({"x"}) == (f"a.csv also has {listed} and 21 more, not read",)
