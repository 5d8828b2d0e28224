"""Tables whose rows are steps: rows that name the same sequence belong together, in all files of a part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.examples import Examples, Places, summed
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.columns import Columns, Roles
    from evo_nas.data.examples import Label
    from evo_nas.data.table import Table

    Numeric = npt.NDArray[np.float64]
    Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Steps:
    """The rows of one table, or of several that follow each other.

    Attributes:
        source: The files, for messages.
        values: float64 ``(rows, features)``.
        names: The sequence of each row.
        outputs: The label of each row, ``(rows,)``, or its targets, float64 ``(rows, targets)``.
        groups: The group of each row; None if there are none.
        missing: How many values of each column are missing.
    """

    source: str
    values: Numeric
    names: Texts
    outputs: Texts | Numeric
    groups: Texts | None
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
            table.missing(),
        )


def sequences_of_steps(files: Sequence[Steps], roles: Roles) -> Examples[Numeric]:
    """Returns the sequences of all files; their rows are in the order of time, but need not follow each other.

    Raises:
        DataError: A sequence has several labels, targets or groups where it must have one.
    """
    steps = _joined(files)
    # A stable sort keeps the order of time within each sequence.
    order = np.argsort(steps.names, kind="stable")
    ends = np.flatnonzero(steps.names[order][1:] != steps.names[order][:-1]) + 1
    # Sequences come in the order of the files again: a split by time takes the last ones.
    rows_of = sorted(np.split(order, ends), key=lambda rows: int(rows[0]))
    names = [str(steps.names[rows[0]]) for rows in rows_of]
    return Examples(
        steps.source,
        items=[steps.values[rows] for rows in rows_of],
        labels=_outputs(steps, rows_of, names, roles),
        groups=None if steps.groups is None else _constant(steps, steps.groups, rows_of, names, what="group"),
        remarks=_continued(files),
        missing=steps.missing,
        places=Places.of(steps.source, "sequence", names),
    )


def _joined(files: Sequence[Steps]) -> Steps:
    if len(files) == 1:
        return files[0]
    groups = [each.groups for each in files if each.groups is not None]
    return Steps(
        ", ".join(each.source for each in files),
        np.concatenate([each.values for each in files]),
        np.concatenate([each.names for each in files]),
        np.concatenate([each.outputs for each in files]),
        np.concatenate(groups) if groups else None,
        summed(each.missing for each in files),
    )


def _continued(files: Sequence[Steps]) -> tuple[str, ...]:
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


def _outputs(
    steps: Steps, rows_of: Sequence[npt.NDArray[np.intp]], names: Sequence[str], roles: Roles
) -> Sequence[Label]:
    outputs = steps.outputs
    if roles.targets is not None:
        return _targets(steps, rows_of, names, roles)
    if roles.label_per_step:
        return [outputs[rows].astype(np.str_) for rows in rows_of]
    return _constant(steps, outputs.astype(np.str_), rows_of, names, what="label")


def _constant(
    steps: Steps, values: Texts, rows_of: Sequence[npt.NDArray[np.intp]], names: Sequence[str], *, what: str
) -> list[str]:
    for name, rows in zip(names, rows_of, strict=True):
        if len(np.unique(values[rows])) > 1:
            advice = (
                "choose the task labelling, or another column" if what == "label" else "choose another column"
            )
            raise DataError(
                f"{steps.source}: sequence {name!r} has several {what}s; it must have one: {advice}"
            )
    return [str(values[rows[0]]) for rows in rows_of]


def _targets(
    steps: Steps, rows_of: Sequence[npt.NDArray[np.intp]], names: Sequence[str], roles: Roles
) -> list[Numeric]:
    outputs = steps.outputs.astype(np.float64)
    targets = []
    for name, rows in zip(names, rows_of, strict=True):
        given = outputs[rows]
        for column, values in zip(roles.targets or (), given.T, strict=True):
            known = np.unique(values[~np.isnan(values)])
            if np.isnan(values[-1]) if roles.takes_last else not len(known):
                raise DataError(
                    f"{steps.source}: sequence {name!r} has no target in column {column!r}"
                    f"{' of its last step' if roles.takes_last else ''}; every sequence must have one"
                )
            if len(known) > 1 and not roles.takes_last:
                raise DataError(
                    f"{steps.source}: sequence {name!r} has several targets in column {column!r}, {known[0]:g} and "
                    f"{known[1]:g}; set target_of to last for that of its last step"
                )
        targets.append(given[-1] if roles.takes_last else np.nanmax(given, axis=0))
    return targets
