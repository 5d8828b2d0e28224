"""Tags of tokens from columns, lists and texts."""

from __future__ import annotations

import json
import lzma

import pyarrow as pa
import pytest
from pyarrow import parquet

from evo_nas.data.token_files import TokenReader, TokenRoles
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
    examples = TokenReader(TokenRoles()).read(tmp_path / name)
    assert list(examples.items) == [tokens for tokens, _ in SEQUENCES]
    assert [label.tolist() for label in examples.labels] == [tags for _, tags in SEQUENCES]
    assert examples.remarks


def test_columns_can_be_named_or_numbered(tmp_path) -> None:
    (tmp_path / "a.conllu").write_text(CONLLU)
    assert TokenReader(TokenRoles(tokens="LEMMA", tags="DEPREL")).read(tmp_path / "a.conllu").items[0] == (
        "anna",
        "sing",
    )
    (tmp_path / "a.conll").write_text(CONLL)
    assert TokenReader(TokenRoles(tokens="2", tags="1")).read(tmp_path / "a.conll").items[0] == ("X", "X")


def test_characters_of_a_text_can_be_the_tokens(tmp_path) -> None:
    path = tmp_path / "proteins.jsonl"
    path.write_text(json.dumps({"sequence": "MKVL", "tags": "HHEC"}))
    examples = TokenReader(TokenRoles(level="character")).read(path)
    assert examples.items == [("M", "K", "V", "L")]
    assert examples.labels[0].tolist() == ["H", "H", "E", "C"]


@pytest.mark.parametrize(
    ("name", "content", "roles", "message"),
    [
        ("a.conll", "a X\nb\n", {}, "line 2 has 1 columns; must have 2, a token and a tag among them"),
        ("a.conll", "a\nb\n", {}, "line 1 has 1 columns; must have 2"),
        ("a.conll", "-DOCSTART- O\n", {}, "no line with a token and a tag"),
        ("a.conll", "a X\n", {"tags": "3"}, "no column '3'; must be one of 1, 2"),
        ("a.conll", "a X\n", {"tags": "1"}, "column '1' has the tokens and the tags"),
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
        TokenReader(TokenRoles(**roles)).read(tmp_path / name)


SENTENCES = [("the", "D"), ("sun", "N"), ("NA", "N"), ("it", "P"), ("rains", "")]


@pytest.mark.parametrize("names", [["s 1", "", "", "s 2", ""], ["1", "1", "1", "2", "2"]])
def test_a_row_of_a_table_may_be_a_token_whose_sequence_is_named(names, tmp_path) -> None:
    rows = [f"{name},{token},X,{tag}" for name, (token, tag) in zip(names, SENTENCES, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["Sentence #,Word,POS,Tag", *rows]))
    examples = TokenReader(TokenRoles(sequence="Sentence #")).read(tmp_path / "a.csv")
    assert examples.items == [("the", "sun", "NA"), ("it", "rains")]
    assert [label.tolist() for label in examples.labels] == [["D", "N", "N"], ["P", ""]]
    assert "not read: POS" in examples.remarks
    assert examples.where[1].endswith(f"a.csv, sequence {names[3]}")


def test_a_sequence_in_two_files_is_refused_unless_names_mean_nothing(tmp_path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id,word,tag\n1,sun,N\n2,it,P\n")
    reader = TokenReader(TokenRoles(sequence="id"))
    reader.read(tmp_path / "a.csv")
    with pytest.raises(
        DataError, match=r"sequence '1' is in .*a.csv and in .*b.csv; put all of it into one file"
    ):
        reader.read(tmp_path / "b.csv")
    reader = TokenReader(TokenRoles(sequence="id", may_share_names=True))
    assert len(reader.read(tmp_path / "a.csv")) == len(reader.read(tmp_path / "b.csv")) == 2


@pytest.mark.parametrize("separator", ["EOS", "-----", "###", "<s> </s>"])
def test_another_line_than_a_blank_one_may_end_sequences(separator, tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"the D\nsun N\n{separator}\nit P\n  {separator}\n\nrains V\n")
    examples = TokenReader(TokenRoles(separator=separator)).read(path)
    assert examples.items == [("the", "sun"), ("it",), ("rains",)]
    assert f"blank lines and {separator} end sequences" in examples.remarks[0]
    with pytest.raises(DataError, match="has no line 'END'; separator must be a line that ends sequences"):
        TokenReader(TokenRoles(separator="END")).read(path)


def test_the_first_table_settles_the_columns_of_all(tmp_path) -> None:
    (tmp_path / "a.jsonl").write_text('{"what": ["sun"], "kinds": ["N"]}')
    (tmp_path / "b.jsonl").write_text('{"tokens": ["it"], "tags": ["P"], "kinds": ["V"], "what": ["rains"]}')
    reader = TokenReader(TokenRoles(tokens="what", tags="kinds"))
    reader.read(tmp_path / "a.jsonl")
    second = reader.read(tmp_path / "b.jsonl")
    assert second.items == [("rains",)]
    assert any("also has tokens, tags, not read" in remark for remark in second.remarks)


@pytest.mark.parametrize(
    ("record", "roles", "message"),
    [
        (
            {"tokens": ["a"], "pos_tags": ["N"], "ner_tags": ["O"]},
            {},
            "column 'pos_tags' or 'ner_tags'; name it in `tags`",
        ),
        (
            {"words": ["a"], "tokens": ["b"], "tags": ["O"]},
            {},
            "column 'words' or 'tokens'; name it in `tokens`",
        ),
        ({"what": ["a"], "tags": ["O"]}, {}, "no column has a name such as tokens; name it in `tokens`"),
        ({"tokens": ["a"], "what": ["O"]}, {}, "no column has a name such as labels; name it in `tags`"),
        ({"tokens": [1.5, 2.0], "tags": ["O", "P"]}, {}, "tagging reads words: choose the task labelling"),
        (
            {"token": "a", "tag": "N", "id": ""},
            {"sequence": "id"},
            "is empty; the first row must name its sequence",
        ),
        ({"token": "a", "tag": "N"}, {"sequence": "id"}, "has no column 'id'"),
        ({"tokens": ["a"], "tags": ["N"]}, {"tokens": "tags", "tags": "tags"}, "has the tokens and the tags"),
    ],
)
def test_tokens_and_tags_that_are_not_certain_are_asked_for(record, roles, message, tmp_path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    with pytest.raises(DataError, match=message):
        TokenReader(TokenRoles(**roles)).read(tmp_path / "a.jsonl")


def test_conll_has_no_column_that_names_sequences(tmp_path) -> None:
    (tmp_path / "a.conll").write_text(CONLL)
    with pytest.raises(DataError, match="sequence is 'id', but CoNLL columns have no names"):
        TokenReader(TokenRoles(sequence="id")).read(tmp_path / "a.conll")


def test_a_token_may_hold_a_blank_that_does_not_break(tmp_path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("10\u00a0000 \tNUM\neuros  NOUN \n", encoding="utf-8")
    examples = TokenReader(TokenRoles()).read(path)
    assert examples.items == [("10\u00a0000", "euros")]
    assert examples.labels[0].tolist() == ["NUM", "NOUN"]


def test_columns_of_universal_dependencies_are_read_in_full(tmp_path) -> None:
    lines = [
        "# sent_id = 1",
        "# text = Vámonos al mar 10 000",
        "1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_",
        "1\tVamos\tir\tVERB\t_\tMood=Imp\t0\troot\t_\t_",
        "2\tnos\tnosotros\t_\t_\t_\t1\tobj\t_\t_",
        "2.1\tya\tya\tADV\t_\t_\t_\t_\t1:advmod\t_",
        "3\t10 000\t_\tNUM\t_\t_\t1\tobl\t_\tSpaceAfter=No",
        "4\t#\t#\tSYM\t_\t_\t1\tpunct\t_\t_",
        "",
    ]
    packed = tmp_path / "a.conllu.xz"
    packed.write_bytes(lzma.compress("\r\n".join(lines).encode()))
    examples = TokenReader(TokenRoles()).read(packed)
    assert examples.items == [("Vamos", "nos", "10 000", "#")]
    assert examples.labels[0].tolist() == ["VERB", "", "NUM", "SYM"]  # without a tag, a token does not count


@pytest.mark.parametrize("name", ["a.conll", "a.jsonl"])
def test_an_accent_of_a_token_is_composed(name, tmp_path) -> None:
    token = "cafe\u0301"
    content = f"{token} NOUN\n" if name == "a.conll" else json.dumps({"tokens": [token], "tags": ["NOUN"]})
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert TokenReader(TokenRoles()).read(tmp_path / name).items == [("caf\u00e9",)]
