"""Which column of a table is the text, and which the label, is guessed as a person would, or asked."""

from __future__ import annotations

import pyarrow as pa
import pytest

from evo_nas.data.table import Table
from evo_nas.data.text_files import TextReader, TextRoles, lines_of
from evo_nas.errors import DataError

COUNT = 40
KINDS = {
    "ids": [str(n) for n in range(COUNT)],
    "hex": [f"{n:032x}" for n in range(COUNT)],
    "texts": [f"the {n} of us are {n * n} words" for n in range(COUNT)],
    "other": [f"and they were {n} other words" for n in range(COUNT)],
    "classes": ["up" if n % 2 else "down" for n in range(COUNT)],
    "many": [f"kind {n % 7}" for n in range(COUNT)],
    "stars": [str(n % 5) for n in range(COUNT)],
    "dates": [f"2024-01-{n % 28 + 1:02}" for n in range(COUNT)],
    "scores": [f"{n / 7:.3f}" for n in range(COUNT)],
    "dna": ["ACGT"[n % 4] + "ACGTTGCA" * 3 + str(n) for n in range(COUNT)],
    "bits": [f"{n:08b}" for n in range(COUNT)],
}


def table(**kinds: str) -> Table:
    return Table("a.csv", {name: pa.chunked_array([KINDS[kind]]) for name, kind in kinds.items()})


def guess(given: Table, **roles: str) -> tuple[str, str]:
    """Returns the names of the columns of the text and of the label."""
    examples = TextReader(TextRoles(**roles)).of_table(given)
    columns = {tuple(values.to_pylist()): name for name, values in given.columns.items()}
    return columns[tuple(examples.items)], columns[tuple(examples.labels)]


@pytest.mark.parametrize(
    ("given", "text", "label"),
    [
        (table(id="ids", label="classes", tweet="texts"), "tweet", "label"),
        (table(id="hex", label="classes", what="texts"), "what", "label"),
        (table(tweet_id="hex", when="dates", what="texts", sentiment="classes"), "what", "sentiment"),
        (table(what="texts", kind="classes"), "what", "kind"),
        (table(what="texts", score="scores", kind="classes"), "what", "kind"),
        (table(kind="classes", what="texts"), "what", "kind"),
        (table(Review="texts", title="other", stars="stars"), "Review", "stars"),
        (table(title="other", label="stars", text="texts"), "text", "label"),
        (table(sequence="dna", label="classes"), "sequence", "label"),
        (table(promoter="dna", kind="classes"), "promoter", "kind"),
        (table(sequence="bits", label="classes"), "sequence", "label"),
        (table(string="bits", label="classes"), "string", "label"),
        (table(message="ids", what="texts", label="classes"), "what", "label"),
        (table(text="texts", category="many"), "text", "category"),
    ],
)
def test_the_text_is_the_column_of_words(given, text, label) -> None:
    assert guess(given) == (text, label)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            table(question="texts", sentence="other", label="classes"),
            "may be column 'question' or 'sentence'",
        ),
        (table(first="texts", second="other", label="classes"), "may be column 'first' or 'second'"),
        (
            table(id="ids", bits="bits", label="classes"),
            "no column is likely to be the text, which has words",
        ),
        (table(x="scores", y="ids"), "no column is likely to be the text"),
    ],
)
def test_a_text_that_is_not_certain_is_asked_for(given, message) -> None:
    with pytest.raises(DataError, match=f"{message}.*name it in `text`"):
        TextReader(TextRoles()).of_table(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            table(text="texts", kind="classes", score="scores", sort="many", n="scores"),
            "column 'kind' or 'sort'",
        ),
        (table(text="texts", id="hex"), "no column is likely to be the label"),
        (table(text="texts", label="classes", target="stars"), "column 'label' or 'target'"),
    ],
)
def test_a_label_that_is_not_certain_is_asked_for(given, message) -> None:
    with pytest.raises(DataError, match=f"{message}.*name it in `label`"):
        TextReader(TextRoles()).of_table(given)


def test_what_is_named_is_not_guessed_and_must_be_there() -> None:
    given = table(first="texts", second="other", kind="classes")
    assert guess(given, text="second") == ("second", "kind")
    with pytest.raises(DataError, match="has no column 'secnd'; did you mean 'second'"):
        guess(given, text="secnd")


def test_what_is_not_read_is_said() -> None:
    remarks = TextReader(TextRoles()).of_table(table(id="ids", text="texts", kind="classes")).remarks
    assert remarks == ("column text is the text, column kind the label", "not read: id")
    assert TextReader(TextRoles()).of_table(table(text="texts", kind="classes")).remarks[1:] == ()
    corpus = lines_of(table(id="ids", text="texts"), None)
    assert corpus.remarks == ("a.csv: column text is the text; not read: id",)


def test_the_first_table_settles_the_columns_of_all() -> None:
    reader = TextReader(TextRoles())
    reader.of_table(table(what="texts", kind="classes"))
    second = reader.of_table(table(text="other", kind="many", what="texts"))
    assert second.items == KINDS["texts"]
    assert second.labels == KINDS["many"]
    assert second.remarks == ("a.csv also has text, not read",)
    with pytest.raises(DataError, match="has no column 'what'"):
        reader.of_table(table(text="texts", kind="classes"))


def test_a_word_like_na_is_a_label_and_a_text(tmp_path) -> None:
    (tmp_path / "a.csv").write_text(
        "text,label\n" + "\n".join(f"NA word {n},{'NA' if n % 2 else 'EU'}" for n in range(9))
    )
    examples = TextReader(TextRoles()).read(tmp_path / "a.csv")
    assert examples.labels[:2] == ["EU", "NA"]
    assert examples.items[0] == "NA word 0"


def test_a_text_is_not_its_own_label() -> None:
    with pytest.raises(DataError, match="column 'kind' is the text and the label"):
        guess(table(what="texts", kind="classes"), text="kind", label="kind")
