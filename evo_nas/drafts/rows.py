"""Drafts for tables whose rows are sequences, or steps of sequences, of numbers with labels or targets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.drafts.draft import LIKELY, POSSIBLE, SURE, Draft, Line
from evo_nas.drafts.labelled import metric_line, remedies, split_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.drafts.look import TableLook

_NUMBERED = re.compile(r"(.*?)[_ .-]?(\d+)")
FEWEST_COLUMNS, FEWEST_ROWS = 6, 50
ALIKE, ALIKE_MORE = 0.4, 0.15
"""Mean correlation of columns that are one step apart, and how much more it is than that of neighbours."""
MOST_DISTINCT = 20
"""Different whole numbers up to which a column called target may hold classes."""


def classification(look: TableLook) -> Draft | None:
    """Returns the draft of a class for each sequence; None if no column can be the label."""
    label = look.label
    if label is None or not (look.numeric or look.lists) or label in look.lists:
        return None
    if look.sequence is not None and not look.lists:
        if not look.is_constant_within(label):
            return None
        reason = (
            f"rows are steps of the sequence that {look.sequence} names, and each sequence has one {label}"
        )
        return _sequences("classification", SURE, reason, look, (_label(look, label), *_metric(look, label)))
    shape = _lists(look) if look.lists else _rows(look, label)
    named = look.is_words(label) or label.lower() in {"label", "class", "target", "y"}
    # Beside dates, rows are more often steps of a series than examples.
    certainty = POSSIBLE if look.times or not named else SURE if look.lists else LIKELY
    reason = f"every row is an example, and column {label} has {len(look.counts(label))} classes"
    lines = (*shape, _label(look, label), *_metric(look, label))
    return _examples("classification", certainty, reason, look, lines)


def labelling(look: TableLook) -> Draft | None:
    """Returns the draft of a class for each step; None if no label changes within sequences."""
    if look.lists or look.sequence is None or look.label is None or look.is_constant_within(look.label):
        return None
    reason = f"rows are steps of the sequence that {look.sequence} names, and {look.label} changes within sequences"
    lines = (_label(look, look.label), *_metric(look, look.label))
    return _sequences("labelling", LIKELY if look.times else SURE, reason, look, lines)


def regression(look: TableLook) -> Draft | None:
    """Returns the draft of a number for each sequence; None if no column's name says that it is to be predicted."""
    target = look.target or (look.numeric[-1] if look.numeric else None)
    if target is None or len(look.numeric) + len(look.lists) < 2:
        return None
    certainty = POSSIBLE
    if look.target is not None and look.label != target and len(look.counts(target)) > MOST_DISTINCT:
        certainty = SURE if look.lists or look.sequence else LIKELY
    goal = Line(
        "targets", [target], "the number to predict" + ("" if look.target else ": the last column, a guess")
    )
    metric = Line("metric", "rmse", "in the units of the target; or: mae, mse, r2")
    if look.sequence is not None and not look.lists:
        reason = f"rows are steps of the sequence that {look.sequence} names, and {target} is a number"
        lines: tuple[Line, ...] = (goal, metric)
        if not look.is_constant_within(target):
            lines = (
                goal,
                Line("target_of", "last", f"{target} changes within a sequence; the last row counts"),
                metric,
            )
        return _sequences("regression", certainty, reason, look, lines)
    shape = _lists(look) if look.lists else _rows(look, target)
    reason = f"every row is an example, and column {target} holds numbers to predict"
    return _examples("regression", certainty, reason, look, (*shape, goal, metric))


def _examples(kind: str, certainty: int, reason: str, look: TableLook, lines: Sequence[Line]) -> Draft:
    return _draft(kind, certainty, reason, look, lines, examples=len(look), steps=max(len(look.numeric), 1))


def _sequences(kind: str, certainty: int, reason: str, look: TableLook, lines: Sequence[Line]) -> Draft:
    assert look.sequence is not None
    lengths = look.counts(look.sequence)
    steps = len(look.table) // len(lengths)
    named = Line("sequence", look.sequence, f"it names {len(lengths):,} sequences of about {steps:,} rows")
    count = len(lengths) * len(look.files.train)
    return _draft(kind, certainty, reason, look, (named, *lines), examples=count, steps=steps)


def _draft(
    kind: str,
    certainty: int,
    reason: str,
    look: TableLook,
    lines: Sequence[Line],
    *,
    examples: int,
    steps: int,
) -> Draft:
    group: tuple[Line, ...] = ()
    if look.group is not None and not look.files.has_test:
        count = len(look.counts(look.group))
        group = (
            Line("group", look.group, f"{count:,} of them; none is in two parts. Leave it out to draw rows"),
        )
    missing = (
        Line(
            "missing",
            "mask",
            f"{look.holes:,} values are missing; networks are told where. Or: interpolate, previous",
        ),
    )
    by_group = look.group if group else ""
    return Draft(
        kind,
        certainty,
        reason,
        (
            *look.files.lines(),
            *lines,
            *group,
            *(missing if look.holes else ()),
            *split_lines(look.files, examples, by_group=by_group or ""),
        ),
        examples=examples,
        steps=steps,
        remedies=() if by_group else remedies(look.files, examples),
    )


def _label(look: TableLook, label: str) -> Line:
    others = [
        name
        for name in look.table.columns
        if name != label and look.is_words(name) and name not in look.times
    ]
    others = [name for name in others if name not in {look.sequence, look.group}]
    instead = f"; or: {', '.join(others[:3])}" if others else ""
    return Line("label", label, f"its {len(look.counts(label))} values come again and again{instead}")


def _metric(look: TableLook, label: str) -> tuple[Line, ...]:
    return (metric_line(look.table.texts(label, empty=True)),)


def _lists(look: TableLook) -> tuple[Line, ...]:
    return (Line("inputs", look.lists[:1], "every row holds a sequence in it"),)


def _rows(look: TableLook, output: str) -> tuple[Line, ...]:
    """Returns how many columns are one step, where the names of the columns say it."""
    inputs = [name for name in look.numeric if name not in {output, look.group}]
    stems = [match[1] if (match := _NUMBERED.fullmatch(name)) else name for name in inputs]
    period = len(dict.fromkeys(stems))
    cycles = (
        period < len(stems)
        and stems == (stems[:period] * len(stems))[: len(stems)]
        and len(stems) % period == 0
    )
    if cycles and period > 1:
        return (
            Line("features", period, f"the columns {', '.join(inputs[:period])} are the values of one step"),
        )
    if (width := _width_by_values(look, inputs)) is not None:
        reason = (
            f"columns {width} apart resemble each other more than neighbours do, as x and y of one step would"
        )
        return (Line("features", width, f"{reason}; or: 1, if every column is a step"),)
    reason = (
        f"each of the {len(inputs)} columns is a step with one value; if several columns in a row are the "
    )
    return (Line("features", 1, f"{reason}values of one step, such as x and y, say how many"),)


def _width_by_values(look: TableLook, inputs: Sequence[str]) -> int | None:
    """Returns 2 or 3 if that many columns in a row seem to be the values of one step, None if not."""
    if len(inputs) < FEWEST_COLUMNS or len(look.table) < FEWEST_ROWS:
        return None
    values = look.table.matrix(inputs, holes=True)
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < FEWEST_ROWS or not values.std(axis=0).all():
        return None
    likeness = np.corrcoef(values, rowvar=False)
    near, *others = (float(np.diagonal(likeness, apart).mean()) for apart in (1, 2, 3))
    best = int(np.argmax(others))
    width = best + 2
    is_likely = others[best] > ALIKE and others[best] > near + ALIKE_MORE and len(inputs) % width == 0
    return width if is_likely else None
