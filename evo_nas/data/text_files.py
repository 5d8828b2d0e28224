"""Files that hold texts: plain text, FASTA, tables with a column of text, and data sets of Hugging Face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evo_nas.data.examples import Examples, Places, enumerated
from evo_nas.data.files import format_of, text_of
from evo_nas.data.guesses import guessed_label, guessed_text
from evo_nas.data.layout import TextLayout
from evo_nas.data.sequence_files import places_of_rows
from evo_nas.data.table_files import is_table, read_table
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evo_nas.data.table import Table

_FASTA = "FASTA, letters are upper case"
FASTA = (".fa", ".fasta", ".fna", ".ffn", ".faa")


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
    r"""Returns the content of a file; only ``\n`` and ``\r\n`` end lines, or ``\r`` where there is neither.

    Raises:
        DataError: The file is missing, empty, or not in ``encoding``.
    """
    # Decoded by `text_of` and not by `read_text` of a path, which would take further characters for ends of lines.
    text = text_of(path, encoding).replace("\r\n", "\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")  # the line ends of old Macs
    if not text.strip():
        raise DataError(f"{path} is empty; must hold text")
    return text


def joined_texts(paths: Sequence[Path], encoding: str, *, column: str | None = None) -> Corpus:
    """Returns the texts of files, one after the other; a line never goes on in the next file.

    The rows of a table and the records of FASTA are lines.

    Args:
        paths: The files.
        encoding: Encoding of those that are plain text or FASTA.
        column: The column of the text in tables; None guesses it.

    Raises:
        DataError: A file cannot be read.
    """
    corpora = [_corpus_of(path, encoding, column) for path in paths]
    texts = [corpus.text for corpus in corpora]
    unfinished = [path.name for path, text in zip(paths[:-1], texts, strict=False) if not text.endswith("\n")]
    joined = "".join(text if text.endswith("\n") else f"{text}\n" for text in texts[:-1]) + texts[-1]
    said = [remark for corpus in corpora for remark in corpus.remarks]
    if unfinished:
        said.append(
            f"{', '.join(unfinished)!s:.200}: the last line has no end; one is put before the next file"
        )
    return Corpus(joined, tuple(dict.fromkeys(said)))


def _corpus_of(path: Path, encoding: str, column: str | None) -> Corpus:
    if is_table(path):
        return lines_of(read_table(path), column)
    if format_of(path) in FASTA:
        records = fasta_records(path, encoding)
        return Corpus("".join(f"{record}\n" for record in records), (f"{_FASTA}; its headers are not read",))
    return Corpus(read_text(path, encoding))


class TextReader:
    """Reads labelled texts, the training part first; its first table settles the columns, which others have by name.

    Args:
        roles: What the configuration names.
    """

    def __init__(self, roles: TextRoles) -> None:
        self._roles = roles
        self._known: frozenset[str] | None = None

    @property
    def layout(self) -> TextLayout:
        """The columns of the first table that was read; none if there was none."""
        return TextLayout(self._roles.text, self._roles.label)

    def read(self, path: Path, label: str | None = None) -> Examples[str]:
        """Returns the texts of a table, of FASTA, or of plain text with one example in each line.

        Args:
            path: A file.
            label: Class of all examples in it; if None, a column of a table or the first word of each line has it.

        Raises:
            DataError: The file cannot be read, or has no labels.
        """
        if is_table(path):
            return self.of_table(read_table(path, delimiter=self._roles.delimiter), label)
        if format_of(path) in FASTA:
            return _read_fasta(path, self._roles, label)
        return _read_lines(path, self._roles, label)

    def of_table(self, table: Table, label: str | None = None) -> Examples[str]:
        """Returns the texts of a table; see `read`."""
        remarks = (*table.remarks, *self._settle(table, has_label=label is None))
        roles = self._roles
        texts = table.texts(str(roles.text))
        return Examples(
            table.source,
            items=texts,
            labels=table.texts(str(roles.label)) if label is None else [label] * len(texts),
            groups=table.texts(roles.group) if roles.group else None,
            remarks=remarks,
            missing=table.missing(),
            places=places_of_rows(table),
        )

    def _settle(self, table: Table, *, has_label: bool) -> tuple[str, ...]:
        """Decides on the columns at the first table; returns what should be known of them, one sentence each."""
        if self._known is not None:
            return table.further(self._known)
        self._known, roles = frozenset(table.columns), self._roles
        for name in filter(None, (roles.text, roles.label, roles.group)):
            table.column(name)  # raises where there is none, before anything is guessed beside it
        text = roles.text or guessed_text(table, {roles.label or "", roles.group or ""})
        label = (roles.label or guessed_label(table, {text, roles.group or ""})) if has_label else roles.label
        if has_label and text == label:
            raise DataError(
                f"{table.source}: column {text!r} is the text and the label; name another in one of both"
            )
        self._roles = replace(roles, text=text, label=label)
        unread = [name for name in table.columns if name not in {text, label, roles.group}]
        said = f"column {text} is the text, " + (
            f"column {label} the label" if has_label else "classes are files"
        )
        return (said, f"not read: {enumerated(unread)}") if unread else (said,)


def lines_of(table: Table, text: str | None) -> Corpus:
    """Returns the rows of column ``text`` as lines, empty where a text is missing; None guesses the column."""
    name = text or guessed_text(table, ())
    unread = [other for other in table.columns if other != name]
    remark = f"{table.source}: column {name} is the text" + (
        f"; not read: {enumerated(unread)}" if unread else ""
    )
    return Corpus("".join(f"{line}\n" for line in table.texts(name, empty=True)), (*table.remarks, remark))


def _read_fasta(path: Path, roles: TextRoles, label: str | None) -> Examples[str]:
    if label is None:
        raise DataError(f"{path} is FASTA, which has no labels; list a file for each class in `classes`")
    texts = fasta_records(path, roles.encoding)
    return Examples(
        str(path),
        texts,
        labels=[label] * len(texts),
        remarks=(_FASTA,),
        places=Places.of(str(path), "record", range(1, len(texts) + 1)),
    )


def fasta_records(path: Path, encoding: str) -> list[str]:
    """Returns the sequence of each record of FASTA, in upper case."""
    # A line break is put first, so that the first record starts like all others.
    head, *records = f"\n{read_text(path, encoding)}".split("\n>")
    if head.strip() or not records:
        raise DataError(f"{path} does not begin with >; must be FASTA")
    texts = ["".join(record.split("\n")[1:]).replace(" ", "").upper() for record in records]
    if not all(texts):
        raise DataError(f"{path}: record {texts.index('') + 1} has no sequence; mend the file")
    return texts


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
