"""Sequences of files that need no labels: what a trained network predicts of, read as its training data were.

Labels that a file has nevertheless are read as well, so that predictions can be scored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np

from evo_nas.data.array_files import array_named, arrays_by_part, is_arrays, read_arrays
from evo_nas.data.array_sequences import as_steps, known_steps
from evo_nas.data.audio_files import AudioReader, column_of_sounds, is_sound
from evo_nas.data.columns import SEQUENCES, Columns
from evo_nas.data.examples import Examples, Places, enumerated
from evo_nas.data.files import format_of
from evo_nas.data.guesses import LABELS, guessed_by_name, guessed_text
from evo_nas.data.paths import expanded
from evo_nas.data.sequence_files import places_of_rows
from evo_nas.data.step_tables import ordered_sequences
from evo_nas.data.table_files import is_table, read_table
from evo_nas.data.text_files import FASTA, fasta_records, read_text
from evo_nas.data.token_files import CONLLU, TOKENS, conll_rows, split_tokens
from evo_nas.data.ts_files import read_ts, sequences_of_ucr
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.data.columns import Roles
    from evo_nas.data.examples import Label
    from evo_nas.data.layout import Layout, TextLayout
    from evo_nas.data.table import Table
    from evo_nas.data.text_files import TextRoles
    from evo_nas.data.token_files import TokenRoles

    Numeric = npt.NDArray[np.float64]
    Tokens = tuple[str, ...]


def unlabelled_sequences(
    path: Path, roles: Roles, layout: Layout, columns: tuple[str, ...]
) -> Examples[Numeric]:
    """Reads numeric sequences from a file of any format that training reads, or a folder of sounds.

    Args:
        path: A table, a file of arrays, ``.ts``, a table of UCR, a sound, or a folder of sounds.
        roles: What the configuration of the training named.
        layout: How tables held the sequences of training.
        columns: Names of the values of a step in training, where they have names.

    Returns:
        The sequences with the labels that are there; no labels at all where one is missing.

    Raises:
        DataError: The file cannot be read, or lacks what training had.
    """
    files = expanded([path])
    # Bands of frequencies mean the same only at the rate that training had.
    audio = roles.audio.model_copy(update={"sample_rate": layout.rate or roles.audio.sample_rate})
    if all(map(is_sound, files)):
        return AudioReader(audio).read(files)
    if len(files) > 1:
        raise DataError(f"{path} is a folder of {len(files)} files; give one file, or a folder of sounds")
    path = files[0]
    if is_arrays(path):
        return _of_arrays(path, roles)
    if format_of(path) == ".ts":
        return _without_gaps_in_labels(read_ts(path, needs_labels=False))
    table = read_table(path, delimiter=roles.delimiter, nameless=True)
    if not table.has_names:
        return sequences_of_ucr(table)
    sounds = column_of_sounds(table)
    if sounds is not None:
        named = [path.parent / name for name in table.texts(sounds)]
        return AudioReader(audio).read(named, _labels(table, layout))
    return _of_table(table, roles, layout, columns)


def _of_table(table: Table, roles: Roles, layout: Layout, columns: tuple[str, ...]) -> Examples[Numeric]:
    if layout.lists:
        _require(table, layout.lists)
        lists = [table.lists(name, holes=roles.holes) for name in layout.lists]
        items = [
            np.concatenate([as_steps(f"{table.source}, row {row}", value) for value in values], axis=1)
            for row, *values in zip(table.row_numbers(), *lists, strict=True)
        ]
        return Examples(table.source, items, _labels(table, layout), places=places_of_rows(table))
    if layout.sequence is not None:
        return _of_steps(table, layout, columns)
    names = layout.row or columns
    if not names:
        raise DataError(
            f"{table.source} is a table, but the network learnt from sequences whose values have no names; give a file "
            "in the format of its training, or arrays"
        )
    _require(table, names)
    values = table.matrix(names, holes=True).reshape(len(table), -1, roles.features)
    return Examples(table.source, list(values), _labels(table, layout), places=places_of_rows(table))


def _of_steps(table: Table, layout: Layout, columns: tuple[str, ...]) -> Examples[Numeric]:
    assert layout.sequence is not None
    words = {f"{name}={word}": name for name, each in layout.categories.items() for word in each}
    read = tuple(dict.fromkeys(words.get(column, column) for column in columns))
    _require(table, (layout.sequence, *filter(None, (layout.time,)), *read))
    settled = Columns(read, (), layout.categories, known=frozenset(table.columns))
    values = settled.values(table, holes=True)
    sequences = ordered_sequences(table, layout.sequence, layout.time)
    outputs = _labels(table, layout)
    steps = [np.array([outputs[row] for row in each.rows]) for each in sequences] if outputs else []
    return Examples(
        table.source,
        [values[each.rows] for each in sequences],
        steps,
        remarks=settled.remarks_on(table),
        places=Places.of(table.source, "sequence", [each.name for each in sequences]),
    )


def _require(table: Table, names: Sequence[str]) -> None:
    """Refuses a table that lacks columns, and names all of them.

    Raises:
        DataError: A column is not there.
    """
    if missing := [name for name in names if name not in table.columns]:
        raise DataError(
            f"{table.source} has no column {enumerated(map(repr, missing))}, which the network reads; it has "
            f"{enumerated(map(repr, table.columns))}"
        )


def _labels(table: Table, layout: Layout) -> Sequence[Label]:
    """Returns what is predicted of each row; nothing if a column of it is not there or has a hole."""
    if not layout.outputs or any(name not in table.columns for name in layout.outputs):
        return ()
    if layout.outputs[0] in table.list_columns():
        return [
            np.array(["" if each is None else str(each) for each in row])
            for row in table.lists(layout.outputs[0], holes=True)
        ]
    if len(layout.outputs) > 1:
        return list(table.matrix(layout.outputs, holes=True))
    texts = table.texts(layout.outputs[0], empty=True)
    return texts if any(texts) else ()


def _of_arrays(path: Path, roles: Roles) -> Examples[Numeric]:
    arrays = read_arrays(path, beside=roles.label)
    parts = arrays_by_part(arrays)
    # A file of all parts, as Keras has them: what is predicted is the part that nothing was learnt from.
    arrays = parts.get("test", parts.get("validation", arrays)) if parts else arrays
    likely = [*(roles.inputs or ()), *SEQUENCES]
    name = next((each for each in likely if each in arrays), None)
    if name is None and len(arrays) == 1:
        name = next(iter(arrays))
    if name is None:
        raise DataError(
            f"{path} has no array {likely[0]!r} of sequences; it has {', '.join(map(repr, arrays))}"
        )
    items = [as_steps(str(path), item) for item in array_named(path, arrays, name)]
    if not items:
        raise DataError(f"{path}: {name} has no sequence; must have at least one")
    items = known_steps(str(path), arrays, items)
    label = (roles.targets or (roles.label,))[0] or next((each for each in LABELS if each in arrays), None)
    labels: Sequence[Label] = ()
    if label in arrays and np.ndim(arrays[label]) and len(arrays[label]) == len(items):
        labels = [np.asarray(each) if np.ndim(each) else str(each) for each in arrays[label]]
    places = Places.of(str(path), "sequence", range(1, len(items) + 1))
    return Examples(str(path), items, labels, remarks=(f"array {name} holds the sequences",), places=places)


def _without_gaps_in_labels(examples: Examples[Numeric]) -> Examples[Numeric]:
    return examples if all(examples.labels) else replace(examples, labels=())


def unlabelled_texts(
    path: Path, roles: TextRoles, layout: TextLayout, classes: Collection[str]
) -> Examples[str]:
    """Reads texts from a table, FASTA, or plain text with one in each line.

    Args:
        path: The file.
        roles: What the configuration of the training named.
        layout: The columns of the tables of training.
        classes: The classes; where the first word of every line is one of them, it is the label of the line.

    Raises:
        DataError: The file cannot be read, or lacks the column of the texts.
    """
    if is_table(path):
        table = read_table(path, delimiter=roles.delimiter)
        text = layout.text or roles.text or guessed_text(table, {layout.label or ""})
        _require(table, (text,))
        label = layout.label if layout.label in table.columns else None
        labels = table.texts(label, empty=True) if label else ()
        return Examples(
            table.source, table.texts(text), labels if any(labels) else (), places=places_of_rows(table)
        )
    if format_of(path) in FASTA:
        records = fasta_records(path, roles.encoding)
        return Examples(
            str(path), records, (), places=Places.of(str(path), "record", range(1, len(records) + 1))
        )
    numbered = enumerate(read_text(path, roles.encoding).split("\n"), start=1)
    line_of = {number: line for number, line in numbered if line.strip()}
    places = Places.of(str(path), "line", list(line_of))
    pairs = [line.split(roles.delimiter, 1) for line in line_of.values()]
    if all(len(pair) == 2 and pair[0] in classes and pair[1].strip() for pair in pairs):
        said = "the first word of every line is a class, and therefore taken for its label"
        return Examples(
            str(path),
            [text for _, text in pairs],
            [label for label, _ in pairs],
            remarks=(said,),
            places=places,
        )
    return Examples(str(path), list(line_of.values()), (), remarks=("every line is a text",), places=places)


def unlabelled_tokens(path: Path, roles: TokenRoles, layout: TextLayout) -> Examples[Tokens]:
    """Reads sequences of tokens from CoNLL columns, of which one is enough, or from a table.

    Args:
        path: The file.
        roles: What the configuration of the training named.
        layout: The columns of the tables of training.

    Raises:
        DataError: The file cannot be read, or lacks the column of the tokens.
    """
    if is_table(path) and (roles.sequence or format_of(path) not in {".csv", ".tsv"}):
        table = read_table(path, delimiter=roles.delimiter)
        return _tokens_of_table(table, roles, layout)
    sequences = conll_rows(path, roles)
    width = len(sequences[0][0].cells)
    names = CONLLU if format_of(path) == ".conllu" else tuple(str(number + 1) for number in range(width))
    if wrong := next((row for rows in sequences for row in rows if len(row.cells) != len(names)), None):
        raise DataError(
            f"{path}, line {wrong.number} has {len(wrong.cells)} columns; must have {len(names)}, as the first"
        )
    token = roles.tokens or ("FORM" if names == CONLLU else names[0])
    if token not in names:
        raise DataError(f"{path} has no column {token!r}; must be one of {', '.join(names)}")
    items = [tuple(normalize("NFC", row.cells[names.index(token)]) for row in rows) for rows in sequences]
    tag = roles.tags or ("UPOS" if names == CONLLU else names[-1])
    labels = (
        [np.array([row.cells[names.index(tag)] for row in rows]) for rows in sequences]
        if tag in names and tag != token
        else ()
    )
    places = Places.of(str(path), "line", [rows[0].number for rows in sequences])
    return Examples(str(path), items, labels, places=places)


def _tokens_of_table(table: Table, roles: TokenRoles, layout: TextLayout) -> Examples[Tokens]:
    tokens = layout.text or roles.tokens
    tokens = tokens or guessed_by_name(table, TOKENS, taken=[], key="tokens")
    _require(table, (tokens, *filter(None, (roles.sequence,))))
    label = layout.label if layout.label in table.columns else None
    if roles.sequence is None:
        items = [tuple(each) for each in split_tokens(table, tokens, roles.level)]
        labels = (
            [np.array(each) for each in split_tokens(table, label, roles.level, holes=True)] if label else ()
        )
        return Examples(table.source, items, labels, places=places_of_rows(table))
    texts, tags = table.texts(tokens), np.array(table.texts(label, empty=True)) if label else None
    sequences = ordered_sequences(table, roles.sequence, None)
    return Examples(
        table.source,
        [tuple(texts[row] for row in each.rows) for each in sequences],
        () if tags is None else [tags[each.rows] for each in sequences],
        places=Places.of(table.source, "sequence", [each.name for each in sequences]),
    )
