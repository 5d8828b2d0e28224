"""The formats of the archives of time series in full."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from evo_nas.data.columns import Roles
from evo_nas.data.sequence_files import read_sequences
from evo_nas.data.ts_files import read_ts
from evo_nas.errors import DataError

HEAD = """# a comment

@problemName shapes
@timeStamps {stamps}
@missing true
@univariate false
@dimensions 2
@equalLength false
@classLabel {classes}
@data
"""


@pytest.fixture
def read(tmp_path):
    def read(lines: str, *, stamps: str = "false", classes: str = "true walking stair-climbing"):
        path = tmp_path / "a.ts"
        path.write_text(HEAD.format(stamps=stamps, classes=classes) + lines)
        return read_ts(path)

    return read


def test_lengths_may_differ_and_values_be_missing(read) -> None:
    examples = read("1, 2,?:4,NaN,6 : walking\r\n\n# between\n1e-1:.5:stair-climbing\n")
    assert np.array_equal(examples.items[0], [[1, 4], [2, np.nan], [np.nan, 6]], equal_nan=True)
    assert examples.items[1].tolist() == [[0.1, 0.5]]
    assert list(examples.labels) == ["walking", "stair-climbing"]
    assert examples.missing == {"values": 2}
    assert examples.where[1] == f"{examples.source}, line 14"


@pytest.mark.parametrize("stamps", [("0", "1.5"), ("2020-01-01 00:00:00", "2020-01-01 01:30:00")])
def test_time_stamps_are_left_out_and_that_is_said(stamps, read) -> None:
    before, after = stamps
    examples = read(f"({before},1),({after},?):({before},3),({after},4):walking\n", stamps="true")
    assert np.array_equal(examples.items[0], [[1, 3], [np.nan, 4]], equal_nan=True)
    assert any("time stamps are not read" in remark for remark in examples.remarks)


def test_target_labels_are_numbers_as_text(read) -> None:
    assert read("1:2:0.75\n", classes="false\n@targetLabel true").labels == ("0.75",)


@pytest.mark.parametrize(
    ("line", "options", "message"),
    [
        ("1,2:3,4", {}, "line 11 ends in '3,4'; must end in a label: stair-climbing, walking"),
        ("1,2:3,4:running", {}, "line 11 ends in 'running'"),
        ("1,2:walking", {}, "line 11 has 1 dimensions and the label 'walking'; must have 2"),
        ("1,2:3:walking", {}, "line 11 has dimensions of different lengths"),
        ("1,x:3,4:walking", {}, "line 11: value 2 is 'x'; must be a finite number"),
        ("1,1_0:3,4:walking", {}, "line 11: value 2 is '1_0'"),
        ("1,inf:3,4:walking", {}, "line 11: value 2 is 'inf'"),
        ("1,1e39:3,4:walking", {}, "line 11: value 2 is '1e39'; must be a finite number, at most 3.4e"),
        ("1,2:3,4:walking", {"stamps": "true"}, r"line 11 must have \(time stamp,value\) pairs"),
        (
            "(0,1),(1,2):(0,3),(2,4):walking",
            {"stamps": "true"},
            "with the same time stamps in every dimension",
        ),
        ("(1,1),(0,2):(1,3),(0,4):walking", {"stamps": "true"}, "line 11 has time stamps that do not rise"),
        ("", {}, "is empty; must hold one sequence in each line"),
        ("1:2:x", {"classes": "false"}, "has no class labels and no target labels"),
    ],
)
def test_a_malformed_line_is_pointed_at(line, options, message, read) -> None:
    with pytest.raises(DataError, match=message):
        read(line, **options)


def test_a_table_of_ucr_has_labels_first_and_no_names(tmp_path) -> None:
    content = "1\t0.5\t-1e-3\t2\n-1\t1\tNaN\t3\n2\t4\t5\tNaN\n"
    (tmp_path / "a.tsv").write_text(content)
    (tmp_path / "b.tsv.gz").write_bytes(gzip.compress(content.encode()))
    for name in ("a.tsv", "b.tsv.gz"):
        examples = read_sequences(tmp_path / name, Roles())
        assert list(examples.labels) == ["1", "-1", "2"]
        assert [len(item) for item in examples.items] == [3, 3, 2]
        assert np.array_equal(examples.items[1], [[1], [np.nan], [3]], equal_nan=True)
        assert examples.missing == {"values": 1}
        assert any("its first value the label" in remark for remark in examples.remarks)
        assert examples.where[2].endswith("row 3")


def test_a_table_with_names_is_none_of_ucr(tmp_path) -> None:
    (tmp_path / "a.tsv").write_text("label\t1\t2\n3\t0.5\t0.25\n4\t1\t2\n")
    assert read_sequences(tmp_path / "a.tsv", Roles()).labels == ["3", "4"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\t2\t3\n1\tx\t3\n", "row 2, column '1' is 'x'; must be a finite number"),
        ("1\t2\t3\n1\t2\n", "row 2 has 2 values; must have 3"),
        ("1\t2\t3\n\t2\t3\n", "row 2, column 'label': the value is missing"),
    ],
)
def test_a_malformed_row_of_ucr_is_pointed_at(content, message, tmp_path) -> None:
    (tmp_path / "a.tsv").write_text(content)
    with pytest.raises(DataError, match=message):
        read_sequences(tmp_path / "a.tsv", Roles())
