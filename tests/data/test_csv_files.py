"""What a CSV file holds is what is read: blank lines, quotes, long lines, other delimiters."""

from __future__ import annotations

import re

import numpy as np
import pytest

from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError


@pytest.fixture
def read(tmp_path):
    def read(content: str, **how):
        path = tmp_path / "rows.csv"
        path.write_bytes(content.encode())
        return read_table(path, **how)

    return read


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_blank_line_in_the_only_column_is_a_hole(end, read) -> None:
    table = read(end.join(["a", "1", "", "3", "", "", "6", ""]))
    values = table.numbers("a", holes=True)
    assert np.array_equal(values, [1, np.nan, 3, np.nan, np.nan, 6], equal_nan=True)
    with pytest.raises(DataError, match="row 3, column 'a': the value is missing"):
        table.numbers("a")


def test_blank_lines_at_the_end_of_the_only_column_are_said(read) -> None:
    table = read("a\n1\n2\n\n\n")
    assert len(table) == 2
    assert table.remarks == ("rows.csv: 2 blank lines at the end are not read",)


def test_blank_lines_among_several_columns_are_said_and_counted_as_rows(read) -> None:
    table = read('\na,b\n1,"x\n\ny"\n\n3,z\n\n\nw,z\n\n')
    assert table.texts("b") == ["x\n\ny", "z", "z"]
    assert table.remarks == ("rows.csv: 3 blank lines are not read, the first is row 4",)
    with pytest.raises(DataError, match="row 8, column 'a' is 'w'"):
        table.numbers("a")


def test_a_row_of_another_width_is_named_past_blank_lines(read) -> None:
    with pytest.raises(DataError, match="row 5 has 3 values; must have 2"):
        read("a,b\n1,2\n\n3,4\n5,6,7\n")
    with pytest.raises(DataError, match="row 7 has 3 values"):
        read("\n\na,b\n1,2\n\n3,4\n5,6,7\n")


@pytest.mark.parametrize(
    "content",
    ['a,b\n1,"x\n2,y\n3,z\n', 'a,b\n1,"x\n2,"y"\n3,z\n', '"a,b\n1,2\n', 'a,b\n1,"x" y\n', 'a,b\n1,"x'],
)
def test_a_quote_without_an_end_swallows_no_rows(content, read) -> None:
    with pytest.raises(DataError, match="line [1-4] cannot be read as CSV: .*; are all quotes closed"):
        read(content)


def test_quotes_within_a_cell_are_text(read) -> None:
    assert read('a,b\n1,5" pipe\n2,"a ""b"", c"\n').texts("b") == ['5" pipe', 'a "b", c']


def test_a_header_and_a_cell_may_be_longer_than_a_block(read) -> None:
    names = [f"column_{number}_{'of many ' * 30}" for number in range(5_000)]
    header = ",".join(names)
    assert len(header) > 2**20
    table = read(header + "\n" + ",".join(["1"] * len(names)) + "\n")
    assert len(table.columns) == len(names)
    longest = "word " * 500_000 + "end"
    assert read(f'a,b\n1,"{longest}"\n2,short\n').texts("b") == [longest, "short"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_found_and_said(delimiter, read) -> None:
    table = read(f"a{delimiter}b\n1{delimiter}2,5\n")
    assert table.texts("b") == ["2,5"]
    assert table.remarks == (f"rows.csv: columns are separated by {delimiter!r}",)


@pytest.mark.parametrize("header", ["text; and more", '"a;b"'])
def test_a_delimiter_in_a_single_name_separates_nothing(header, read) -> None:
    assert list(read(f"{header}\none\ntwo\n").columns) == [header.strip('"')]


@pytest.mark.parametrize("header", ["0.3,0.1,up", "5,1,7,up", "1,2", "0.25,up,0.5", "7"])
def test_a_file_without_names_is_refused(header, read) -> None:
    with pytest.raises(DataError, match=f"starts with numbers, {re.escape(header)}; its first row must name"):
        read(f"{header}\n{header}\n")


@pytest.mark.parametrize(
    "header", ["0,1,2,label", "country,1990,2000,2010", "label,400.5,401.5,402.5", "x1,2"]
)
def test_numbers_in_order_are_names(header, read) -> None:
    values = ",".join("1" for _ in header.split(","))
    assert list(read(f"{header}\n{values}\n").columns) == header.split(",")


def test_quotes_that_do_not_fit_are_characters_between_tabs(tmp_path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"Stop\t1\n"Go", he said\t0\n""\t1\n')
    table = read_table(path)
    assert table.texts("text") == ['"Stop', '"Go", he said', '""']
    assert table.remarks == ("a.tsv: quotes enclose no cells, but are characters like others",)
    path.write_text('text\tlabel\n"Stop\there"\t1\n')
    assert read_table(path).texts("text") == ["Stop\there"]
