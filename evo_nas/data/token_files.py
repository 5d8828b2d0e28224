"""Files that hold sequences of tokens with a tag each: CoNLL columns, and tables with lists or texts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

import numpy as np

from evo_nas.data.examples import Examples, Places, enumerated
from evo_nas.data.files import format_of
from evo_nas.data.guesses import guessed_by_name
from evo_nas.data.layout import TextLayout
from evo_nas.data.sequence_files import places_of_rows
from evo_nas.data.table_files import is_table, read_table
from evo_nas.data.text_files import read_text
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evo_nas.data.table import Table
    from evo_nas.data.vocabulary import Level

Tokens = tuple[str, ...]
TOKENS = (("tokens", "words", "token", "word", "form"), ("sequence", "sentence", "text"))
TAGS = (("labels", "tags", "label", "tag"), ("chunk_tags", "ner_tags", "pos_tags", "upos", "xpos"))
"""Names of columns; those of the second group only count where none of the first is there."""
CONLLU: tuple[str, ...] = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
DOCUMENT_START = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class TokenRoles:
    """The columns that play each role and how they are read; None is guessed.

    Attributes:
        tokens: The column of the tokens, by name, or by number from 1 where columns have no names.
        tags: The column of the tags, likewise.
        group: The column with the names of groups that must stay together in a split.
        sequence: The column of a table that names the sequence of each row, which is a token then.
        separator: A line that ends a sequence in CoNLL files, beside blank ones.
        delimiter: The character between columns; blanks in CoNLL files if not given.
        encoding: The encoding of CoNLL files.
        level: The tokens of a text in a table: words between blanks, or characters.
        may_share_names: Whether sequences of one name in two files are different ones.
    """

    tokens: str | None = None
    tags: str | None = None
    group: str | None = None
    sequence: str | None = None
    separator: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    level: Level = "word"
    may_share_names: bool = False


class Row(NamedTuple):
    """The cells of a line, and its number from 1."""

    number: int
    cells: list[str]


class TokenReader:
    """Reads tagged sequences, the training part first; its first table settles the columns, which others have by name.

    Args:
        roles: What the configuration names.
    """

    def __init__(self, roles: TokenRoles) -> None:
        self._roles = roles
        self._known: frozenset[str] | None = None
        self._file_of: dict[str, str] = {}

    @property
    def layout(self) -> TextLayout:
        """The columns of the first table that was read, or those that were named."""
        return TextLayout(self._roles.tokens, self._roles.tags)

    def read(self, path: Path) -> Examples[Tokens]:
        """Returns the sequences of a table, or of CoNLL: one token in each line, blank lines between sequences.

        Raises:
            DataError: The file cannot be read, or tokens and tags do not match.
        """
        # CoNLL columns are often called .tsv or .csv, and have no header that a table would need.
        if is_table(path) and (self._roles.sequence or format_of(path) not in {".csv", ".tsv"}):
            return self.of_table(read_table(path, delimiter=self._roles.delimiter))
        if self._roles.sequence is not None:
            raise DataError(
                f"{path}: sequence is {self._roles.sequence!r}, but CoNLL columns have no names; leave sequence out, "
                "or name the line that ends a sequence in `separator`"
            )
        return _read_conll(path, self._roles)

    def of_table(self, table: Table) -> Examples[Tokens]:
        """Returns the sequences of a table: each row is a token, or holds tokens and tags as two lists or texts."""
        remarks = (*table.remarks, *self._settle(table))
        if self._roles.sequence is None:
            examples = _of_lists(table, self._roles)
        else:
            examples = _of_rows(table, self._roles)
            self._check_names(table, examples.where.numbers)
        return replace(examples, remarks=remarks, missing=table.missing())

    def _check_names(self, table: Table, names: Sequence[int | str]) -> None:
        """Refuses a sequence that another file has as well: it may be torn apart."""
        for name in names:
            other = self._file_of.setdefault(str(name), table.source)
            if other != table.source and not self._roles.may_share_names:
                raise DataError(
                    f"sequence {name!r} is in {other} and in {table.source}; put all of it into one file; where these "
                    "are different sequences, give them different names, or set split.duplicates to keep"
                )

    def _settle(self, table: Table) -> tuple[str, ...]:
        """Decides on the columns at the first table; returns what should be known of them, one sentence each."""
        if self._known is not None:
            return table.further(self._known)
        self._known, roles = frozenset(table.columns), self._roles
        named = [name for name in (roles.tokens, roles.tags, roles.group, roles.sequence) if name]
        for name in named:
            table.column(name)  # raises where there is none, before anything is guessed beside it
        tokens = roles.tokens or guessed_by_name(table, TOKENS, taken=named, key="tokens")
        tags = roles.tags or guessed_by_name(table, TAGS, taken=[*named, tokens], key="tags")
        _check_that_they_differ(table.source, tokens, tags)
        self._roles = replace(roles, tokens=tokens, tags=tags)
        said = f"column {tokens} holds the tokens of a sequence, {tags} a tag for each"
        if roles.sequence:
            said = f"every row is a token, column {tokens}, and its tag, {tags}; {roles.sequence} names its sequence"
        unread = [name for name in table.columns if name not in {tokens, tags, roles.group, roles.sequence}]
        return (said, f"not read: {enumerated(unread)}") if unread else (said,)


def _check_that_they_differ(source: str, tokens: str, tags: str) -> None:
    if tokens == tags:
        raise DataError(
            f"{source}: column {tags!r} has the tokens and the tags; name another for one of both"
        )


def _of_lists(table: Table, roles: TokenRoles) -> Examples[Tokens]:
    """Every row holds a sequence."""
    tokens, tags = str(roles.tokens), str(roles.tags)
    items = [tuple(each) for each in split_tokens(table, tokens, roles.level)]
    labels = [np.array(each, dtype=np.str_) for each in split_tokens(table, tags, roles.level, holes=True)]
    for row, (item, label) in enumerate(zip(items, labels, strict=True)):
        if len(item) != len(label):
            raise DataError(
                f"{table.source}, row {table.row_number(row)}: {tokens} has {len(item)} tokens and {tags} "
                f"{len(label)} tags; the numbers must be equal"
            )
    groups = table.texts(roles.group) if roles.group else None
    return Examples(table.source, items, labels, groups, places=places_of_rows(table))


def _of_rows(table: Table, roles: TokenRoles) -> Examples[Tokens]:
    """Every row is a token; the rows of a sequence need not follow each other."""
    names = table.texts(str(roles.sequence), empty=True)
    if names and not names[0]:
        raise DataError(
            f"{table.place(str(roles.sequence), 0)} is empty; the first row must name its sequence"
        )
    rows_of: dict[str, list[int]] = {}
    name = ""
    for row, given in enumerate(names):
        # Some files name a sequence in its first row only.
        name = given or name
        rows_of.setdefault(name, []).append(row)
    tokens, tags = table.texts(str(roles.tokens)), np.array(table.texts(str(roles.tags), empty=True))
    groups = table.texts(roles.group) if roles.group else None
    return Examples(
        table.source,
        items=[tuple(tokens[row] for row in rows) for rows in rows_of.values()],
        labels=[tags[rows] for rows in rows_of.values()],
        groups=None
        if groups is None
        else [_only_group(table, name, {groups[row] for row in rows}) for name, rows in rows_of.items()],
        places=Places.of(table.source, "sequence", list(rows_of)),
    )


def _only_group(table: Table, sequence: str, groups: set[str]) -> str:
    if len(groups) > 1:
        raise DataError(
            f"{table.source}: sequence {sequence!r} has rows of {len(groups)} groups; must be of one"
        )
    return next(iter(groups))


def split_tokens(table: Table, name: str, level: Level, *, holes: bool = False) -> list[list[str]]:
    """Returns the tokens of each row: a list, or a text that is split; with ``holes``, a missing one is empty.

    Raises:
        DataError: The column does not exist, a row is empty, or holds numbers with decimals.
    """
    if name in table.list_columns():
        lists = table.lists(name, holes=holes)
        if any(isinstance(item, float) for each in lists for item in each):
            raise DataError(
                f"{table.source}: column {name!r} holds numbers with decimals; tagging reads words: choose the task "
                "labelling, which has a class for every step of numbers"
            )
        return [["" if item is None else normalize("NFC", str(item)) for item in each] for each in lists]
    return [list(text) if level == "character" else text.split() for text in table.texts(name)]


def _read_conll(path: Path, roles: TokenRoles) -> Examples[Tokens]:
    sequences = conll_rows(path, roles)
    if _is_universal(path):
        names, token, tag = CONLLU, "FORM", "UPOS"
    else:
        names = tuple(str(number + 1) for number in range(len(sequences[0][0].cells)))
        token, tag = names[0], names[-1]
    _check_columns(path, sequences, len(names))
    token, tag = roles.tokens or token, roles.tags or tag
    _check_that_they_differ(str(path), token, tag)
    at_token, at_tag = _place(path, token, names), _place(path, tag, names)
    # Universal Dependencies write _ where there is no tag; such a token does not count.
    none = "_" if _is_universal(path) else ""
    items = [tuple(normalize("NFC", row.cells[at_token]) for row in rows) for rows in sequences]
    labels = [
        np.array(["" if row.cells[at_tag] == none else row.cells[at_tag] for row in rows])
        for rows in sequences
    ]
    ends = "blank lines" if roles.separator is None else f"blank lines and {roles.separator}"
    return Examples(
        str(path),
        items=items,
        labels=labels,
        remarks=(f"every line is a token, column {token}, and its tag, column {tag}; {ends} end sequences",),
        places=Places.of(str(path), "line", [rows[0].number for rows in sequences]),
    )


def conll_rows(path: Path, roles: TokenRoles) -> list[list[Row]]:
    """Returns the rows of each sequence, without comments and the marks between documents.

    Raises:
        DataError: There is none, or the line that ends sequences.
    """
    universal = _is_universal(path)
    delimiter = roles.delimiter or ("\t" if universal else None)
    lines = read_text(path, roles.encoding).split("\n")
    if roles.separator is not None and roles.separator not in map(str.strip, lines):
        raise DataError(
            f"{path} has no line {roles.separator!r}; separator must be a line that ends sequences"
        )
    rows = [
        Row(number, _cells("" if line.strip() == roles.separator else line.strip(" \t\r"), delimiter))
        for number, line in enumerate(lines, start=1)
        if not (line.startswith("#") if universal else line.startswith(DOCUMENT_START))
    ]
    if universal:  # numbers like 2-3 and 2.1 mark contractions and ellipses, which are no words of their own
        rows = [row for row in rows if row.cells[0].isdigit() or not any(row.cells)]
    blocks = groupby(rows, key=lambda row: any(row.cells))
    sequences = [list(block) for has_words, block in blocks if has_words]
    if not sequences:
        raise DataError(f"{path} has no line with a token and a tag; must be CoNLL columns")
    return sequences


def _cells(line: str, delimiter: str | None) -> list[str]:
    # Not `split()`: a token may hold a blank that does not break, which French has within numbers.
    return re.split(r"[ \t]+", line) if delimiter is None else line.split(delimiter)


def _check_columns(path: Path, sequences: list[list[Row]], width: int) -> None:
    for number, cells in (row for rows in sequences for row in rows):
        if len(cells) != width or width < 2:
            raise DataError(
                f"{path}, line {number} has {len(cells)} columns; must have {max(width, 2)}, a token and a tag among "
                "them: mend it, give the delimiter if blanks do not separate columns, or name the column of the "
                "sentence in `sequence` if the file is a table with a header"
            )


def _place(path: Path, name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise DataError(f"{path} has no column {name!r}; must be one of {', '.join(names)}")
    return names.index(name)


def _is_universal(path: Path) -> bool:
    return format_of(path) == ".conllu"
