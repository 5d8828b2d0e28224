"""Tags of tokens from columns, lists and texts."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from evo_nas.data.token_files import TokenRoles, read_tokens
from evo_nas.errors import DataError

SEQUENCES = [(("Anna", "sings"), ["NAME", "VERB"]), (("it", "rains", "#"), ["PRON", "VERB", "SIGN"])]
CONLL = "-DOCSTART- -X- O\n\n" + "\n\n".join(
    "\n".join(f"{token} X {tag}" for token, tag in zip(*sequence, strict=True)) for sequence in SEQUENCES
)
CONLLU = """# text = Anna sings
1\tAnna\tanna\tNAME\t_\t_\t0\troot\t_\t_
2-3\tsingsit\t_\t_\t_\t_\t_\t_\t_\t_
2\tsings\tsing\tVERB\t_\t_\t1\tdep\t_\t_

1\tit\tit\tPRON\t_\t_\t0\troot\t_\t_
2\trains\train\tVERB\t_\t_\t1\tdep\t_\t_
3\t#\t#\tSIGN\t_\t_\t1\tdep\t_\t_

"""
RECORDS = [{"tokens": list(tokens), "ner_tags": tags} for tokens, tags in SEQUENCES]
TEXTS = [{"sentence": " ".join(tokens), "tags": " ".join(tags)} for tokens, tags in SEQUENCES]
WRITERS = {
    "a.conll": lambda path: path.write_text(CONLL),
    "a.txt": lambda path: path.write_text(CONLL.replace("\n", "\r\n")),
    "a.tsv": lambda path: path.write_text(CONLL.replace(" ", "\t")),
    "a.conllu": lambda path: path.write_text(CONLLU),
    "a.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, RECORDS))),
    "b.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, TEXTS))),
    "a.parquet": lambda path: parquet.write_table(pa.Table.from_pylist(RECORDS), path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_tags(name, tmp_path) -> None:
    WRITERS[name](tmp_path / name)
    examples = read_tokens(tmp_path / name, TokenRoles())
    assert list(examples.items) == [tokens for tokens, _ in SEQUENCES]
    assert [label.tolist() for label in examples.labels] == [tags for _, tags in SEQUENCES]
    assert examples.remarks


def test_columns_can_be_named_or_numbered(tmp_path) -> None:
    (tmp_path / "a.conllu").write_text(CONLLU)
    assert read_tokens(tmp_path / "a.conllu", TokenRoles(tokens="LEMMA", tags="DEPREL")).items[0] == (
        "anna",
        "sing",
    )
    (tmp_path / "a.conll").write_text(CONLL)
    assert read_tokens(tmp_path / "a.conll", TokenRoles(tokens="2", tags="1")).items[0] == ("X", "X")


def test_characters_of_a_text_can_be_the_tokens(tmp_path) -> None:
    path = tmp_path / "proteins.jsonl"
    path.write_text(json.dumps({"sequence": "MKVL", "tags": "HHEC"}))
    examples = read_tokens(path, TokenRoles(level="character"))
    assert examples.items == [("M", "K", "V", "L")]
    assert examples.labels[0].tolist() == ["H", "H", "E", "C"]


@pytest.mark.parametrize(
    ("name", "content", "roles", "message"),
    [
        ("a.conll", "a X\nb\n", {}, "line 2 has 1 columns; must have 2, a token and a tag among them"),
        ("a.conll", "a\nb\n", {}, "line 1 has 1 columns; must have 2"),
        ("a.conll", "-DOCSTART- O\n", {}, "no line with a token and a tag"),
        ("a.conll", "a X\n", {"tags": "3"}, "no column '3'; must be one of 1, 2"),
        ("a.conllu", CONLLU, {"tags": "POS"}, "no column 'POS'; must be one of ID, FORM, LEMMA, UPOS"),
        ("a.conll", "\n\n", {}, "is empty; must hold text"),
        (
            "a.jsonl",
            '{"tokens": ["a", "b"], "tags": ["X"]}',
            {},
            "row 1: tokens has 2 tokens and tags 1 tags",
        ),
        (
            "a.jsonl",
            '{"tokens": ["a", null], "tags": ["X", "Y"]}',
            {},
            "row 1, column 'tokens': the value is missing",
        ),
        ("a.jsonl", '{"tokens": [], "tags": []}', {}, "row 1, column 'tokens': the value is missing"),
        (
            "a.jsonl",
            '{"words": ["a"], "tags": ["X"]}',
            {"tokens": "word"},
            "no column 'word'; did you mean 'words'",
        ),
    ],
)
def test_what_is_no_tagged_sequence_is_one_clear_error(name, content, roles, message, tmp_path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read_tokens(tmp_path / name, TokenRoles(**roles))
