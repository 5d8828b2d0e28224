"""What is wrong with a CSV file is said with its row and column."""

from __future__ import annotations

import pandas as pd
import pytest

from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "series.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_numbers_are_read_in_any_notation(write) -> None:
    path = write(b'\xef\xbb\xbfdate,"a, b", c \n2016-07-01,1,  -2.5e3 \r\n2016-07-02,.5,+3\n\n')
    table = read_table(path)
    assert table.numeric_columns() == ["a, b", " c "]
    assert table.numbers("a, b").tolist() == [1.0, 0.5]
    assert table.numbers(" c ").tolist() == [-2500.0, 3.0]


def test_integers_may_turn_into_fractions_far_down(write) -> None:
    rows = 300_000
    table = read_table(write("a\n" + "1\n" * rows + "2.5\n"))
    assert table.numbers("a")[-1] == 2.5
    assert len(table.numbers("a")) == rows + 1


def test_another_delimiter_is_possible(write) -> None:
    assert read_table(write("a;b\n1;2\n"), delimiter=";").numbers("b").tolist() == [2.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; must hold a row of column names"),
        ("1,2\n3,4\n", "starts with numbers, 1,2; its first row must name the columns"),
        ("a,b,a\n1,2,3\n", "repeated column names, the first 'a'; rename"),
        ("a,b\n1,2\n3\n", "row 3 has 1 values; must have 2, as many as there are column names"),
        (b"a,b\n1,2\n\xff\xfe,4\n", "UTF-8"),
        (b"\xff\xfea\x00,\x00", "is UTF-16 text, not UTF-8; save it in UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_refused(write, content, message) -> None:
    with pytest.raises(DataError, match=message):
        read_table(write(content))


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be read: No such file or directory"):
        read_table(tmp_path / "nowhere.csv")


def test_a_directory_is_not_a_file(tmp_path) -> None:
    with pytest.raises(DataError, match="Is a directory"):
        read_table(tmp_path)


def test_a_header_alone_has_no_row(write) -> None:
    with pytest.raises(DataError, match="has no row of values; must hold at least one"):
        read_table(write("a,b\n"))


FRAME = pd.DataFrame({"a": [0.5, 0.25], "b": ["x", "y"]}, index=[7, 3])


@pytest.mark.parametrize(
    ("frame", "index"),
    [
        (FRAME, "__index_level_0__"),
        (FRAME.rename_axis("day"), "day"),
        (FRAME.reset_index(drop=True), None),
        (FRAME.set_index("b"), "b"),
    ],
)
def test_the_index_of_pandas_in_parquet_is_no_column_of_numbers(frame, index, tmp_path) -> None:
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.index_columns == (() if index is None else (index,))
    assert table.numeric_columns() == ["a"]


@pytest.mark.parametrize("again", [False, True])
def test_a_column_of_csv_without_a_name_is_an_index(again, tmp_path) -> None:
    path = tmp_path / "a.csv"
    FRAME.to_csv(path)
    if again:
        pd.read_csv(path).to_csv(path, index=False)
    table = read_table(path)
    assert table.index_columns == (("Unnamed: 0",) if again else ("",))
    assert table.numeric_columns() == ["a"]
    assert table.numbers(table.index_columns[0]).tolist() == [7, 3]


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_a_text_that_is_damaged_is_refused_and_never_looked_at(tmp_path, suffix) -> None:
    path = tmp_path / f"a.{suffix}"
    frame = pd.DataFrame({"day": ["2024-01-01", "2024-01-02"], "x": [1, 2]})
    if suffix == "parquet":
        frame.to_parquet(path, compression=None)
    else:
        frame.to_feather(path, compression="uncompressed")
    path.write_bytes(path.read_bytes().replace(b"2024-01-02", b"20\x824-01-02"))
    with pytest.raises(DataError, match=f"a.{suffix} cannot be read as {suffix.upper()}: .*UTF-?8"):
        read_table(path)


@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd"])
def test_a_column_that_cannot_be_unpacked_is_a_damage_of_the_file(tmp_path, compression) -> None:
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"x": [f"{number} in words" for number in range(500)]})
    frame.to_parquet(path, compression=compression)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * 900 + content[1000:])
    with pytest.raises(DataError, match=r"a\.parquet cannot be read as PARQUET: .*; mend the file"):
        read_table(path)


@pytest.mark.parametrize("name", ["a.csv", "a.arff", "a.xlsx", "a.npy", "a.parquet", "a.json", "a.jsonl.gz"])
def test_a_missing_file_of_any_format_is_said_to_be_missing(tmp_path, name) -> None:
    with pytest.raises(DataError, match=f"{name} cannot be read: No such file or directory; check the path"):
        read_table(tmp_path / name)
