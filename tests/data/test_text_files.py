"""Texts from FASTA, plain text and tables."""

from __future__ import annotations

import gzip

import pytest

from evo_nas.config import checked
from evo_nas.data.table_files import read_table
from evo_nas.data.text_files import Corpus, TextReader, TextRoles, joined_texts, lines_of, read_text
from evo_nas.errors import ConfigError, DataError
from evo_nas.tasks.language_model import LanguageModelOptions
from evo_nas.tasks.tagging import TaggingOptions
from evo_nas.tasks.text_classification import TextOptions


def test_fasta_joins_lines_and_takes_its_label_from_outside(tmp_path) -> None:
    path = tmp_path / "a.fa"
    path.write_text(">one some words\nACGT\nac\n>\nTT\n")
    examples = TextReader(TextRoles()).read(path, "yes")
    assert examples.items == ["ACGTAC", "TT"]
    assert examples.labels == ["yes", "yes"]
    with pytest.raises(DataError, match="has no labels; list a file for each class in `classes`"):
        TextReader(TextRoles()).read(path)


def test_plain_text_has_its_label_first_and_only_newlines_end_lines(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("dry the sun\x85 shines\nwet rain\r\n\n".encode("latin-1"))
    examples = TextReader(TextRoles(encoding="latin-1")).read(path)
    assert examples.items == ["the sun\x85 shines", "rain"]
    assert examples.labels == ["dry", "wet"]


def test_texts_come_from_the_columns_of_a_table(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"label": 1, "sentence": "the sun"}\n{"label": 0, "sentence": "rain"}\n')
    examples = TextReader(TextRoles()).read(path)
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
        TextReader(TextRoles()).read(path, "yes")


def test_lines_of_one_class_are_texts_as_a_whole(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("the sun\n\nrain\n")
    examples = TextReader(TextRoles()).read(path, "weather")
    assert examples.items == ["the sun", "rain"]
    assert examples.labels == ["weather"] * 2


def test_rows_without_a_text_are_empty_lines(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("number,text\n1,one\n2,\n3,three\n")
    assert lines_of(read_table(path), None).text == "one\n\nthree\n"


def test_a_mark_of_the_order_of_bytes_is_no_text(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    assert read_text(path, "utf-8") == "one\ntwo"


def test_a_missing_text_is_named(tmp_path) -> None:
    with pytest.raises(
        DataError, match=r"nowhere\.txt cannot be read: No such file or directory; check the path"
    ):
        read_text(tmp_path / "nowhere.txt", "utf-8")


@pytest.mark.parametrize("suffix", [".txt", ".fa", ".csv"])
def test_every_kind_of_text_may_be_packed(suffix, tmp_path) -> None:
    contents = {".txt": "one\ntwo\n", ".fa": ">x\nONE\n>y\nTWO\n", ".csv": "text,label\none,a\ntwo,b\n"}
    path = tmp_path / f"a{suffix}.gz"
    path.write_bytes(gzip.compress(contents[suffix].encode()))
    assert [text.lower() for text in TextReader(TextRoles()).read(path, "yes").items] == ["one", "two"]


def test_files_are_joined_at_ends_of_lines_and_that_is_said(tmp_path) -> None:
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for path, content in zip(paths, ["one\ntwo", "three\n", "four"], strict=True):
        path.write_text(content)
    corpus = joined_texts(paths, "utf-8")
    assert corpus.text == "one\ntwo\nthree\nfour"
    assert corpus.remarks == ("a.txt: the last line has no end; one is put before the next file",)
    assert joined_texts(paths[1:], "utf-8").remarks == ()
    assert joined_texts(paths[:1], "utf-8") == Corpus("one\ntwo")


@pytest.mark.parametrize("name", ["latim", "base64", "\t", "", "\0"])
@pytest.mark.parametrize("options", [LanguageModelOptions, TaggingOptions, TextOptions])
def test_a_name_that_is_no_encoding_is_refused_before_anything_is_read(options, name: str) -> None:
    with pytest.raises(ConfigError, match="task.encoding.*must be a text encoding, such as utf-8"):
        checked(options, {"path": "nowhere.txt", "encoding": name}, at="task")


def test_rows_of_tables_and_records_of_fasta_are_lines_of_a_joined_text(tmp_path) -> None:
    contents = {
        "a.txt": "one",
        "b.jsonl": '{"id": 1, "text": "two"}\n{"id": 2, "text": "three"}\n',
        "c.fa": ">x\nac\ngt\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    corpus = joined_texts([tmp_path / name for name in contents], "utf-8")
    assert corpus.text == "one\ntwo\nthree\nACGT\n"
    assert corpus.remarks == (
        f"{tmp_path / 'b.jsonl'}: column text is the text; not read: id",
        "FASTA, letters are upper case; its headers are not read",
        "a.txt: the last line has no end; one is put before the next file",
    )
    with pytest.raises(DataError, match="no column 'id '; did you mean 'id'"):
        joined_texts([tmp_path / "b.jsonl"], "utf-8", column="id ")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_system_end_lines(end, tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(end.join(["dry sun", "wet rain", ""]).encode())
    assert TextReader(TextRoles()).read(path).items == ["sun", "rain"]
    table = tmp_path / "a.csv"
    table.write_bytes(end.join(["text,label", '"a sun",dry', '"a rain",wet', ""]).encode())
    assert read_table(table).texts("text") == ["a sun", "a rain"]
