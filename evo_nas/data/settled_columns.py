"""Settles which columns are read: those that a configuration names, and those that a person would guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evo_nas.data.columns import SEQUENCES, Columns
from evo_nas.data.examples import enumerated
from evo_nas.data.guesses import (
    NAMED,
    are_words,
    comes_again,
    guessed,
    guessed_label,
    guessed_target,
    is_date,
    no_measurement,
)
from evo_nas.data.time import read_times, time_columns
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.data.columns import Roles
    from evo_nas.data.table import Table

MOST_CATEGORIES = 100
"""A column with more different words holds texts or names."""


def settled(tables: Sequence[Table], roles: Roles) -> Columns:
    """Returns the columns that are read, as the first table of the training part decides.

    Args:
        tables: All tables of the training part; all of them tell the words of a categorical column.
        roles: What the configuration names.

    Raises:
        DataError: A named column is not there or has two roles, or a guess would be no more than a guess.
    """
    table = tables[0]
    _check_names(table, roles)
    lists = _lists(table, roles)
    if roles.features > 1 and (lists or roles.sequence is not None):
        raise DataError(
            f"{table.source}: features is {roles.features}, but only says how the columns of a row that is a whole "
            "sequence become steps; leave it out"
        )
    outputs = _outputs(table, roles, taken={*lists})
    without = {name for name in (*outputs, roles.sequence, roles.group) if name is not None}
    time = None if lists or roles.sequence is None else roles.time or _guessed_time(table, roles, without)
    if time is not None and time not in (roles.inputs or ()):
        without.add(time)
    inputs, reasons = (
        (lists, _rest(table, {*lists, *without})) if lists else _inputs(table, roles, without, outputs[0])
    )
    what = "the label" if roles.targets is None else "what is predicted"
    remarks = [
        *([f"every row is a sequence, with a list of its steps in {', '.join(lists)}"] if lists else []),
        f"{'columns' if len(outputs) > 1 else 'column'} {enumerated(outputs)} is {what}",
        *([] if time is None else [f"column {time} orders the steps of a sequence"]),
        *_unread(reasons),
        *_shared(table, reasons, roles),
    ]
    return Columns(
        inputs,
        outputs,
        categories={name: _words(tables, name) for name in inputs if name in roles.categorical},
        time=time,
        holds_lists=bool(lists),
        known=frozenset(table.columns),
        remarks=tuple(remarks),
    )


def _check_names(table: Table, roles: Roles) -> None:
    named = (
        roles.label,
        roles.sequence,
        roles.time,
        roles.group,
        *(roles.targets or ()),
        *(roles.inputs or ()),
    )
    for name in (*named, *roles.exclude, *roles.categorical):
        if name is not None:
            table.column(name)  # raises where there is none
    if twice := [name for name in roles.exclude if name in {*named, *roles.categorical}]:
        raise DataError(
            f"{table.source}: column {twice[0]!r} is excluded, but has another role; give it only one"
        )


def _lists(table: Table, roles: Roles) -> tuple[str, ...]:
    """Returns the columns that hold a list of steps in every row and are read, side by side if there are several.

    Raises:
        DataError: Other roles are named that such columns do not have.
    """
    labels = {roles.label, *(roles.targets or ())}
    free = [name for name in table.list_columns() if name not in {*labels, *roles.exclude}]
    if roles.inputs is not None:
        lists = tuple(name for name in roles.inputs if name in free)
    else:
        likely = [name for name in free if name.lower() not in {name for group in NAMED for name in group}]
        lists = _likely_lists(table, likely or free, roles)
    if not lists:
        return ()
    named = (roles.sequence, *roles.categorical, *(name for name in roles.inputs or () if name not in lists))
    if others := [name for name in named if name is not None]:
        raise DataError(
            f"{table.source}: column {lists[0]!r} holds a list of steps in every row, so that {others[0]!r} cannot be "
            "read beside it; leave one of them out"
        )
    return lists


def _likely_lists(table: Table, likely: Sequence[str], roles: Roles) -> tuple[str, ...]:
    named = [guessed(likely, SEQUENCES)] if likely else []
    # Where a list may hold labels of steps, only one of them is surely read.
    if named and (named[0] in likely or (roles.label_per_step and roles.label is None)):
        return (named[0] if named[0] in likely else likely[0],)
    return tuple(name for name in likely if _of_numbers(table.column(name).type)) or tuple(likely[:1])


def _of_numbers(kind: pa.DataType) -> bool:
    """Whether the items of a type of lists, or of lists of lists, are numbers."""
    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _outputs(table: Table, roles: Roles, *, taken: set[str]) -> tuple[str, ...]:
    """Returns the label or the targets, as named or guessed."""
    others = {
        roles.sequence,
        roles.time,
        roles.group,
        *(roles.inputs or ()),
        *roles.exclude,
        *roles.categorical,
    }
    taken |= {name for name in others if name is not None}
    if roles.targets is not None:
        outputs = roles.targets or (guessed_target(table, taken),)
    else:
        outputs = (roles.label or guessed_label(table, taken, per_step=roles.label_per_step),)
    if twice := [name for name in outputs if name in taken]:
        raise DataError(
            f"{table.source}: column {twice[0]!r} is predicted, but has another role as well; give it only one"
        )
    return outputs


def _guessed_time(table: Table, roles: Roles, without: set[str]) -> str | None:
    """Returns the only column of dates or time stamps; those that can be read in two ways order nothing."""
    used = {*without, *(roles.inputs or ()), *roles.exclude, *roles.categorical}
    names = [name for name in time_columns(table) if name not in used]
    if len(names) != 1:
        return None
    try:
        read_times(table, names[0])
    except DataError:
        return None
    return names[0]


def _inputs(
    table: Table, roles: Roles, without: set[str], label: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Returns the columns that are read, and the reason for each that is not."""
    if roles.inputs is not None:
        inputs = (*roles.inputs, *(name for name in roles.categorical if name not in roles.inputs))
        return inputs, _rest(table, {*inputs, *without})
    classes = None
    if roles.targets is None and label not in table.list_columns():
        classes = np.unique(table.texts(label, empty=True), return_inverse=True)[1].astype(np.int64)
    others = [name for name in table.columns if name not in without]
    reasons = {name: _reason_against(table, name, roles, classes) for name in others}
    against = {name: reason for name, reason in reasons.items() if reason}
    inputs = tuple(name for name in reasons if name not in against)
    if not inputs:
        left_out = "".join(f"; {remark}" for remark in _unread(against))
        words = "tagging" if roles.label_per_step else "text_classification"
        raise DataError(
            f"{table.source} has no column of numbers to read; name some in `inputs`, or choose the task {words} for "
            f"words{left_out}"
        )
    return inputs, against


def _rest(table: Table, read: set[str]) -> dict[str, str]:
    return {name: "" for name in table.columns if name not in read}


def _reason_against(table: Table, name: str, roles: Roles, classes: npt.NDArray[np.int64] | None) -> str:
    """Returns why a column is not read that nobody has named; nothing if it is read.

    Raises:
        DataError: Most of its values are numbers, but not all.
    """
    kind = table.kind_of(name)
    if name in roles.categorical:
        return ""
    if name in roles.exclude:
        return "excluded"
    if name in table.index_columns:
        return "an index of the rows"
    if kind.name in {"empty", "lists"}:
        return kind.name
    if are_words(table, name):
        return "dates or times" if is_date(table, name) else "words"
    # It raises where only most of the values are numbers.
    return no_measurement(table, name, classes)


def _words(tables: Sequence[Table], name: str) -> tuple[str, ...]:
    words = sorted({text for table in tables for text in table.texts(name, empty=True) if text})
    if not 1 <= len(words) <= MOST_CATEGORIES:
        raise DataError(
            f"{tables[0].source}: categorical column {name!r} has {len(words):,} different values; must have 1 to "
            f"{MOST_CATEGORIES}: leave it out, or join rare ones"
        )
    return tuple(words)


def _unread(reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Says which columns are not read, those with the same reason together: a table may have thousands."""
    together: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        together.setdefault(reason, []).append(name or "a column without a name")
    said = [f"{enumerated(names)}{f' ({reason})' if reason else ''}" for reason, names in together.items()]
    return (f"not read: {'; '.join(said)}",) if said else ()


def _shared(table: Table, reasons: Mapping[str, str], roles: Roles) -> tuple[str, ...]:
    """Says which ids that are not read may hold rows together that a split would tear apart."""
    if roles.group is not None:
        return ()
    shared = [
        name
        for name in reasons
        if name not in {*table.list_columns(), *roles.exclude} and comes_again(table, name)
    ]
    steps = "" if roles.sequence is not None else ", or in `sequence` if they are its steps"
    return tuple(
        f"several rows have the same {name}: name it in `group` if what belongs to one must stay in one part{steps}"
        for name in shared
    )
