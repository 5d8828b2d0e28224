"""Texts from FASTA, plain text and tables."""

from __future__ import annotations

import pytest

from evo_nas.data.table_files import read_table
from evo_nas.data.text_files import TextRoles, lines_of, read_text, read_texts
from evo_nas.errors import DataError


def test_fasta_joins_lines_and_takes_its_label_from_outside(tmp_path) -> None:
    path = tmp_path / "a.fa"
    path.write_text(">one some words\nACGT\nac\n>\nTT\n")
    examples = read_texts(path, TextRoles(), label="yes")
    assert examples.items == ["ACGTAC", "TT"]
    assert examples.labels == ["yes", "yes"]
    with pytest.raises(DataError, match="has no labels; list a file for each class in `classes`"):
        read_texts(path, TextRoles())


def test_plain_text_has_its_label_first_and_only_newlines_end_lines(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("dry the sun\x85 shines\nwet rain\r\n\n".encode("latin-1"))
    examples = read_texts(path, TextRoles(encoding="latin-1"))
    assert examples.items == ["the sun\x85 shines", "rain"]
    assert examples.labels == ["dry", "wet"]


def test_texts_come_from_the_columns_of_a_table(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"label": 1, "sentence": "the sun"}\n{"label": 0, "sentence": "rain"}\n')
    examples = read_texts(path, TextRoles())
    assert examples.items == ["the sun", "rain"]
    assert examples.labels == ["1", "0"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ACGT\n", "does not begin with >; must be FASTA"),
        (">one\n>two\nAC\n", "record 1 has no sequence; mend"),
    ],
)
def test_what_is_no_fasta_is_refused(content, message, tmp_path) -> None:
    path = tmp_path / "a.fa"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_texts(path, TextRoles(), label="yes")


def test_lines_of_one_class_are_texts_as_a_whole(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("the sun\n\nrain\n")
    examples = read_texts(path, TextRoles(), label="weather")
    assert examples.items == ["the sun", "rain"]
    assert examples.labels == ["weather"] * 2


def test_rows_without_a_text_are_empty_lines(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("number,text\n1,one\n2,\n3,three\n")
    assert lines_of(read_table(path), None) == "one\n\nthree\n"


def test_a_mark_of_the_order_of_bytes_is_no_text(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    assert read_text(path, "utf-8") == "one\ntwo"


def test_a_missing_text_is_named(tmp_path) -> None:
    with pytest.raises(
        DataError, match=r"nowhere\.txt cannot be read: No such file or directory; check the path"
    ):
        read_text(tmp_path / "nowhere.txt", "utf-8")
