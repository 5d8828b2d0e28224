"""ARFF in full, as Weka and the UEA archive write it."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.data.columns import Roles
from evo_nas.data.sequence_files import read_sequences
from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError

HEAD = r"""% a comment
@RELATION 'some shapes'

@attribute 'first value' NUMERIC   % in metres
@attribute "it's" real
@attribute kind {plain, 'two words', "it's"}
@attribute day date "yyyy-MM-dd"
@attribute note string
@DATA
"""


@pytest.fixture
def read(tmp_path):
    def read(content: str):
        path = tmp_path / "a.arff"
        path.write_text(content, encoding="utf-8")
        return read_table(path)

    return read


def columns(table) -> dict[str, list[object]]:
    return {name: values.to_pylist() for name, values in table.columns.items()}


def test_quotes_blanks_comments_and_missing_values_are_read(read) -> None:
    table = read(
        HEAD
        + r"""1, 2.5 ,'two words', "2020-01-10", 'a, \'b\''
% between
?,?,?,?,?

3,4,"it's",2020-01-11,'?', {2.0}
"""
    )
    assert columns(table) == {
        "first value": ["1", None, "3"],
        "it's": ["2.5", None, "4"],
        "kind": ["two words", None, "it's"],
        "day": ["2020-01-10", None, "2020-01-11"],
        "note": ["a, 'b'", None, "?"],
    }
    assert [table.row_number(row) for row in range(3)] == [10, 12, 14]


def test_sparse_rows_leave_out_zeros_and_first_values(read) -> None:
    table = read(HEAD + "{0 1, 2 'two words', 3 2020-01-10}\n{}\n")
    assert columns(table) == {
        "first value": ["1", "0"],
        "it's": ["0", "0"],
        "kind": ["two words", "plain"],
        "day": ["2020-01-10", None],
        "note": [None, None],
    }


def test_blanks_may_separate_values(read) -> None:
    table = read("@relation r\n@attribute a numeric\n@attribute b {x,'y z'}\n@data\n1\tx\n2  'y z'\n")
    assert columns(table) == {"a": ["1", "2"], "b": ["x", "y z"]}


def test_a_relational_attribute_is_a_sequence_with_a_feature_in_each_row(tmp_path) -> None:
    path = tmp_path / "uea.arff"
    path.write_text(
        "@relation r\n@attribute pen relational\n  @attribute t0 numeric\n  @attribute t1 numeric\n"
        "  @attribute t2 numeric\n@end pen\n@attribute class {1.0,2.0}\n@data\n"
        r"'1,2,3\n4,5,6',1.0" + "\n" + r'"7,8,?\n0,0,0",2.0' + "\n"
    )
    examples = read_sequences(path, Roles())
    assert np.array_equal(examples.items[0], [[1, 4], [2, 5], [3, 6]])
    assert np.array_equal(examples.items[1], [[7, 0], [8, 0], [np.nan, 0]], equal_nan=True)
    assert examples.labels == ["1.0", "2.0"]


SHORT = "@relation r\n@attribute a numeric\n@attribute b {x,y}\n@data\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no @attribute or no row after @data"),
        (SHORT, "has no @attribute or no row after @data"),
        (SHORT + "1,x,2\n", "line 5 has 3 values; must have 2, one for each @attribute"),
        (SHORT + "1,z\n", "line 5 has 'z' for 'b'; must be one of x, y"),
        (SHORT + "{7 x}\n", "line 5 is not sparse; must hold pairs of a number of an attribute, 0 to 1"),
        (SHORT + "{x 1}\n", "line 5 is not sparse"),
        (SHORT.replace("numeric", "complex"), "line 2 gives 'a' the type 'complex'; must be numeric"),
        (SHORT.replace("@attribute a", "attribute a"), "line 2 is 'attribute a numeric'; must be @relation"),
        (SHORT.replace(" b ", " a ") + "1,x\n", "repeated column names, the first 'a'"),
        (
            "@attribute p relational\n@attribute t numeric\n@end p\n@attribute c {x}\n@data\n'1\\nz',x\n",
            "line 6 has rows of 'p' that are not all numbers",
        ),
    ],
)
def test_what_is_no_arff_is_one_clear_line(content, message, read) -> None:
    with pytest.raises(DataError, match=message):
        read(content)
