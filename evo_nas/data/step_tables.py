"""Tables whose rows are steps: rows that name the same sequence belong together, in all files of a part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evo_nas.data.examples import Examples, Places, summed
from evo_nas.data.time import read_times
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.columns import Columns, Roles
    from evo_nas.data.examples import Label
    from evo_nas.data.table import Table

    Numeric = npt.NDArray[np.float64]
    Texts = npt.NDArray[np.str_]
    Rows = npt.NDArray[np.intp]
    Times = npt.NDArray[np.number[Any]]

IRREGULAR = 1.5
"""A step so many times as long as the median is no rounding of clocks or months."""


@dataclass(frozen=True, slots=True)
class StepRows:
    """The rows of one table, or of several that follow each other.

    Attributes:
        source: The files, for messages.
        values: float64 ``(rows, features)``.
        names: The sequence of each row.
        outputs: The label of each row, ``(rows,)``, or its targets, float64 ``(rows, targets)``.
        groups: The group of each row; None if there are none.
        times: What orders the rows of a sequence, ``(rows,)``; None for the order in which they are.
        missing: How many values of each column are missing.
    """

    source: str
    values: Numeric
    names: Texts
    outputs: Texts | Numeric
    groups: Texts | None
    times: Times | None
    missing: Mapping[str, int]

    @classmethod
    def of(cls, table: Table, columns: Columns, roles: Roles) -> Self:
        """Returns the rows of ``table``."""
        assert roles.sequence is not None
        return cls(
            table.source,
            columns.values(table, holes=roles.holes),
            np.array(table.texts(roles.sequence)),
            # A target that only the last step of a sequence has is looked for there.
            table.matrix(columns.outputs, holes=True)
            if roles.targets is not None
            else np.array(table.texts(columns.outputs[0])),
            np.array(table.texts(roles.group)) if roles.group else None,
            _times(table, columns.time),
            table.missing(),
        )


class Piece(NamedTuple):
    """A sequence, or some successive steps of it.

    Attributes:
        name: The name of the sequence.
        rows: Its rows in the order of time.
        end: How many steps of the sequence there are up to its end; 0 if it is whole.
    """

    name: str
    rows: Rows
    end: int = 0

    def __str__(self) -> str:
        return f"{self.name} to step {self.end}" if self.end else self.name


def sequences_of_steps(files: Sequence[StepRows], columns: Columns, roles: Roles) -> Examples[Numeric]:
    """Returns the sequences of all files; their rows are in the order of time, but need not follow each other.

    Where sequences are cut into pieces, those of one sequence are a group, unless there are other groups.

    Raises:
        DataError: A sequence has several labels, targets or groups where it must have one.
    """
    steps = _joined(files)
    pieces = whole = _sequences(steps)
    if roles.window is not None:
        pieces = [piece for each in whole for piece in _cut(each, roles.window, roles.stride)]
    groups = None if steps.groups is None else _constant(steps, steps.groups, pieces, what="group")
    if groups is None and roles.window is not None:
        groups = [piece.name for piece in pieces]
    return Examples(
        steps.source,
        items=[steps.values[piece.rows] for piece in pieces],
        labels=_outputs(steps, pieces, columns, roles),
        groups=groups,
        remarks=(*_continued(files), *_remarks_on_time(steps, whole, columns.time)),
        missing=steps.missing,
        places=Places.of(steps.source, "sequence", list(map(str, pieces))),
        ends=_ends(steps, pieces),
    )


def _joined(files: Sequence[StepRows]) -> StepRows:
    if len(files) == 1:
        return files[0]
    groups = [each.groups for each in files if each.groups is not None]
    times = [each.times for each in files if each.times is not None]
    return StepRows(
        ", ".join(each.source for each in files),
        np.concatenate([each.values for each in files]),
        np.concatenate([each.names for each in files]),
        np.concatenate([each.outputs for each in files]),
        np.concatenate(groups) if groups else None,
        np.concatenate(times) if times else None,
        summed(each.missing for each in files),
    )


def ordered_sequences(table: Table, sequence: str, time: str | None) -> list[Piece]:
    """Returns the sequences of a table whose rows are steps, in the order in which they appear.

    Args:
        table: The table.
        sequence: Column with the name of each row's sequence.
        time: Column that orders the steps of a sequence; None for the order of the rows.

    Raises:
        DataError: A name is missing, or times are none.
    """
    return _ordered(np.array(table.texts(sequence)), _times(table, time))


def _sequences(steps: StepRows) -> list[Piece]:
    return _ordered(steps.names, steps.times)


def _ordered(names: Texts, times: Times | None) -> list[Piece]:
    # A stable sort keeps the order of the rows where no time tells it.
    order = np.lexsort((names,) if times is None else (times, names))
    ends = np.flatnonzero(names[order][1:] != names[order][:-1]) + 1
    # Sequences come in the order of the files again.
    rows_of = sorted(np.split(order, ends), key=lambda rows: int(rows.min()))
    return [Piece(str(names[rows[0]]), rows) for rows in rows_of]


def _cut(whole: Piece, window: int, stride: int) -> list[Piece]:
    """Returns the pieces of a sequence, the last one at its end; a shorter sequence stays whole."""
    ends = range(len(whole.rows), window - 1, -stride)
    return [Piece(whole.name, whole.rows[end - window : end], end) for end in reversed(ends)] or [whole]


def _times(table: Table, name: str | None) -> Times | None:
    if name is None:
        return None
    if table.kind_of(name).name == "numeric":
        return table.numbers(name)
    return read_times(table, name).astype(np.int64)


def _ends(steps: StepRows, pieces: Sequence[Piece]) -> list[float] | None:
    """Returns when each piece ends; None without times, or if these only count the steps of a sequence."""
    if steps.times is None or len({steps.times[piece.rows[0]].item() for piece in pieces}) == 1:
        return None
    return [steps.times[piece.rows[-1]].item() for piece in pieces]


def _remarks_on_time(steps: StepRows, sequences: Sequence[Piece], name: str | None) -> Iterator[str]:
    """Says what was sorted, and what a network that counts steps does not see."""
    if steps.times is None:
        return
    if moved := sum(bool((np.diff(piece.rows) < 0).any()) for piece in sequences):
        yield f"the steps of {moved:,} sequences were put into the order of {name}"
    apart = np.concatenate([np.diff(steps.times[piece.rows]) for piece in sequences])
    if same := np.count_nonzero(apart == 0):
        yield f"{same:,} steps have the same {name} as the step before them"
    usual = float(np.median(apart)) if len(apart) else 0.0
    if usual > 0 and apart.max() > IRREGULAR * usual:
        yield f"steps of {name} are up to {apart.max() / usual:,.1f} times as long as usual; all count as equally long"


def _continued(files: Sequence[StepRows]) -> tuple[str, ...]:
    """Says how many sequences go on in a further file."""
    seen: set[str] = set()
    torn: set[str] = set()
    for each in files:
        names = set(each.names.tolist())
        torn |= names & seen
        seen |= names
    if not torn:
        return ()
    return (
        f"{len(torn):,} sequences, such as {min(torn)!r}, go on in a further file and were joined in the order of the "
        "files; where they are different ones, give each a name of its own",
    )


def _outputs(steps: StepRows, pieces: Sequence[Piece], columns: Columns, roles: Roles) -> Sequence[Label]:
    if roles.targets is not None:
        outputs = steps.outputs.astype(np.float64)
        return [
            np.array(
                [
                    _target(f"{steps.source}: sequence {piece} has", outputs[piece.rows, at], name, roles)
                    for at, name in enumerate(columns.outputs)
                ]
            )
            for piece in pieces
        ]
    labels = steps.outputs.astype(np.str_)
    if roles.label_per_step:
        return [labels[piece.rows] for piece in pieces]
    return _constant(steps, labels, pieces, what="label")


def _constant(steps: StepRows, values: Texts, pieces: Sequence[Piece], *, what: str) -> list[str]:
    for piece in pieces:
        if len(np.unique(values[piece.rows])) > 1:
            advice = "choose the task labelling, or another column"
            raise DataError(
                f"{steps.source}: sequence {piece.name!r} has several {what}s; it must have one: "
                f"{advice if what == 'label' else 'choose another column'}"
            )
    return [str(values[piece.rows[0]]) for piece in pieces]


def _target(place: str, values: Numeric, name: str, roles: Roles) -> float:
    """Returns the target of a sequence from the values ``(time,)`` of its column, NaN where one is missing."""
    known = np.unique(values[~np.isnan(values)])
    if roles.takes_last:
        if np.isnan(values[-1]):
            raise DataError(
                f"{place} no target at its last step in column {name!r}; every sequence must have one"
            )
        return float(values[-1])
    if not len(known):
        raise DataError(f"{place} no target in column {name!r}; every sequence must have one")
    if len(known) > 1:
        raise DataError(
            f"{place} several targets in column {name!r}, {known[0]:g} and {known[1]:g}; set target_of to last for "
            "that of its last step"
        )
    return float(known[0])
