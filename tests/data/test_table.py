"""An unusable value of a table is reported with its row and column."""

from __future__ import annotations

import pyarrow as pa
import pytest

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
