"""Files that hold sequences of tokens with a tag each: CoNLL columns, and tables with lists or texts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.data.examples import Examples, Places
from evo_nas.data.files import format_of
from evo_nas.data.guesses import guessed
from evo_nas.data.sequence_files import places_of_rows
from evo_nas.data.table_files import is_table, read_table
from evo_nas.data.text_files import read_text
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.data.table import Table
    from evo_nas.data.vocabulary import Level

Tokens = tuple[str, ...]
TOKENS = ("tokens", "words", "sequence", "text", "sentence")
TAGS = ("tags", "ner_tags", "pos_tags", "upos", "labels", "label")
CONLLU: tuple[str, ...] = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
DOCUMENT_START = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class TokenRoles:
    """The columns that play each role and how they are read; None is guessed.

    Attributes:
        tokens: The column of the tokens, by name, or by number from 1 where columns have no names.
        tags: The column of the tags, likewise.
        group: The column with the names of groups that must stay together in a split.
        delimiter: The character between columns; blanks in CoNLL files if not given.
        encoding: The encoding of CoNLL files.
        level: The tokens of a text in a table: words between blanks, or characters.
    """

    tokens: str | None = None
    tags: str | None = None
    group: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    level: Level = "word"


class _Row(NamedTuple):
    """The cells of a line, and its number from 1."""

    number: int
    cells: list[str]


def read_tokens(path: Path, roles: TokenRoles) -> Examples[Tokens]:
    """Reads tagged sequences from a table or from CoNLL: one token in each line, blank lines between sequences.

    Raises:
        DataError: The file cannot be read, or tokens and tags do not match.
    """
    # CoNLL columns are often called .tsv or .csv, and have no header that a table would need.
    if is_table(path) and format_of(path) not in {".csv", ".tsv"}:
        return tagged(read_table(path), roles)
    return _read_conll(path, roles)


def tagged(table: Table, roles: TokenRoles) -> Examples[Tokens]:
    """Returns the sequences of a table; each row holds tokens and tags, as two lists or two texts."""
    tokens = roles.tokens or guessed(table.columns, TOKENS)
    tags = roles.tags or guessed(table.columns, TAGS)
    items = [tuple(each) for each in _split(table, tokens, roles.level)]
    labels = [np.array(each, dtype=np.str_) for each in _split(table, tags, roles.level)]
    for row, (item, label) in enumerate(zip(items, labels, strict=True)):
        if len(item) != len(label):
            raise DataError(
                f"{table.source}, row {table.row_number(row)}: {tokens} has {len(item)} tokens and {tags} "
                f"{len(label)} tags; the numbers must be equal"
            )
    return Examples(
        table.source,
        missing=table.missing(),
        items=items,
        labels=labels,
        groups=table.texts(roles.group) if roles.group else None,
        remarks=(f"column {tokens} holds the tokens of a sequence, {tags} a tag for each",),
        places=places_of_rows(table),
    )


def _split(table: Table, name: str, level: Level) -> list[list[str]]:
    if name in table.list_columns():
        return [list(map(str, each)) for each in table.lists(name)]
    return [list(text) if level == "character" else text.split() for text in table.texts(name)]


def _read_conll(path: Path, roles: TokenRoles) -> Examples[Tokens]:
    sequences = _sequences(path, roles)
    if _is_universal(path):
        names, token, tag = CONLLU, "FORM", "UPOS"
    else:
        names = tuple(str(number + 1) for number in range(len(sequences[0][0].cells)))
        token, tag = names[0], names[-1]
    _check_columns(path, sequences, len(names))
    token, tag = roles.tokens or token, roles.tags or tag
    items = [tuple(row.cells[_place(path, token, names)] for row in rows) for rows in sequences]
    labels = [np.array([row.cells[_place(path, tag, names)] for row in rows]) for rows in sequences]
    return Examples(
        str(path),
        items=items,
        labels=labels,
        remarks=(
            f"every line is a token, column {token}, and its tag, column {tag}; blank lines end sequences",
        ),
        places=Places.of(str(path), "line", [rows[0].number for rows in sequences]),
    )


def _sequences(path: Path, roles: TokenRoles) -> list[list[_Row]]:
    """Returns the rows of each sequence, without comments and the marks between documents."""
    universal = _is_universal(path)
    delimiter = roles.delimiter or ("\t" if universal else None)
    lines = enumerate(read_text(path, roles.encoding).split("\n"), start=1)
    rows = [
        _Row(number, line.strip().split(delimiter))
        for number, line in lines
        if not (line.startswith("#") if universal else line.startswith(DOCUMENT_START))
    ]
    if universal:  # numbers like 2-3 and 2.1 mark contractions and ellipses, which are no words of their own
        rows = [row for row in rows if row.cells[0].isdigit() or not any(row.cells)]
    blocks = groupby(rows, key=lambda row: any(row.cells))
    sequences = [list(block) for has_words, block in blocks if has_words]
    if not sequences:
        raise DataError(f"{path} has no line with a token and a tag; must be CoNLL columns")
    return sequences


def _check_columns(path: Path, sequences: list[list[_Row]], width: int) -> None:
    for number, cells in (row for rows in sequences for row in rows):
        if len(cells) != width or width < 2:
            raise DataError(
                f"{path}, line {number} has {len(cells)} columns; must have {max(width, 2)}, a token and a tag among "
                "them: mend it, or give the delimiter if blanks do not separate columns"
            )


def _place(path: Path, name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise DataError(f"{path} has no column {name!r}; must be one of {', '.join(names)}")
    return names.index(name)


def _is_universal(path: Path) -> bool:
    return format_of(path) == ".conllu"
