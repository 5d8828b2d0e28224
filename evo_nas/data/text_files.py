"""Files that hold texts: plain text, FASTA, tables with a column of text, and data sets of Hugging Face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.data.examples import Examples, Places
from evo_nas.data.files import format_of, text_of
from evo_nas.data.guesses import LABELS, guessed
from evo_nas.data.sequence_files import places_of_rows
from evo_nas.data.table_files import is_table, read_table
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evo_nas.data.table import Table

FASTA = (".fa", ".fasta", ".fna", ".ffn", ".faa")
TEXTS = ("text", "sentence", "content", "sequence")


@dataclass(frozen=True, slots=True)
class TextRoles:
    """The columns that play each role and how bytes are read; None is guessed.

    Attributes:
        text: The column of the text.
        label: The column of the class.
        group: The column with the names of groups that must stay together in a split.
        delimiter: The character between columns, or between the label and the text of a line.
        encoding: The encoding of plain text.
    """

    text: str | None = None
    label: str | None = None
    group: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A text, and what should be known of how it was read, one sentence each."""

    text: str
    remarks: tuple[str, ...] = ()


def read_text(path: Path, encoding: str) -> str:
    r"""Returns the content of a file; only ``\n`` and ``\r\n`` end lines.

    Raises:
        DataError: The file is missing, empty, or not in ``encoding``.
    """
    # Decoded by `text_of` and not by `read_text` of a path, which would take further characters for ends of lines.
    text = text_of(path, encoding).replace("\r\n", "\n")
    if not text.strip():
        raise DataError(f"{path} is empty; must hold text")
    return text


def joined_texts(paths: Sequence[Path], encoding: str) -> Corpus:
    """Returns the texts of files, one after the other; a line never goes on in the next file.

    Raises:
        DataError: See `read_text`.
    """
    texts = [read_text(path, encoding) for path in paths]
    unfinished = [path.name for path, text in zip(paths[:-1], texts, strict=False) if not text.endswith("\n")]
    joined = "".join(text if text.endswith("\n") else f"{text}\n" for text in texts[:-1]) + texts[-1]
    remark = f"{', '.join(unfinished)!s:.200}: the last line has no end; one is put before the next file"
    return Corpus(joined, (remark,) if unfinished else ())


def read_texts(path: Path, roles: TextRoles, *, label: str | None = None) -> Examples[str]:
    """Reads labelled texts.

    Args:
        path: A table, FASTA, or plain text with one example in each line.
        roles: The columns that play each role.
        label: Class of all examples in the file; if None, a column of a table or the first word of each line has it.

    Raises:
        DataError: The file cannot be read, or has no labels.
    """
    if is_table(path):
        return texts_of(read_table(path, delimiter=roles.delimiter), roles, label=label)
    if format_of(path) in FASTA:
        return _read_fasta(path, roles, label)
    return _read_lines(path, roles, label)


def texts_of(table: Table, roles: TextRoles, *, label: str | None = None) -> Examples[str]:
    """Returns the texts and labels of a table."""
    text = roles.text or guessed(table.columns, TEXTS, default=next(iter(table.columns)))
    column = roles.label or guessed(table.columns, LABELS, default=list(table.columns)[-1])
    texts = table.texts(text)
    return Examples(
        table.source,
        missing=table.missing(),
        items=texts,
        labels=[label] * len(texts) if label is not None else table.texts(column),
        groups=table.texts(roles.group) if roles.group else None,
        remarks=(
            f"column {text} is the text, "
            + (f"column {column} the label" if label is None else "classes are files"),
        ),
        places=places_of_rows(table),
    )


def lines_of(table: Table, text: str | None) -> str:
    """Returns the rows of column ``text`` as lines, empty where a text is missing; None guesses the column."""
    name = text or guessed(table.columns, TEXTS, default=next(iter(table.columns)))
    return "".join(f"{line}\n" for line in table.texts(name, empty=True))


def _read_fasta(path: Path, roles: TextRoles, label: str | None) -> Examples[str]:
    if label is None:
        raise DataError(f"{path} is FASTA, which has no labels; list a file for each class in `classes`")
    # A line break is put first, so that the first record starts like all others.
    head, *records = f"\n{read_text(path, roles.encoding)}".split("\n>")
    if head.strip() or not records:
        raise DataError(f"{path} does not begin with >; must be FASTA")
    texts = ["".join(record.split("\n")[1:]).replace(" ", "").upper() for record in records]
    if not all(texts):
        raise DataError(f"{path}: record {texts.index('') + 1} has no sequence; mend the file")
    return Examples(
        str(path),
        texts,
        labels=[label] * len(texts),
        remarks=("FASTA, letters are upper case",),
        places=Places.of(str(path), "record", range(1, len(texts) + 1)),
    )


def _read_lines(path: Path, roles: TextRoles, label: str | None) -> Examples[str]:
    numbered = enumerate(read_text(path, roles.encoding).split("\n"), start=1)
    line_of = {number: line for number, line in numbered if line.strip()}
    lines, places = list(line_of.values()), Places.of(str(path), "line", list(line_of))
    if label is not None:
        labels = [label] * len(lines)
        return Examples(str(path), lines, labels, remarks=("every line is a text",), places=places)
    pairs = [line.split(roles.delimiter, 1) for line in lines]
    for position, pair in enumerate(pairs):
        if len(pair) < 2 or not pair[1].strip():
            raise DataError(f"{places[position]} is {lines[position]!r:.60}; must be a label and a text")
    return Examples(
        str(path),
        items=[text for _, text in pairs],
        labels=[first for first, _ in pairs],
        remarks=("every line is a text; its first word is the label",),
        places=places,
    )
