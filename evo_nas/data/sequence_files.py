"""Files that hold numeric sequences: tables, NumPy and MATLAB arrays, and ``.ts``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.array_files import is_arrays
from evo_nas.data.array_sequences import NamedArrays, as_steps, sequences_of_arrays
from evo_nas.data.audio_files import AudioReader, column_of_sounds, is_sound
from evo_nas.data.examples import Examples, Places, joined
from evo_nas.data.files import format_of
from evo_nas.data.guesses import guessed_label, guessed_target
from evo_nas.data.labels import step_labels_of
from evo_nas.data.layout import Layout
from evo_nas.data.numerals import is_number
from evo_nas.data.settled_columns import settled
from evo_nas.data.step_scales import remarks_on_scales
from evo_nas.data.step_tables import StepRows, sequences_of_steps
from evo_nas.data.table import Table
from evo_nas.data.table_files import read_table
from evo_nas.data.ts_files import read_ts, sequences_of_ucr
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.columns import Columns, Roles
    from evo_nas.data.examples import Label

    Numeric = npt.NDArray[np.float64]
    Source = Path | Table | NamedArrays


def read_sequences(path: Path, roles: Roles) -> Examples[Numeric]:
    """Reads the labelled numeric sequences of one file; see `SequenceReader`."""
    return SequenceReader(roles).read([path])


class SequenceReader:
    """Reads labelled numeric sequences, part by part, the training part first.

    The tables of the training part settle which columns are read; the same columns are taken by name from all other
    tables.

    Args:
        roles: What the configuration names.

    Attributes:
        names: The names of the sequences of the part that was read last, where rows are steps.
    """

    def __init__(self, roles: Roles) -> None:
        self.names: set[str] = set()
        self._roles = roles
        self._columns: Columns | None = None
        self._sounds = AudioReader(roles.audio)

    def read(self, sources: Sequence[Source]) -> Examples[Numeric]:
        """Returns the sequences of all files of a part; those that go on in a further table are joined.

        Raises:
            DataError: A file cannot be read, or the roles do not fit it.
        """
        # All are opened before any is read: every table of training tells words of a categorical column.
        sounds = [source for source in sources if isinstance(source, Path) and is_sound(source)]
        others = [source for source in sources if not (isinstance(source, Path) and is_sound(source))]
        opened = [self._opened(source) for source in others]
        if sounds:
            opened.append(self._with_outputs(self._sounds.read(sounds)))
        tables = [each for each in opened if isinstance(each, Table)]
        if tables and self._columns is None:
            self._columns = settled(tables, self._roles)
        if tables and self._roles.sequence is not None:
            steps = self._joined_steps(tables)
            return joined([steps, *(each for each in opened if not isinstance(each, Table))])
        return joined([self._of_table(each) if isinstance(each, Table) else each for each in opened])

    @property
    def _settled(self) -> Columns:
        assert self._columns is not None
        return self._columns

    def _opened(self, source: Source) -> Table | Examples[Numeric]:
        if isinstance(source, Table):
            return source
        if isinstance(source, NamedArrays):
            return sequences_of_arrays(source, self._roles)
        if is_arrays(source):
            return sequences_of_arrays(NamedArrays.of(source, self._roles), self._roles)
        if format_of(source) == ".ts":
            return self._with_outputs(read_ts(source))
        table = read_table(source, delimiter=self._roles.delimiter, nameless=True)
        if not table.has_names:
            return self._with_outputs(sequences_of_ucr(table))
        named = column_of_sounds(table)
        return table if named is None else self._named_sounds(table, named, source.parent)

    def _with_outputs(self, examples: Examples[Numeric]) -> Examples[Numeric]:
        if self._roles.label_per_step:
            raise DataError(
                f"{examples.source} has one label for each sequence, where every step needs one; choose the task "
                "classification, or files with a label for each step"
            )
        return examples if self._roles.targets is None else _with_numbers(examples)

    def _named_sounds(self, table: Table, column: str, folder: Path) -> Examples[Numeric]:
        """Returns the sounds that a table names, relative to the folder that it is in."""
        roles = self._roles
        if roles.targets is not None:
            outputs = roles.targets or (guessed_target(table, {column}),)
            labels: Sequence[Label] = list(table.matrix(outputs))
        else:
            outputs = (roles.label or guessed_label(table, {column, roles.group or ""}),)
            labels = table.texts(outputs[0])
        groups = table.texts(roles.group) if roles.group else None
        examples = self._sounds.read([folder / name for name in table.texts(column)], labels, groups)
        said = f"column {column} names files of sound, {', '.join(outputs)} the label of each"
        return replace(examples, remarks=(said, *table.remarks, *examples.remarks))

    def _of_table(self, table: Table) -> Examples[Numeric]:
        return self._from_lists(table) if self._settled.holds_lists else self._from_rows(table)

    def _from_rows(self, table: Table) -> Examples[Numeric]:
        """Every row is a sequence: its columns are the steps."""
        columns, roles = self._settled, self._roles
        if roles.label_per_step:
            raise DataError(
                f"{table.source}: every row is a sequence with one label, where every step needs a label; name "
                "the column of the sequence in `sequence`"
            )
        values = columns.values(table, holes=roles.holes)
        if values.shape[1] % roles.features:
            raise DataError(
                f"{table.source} has {values.shape[1]} input columns; features is {roles.features}: must divide them "
                f"evenly. They are {columns.inputs[0]} to {columns.inputs[-1]}; {'; '.join(columns.remarks)}"
            )
        if columns.categories:
            raise DataError(
                f"{table.source}: a categorical column needs rows that are steps; name the column of the sequence in "
                "`sequence`, or leave `categorical` out"
            )
        items = values.reshape(len(table), -1, roles.features)
        shape = f"{items.shape[1]} steps with {_values(roles.features)}"
        return Examples(
            table.source,
            items=list(items),
            labels=self._labels(table),
            groups=table.texts(roles.group) if roles.group else None,
            remarks=(
                f"every row is a sequence of {shape}, columns {columns.inputs[0]} to {columns.inputs[-1]}",
                *columns.remarks,
                *columns.remarks_on(table),
                *remarks_on_scales(table.source, items, columns.inputs),
            ),
            missing=table.missing(),
            places=places_of_rows(table),
            layout=Layout(row=columns.inputs, outputs=columns.outputs),
        )

    def _labels(self, table: Table) -> Sequence[Label]:
        outputs = self._settled.outputs
        if self._roles.targets is None:
            return table.texts(outputs[0])
        targets = table.matrix(outputs, holes=True)
        for row, column in np.argwhere(np.isnan(targets)).tolist():
            raise DataError(
                f"{table.place(outputs[column], row)}: the target is missing; drop the row or mend it"
            )
        return list(targets)

    def _from_lists(self, table: Table) -> Examples[Numeric]:
        """Every row holds a sequence: a list with a value, or a list of values, for each step."""
        columns, roles = self._settled, self._roles
        label = columns.outputs[0]
        if label in table.list_columns() and not roles.label_per_step:
            raise DataError(
                f"{table.source}: column {label!r} holds a list of labels in every row; a classification needs one: "
                "choose the task labelling, or another column"
            )
        items = self._lists(table)
        labels: Sequence[Label]
        if roles.label_per_step:
            # A step whose label is missing is padding.
            rows = [
                ["" if each is None else str(each) for each in row] for row in table.lists(label, holes=True)
            ]
            place, steps = f"{table.source}, column {label!r}", list(map(len, items))
            labels = step_labels_of(place, list(map(np.array, rows)), steps).labels
        else:
            labels = self._labels(table)
        return Examples(
            table.source,
            items=items,
            labels=labels,
            groups=table.texts(roles.group) if roles.group else None,
            remarks=(*columns.remarks, *columns.remarks_on(table)),
            missing=table.missing(),
            places=places_of_rows(table),
            features=columns.inputs if items[0].shape[1] == len(columns.inputs) else (),
            layout=Layout(lists=columns.inputs, outputs=columns.outputs),
        )

    def _lists(self, table: Table) -> list[Numeric]:
        """Returns the sequence ``(time, values)`` of each row; lists of several columns lie side by side."""
        columns, roles = self._settled, self._roles
        lists = [table.lists(name, holes=roles.holes) for name in columns.inputs]
        items = []
        for row, *values in zip(table.row_numbers(), *lists, strict=True):
            steps = [as_steps(f"{table.source}, row {row}", value) for value in values]
            if len(set(map(len, steps))) > 1:
                lengths = (f"{name!r} {len(each)}" for name, each in zip(columns.inputs, steps, strict=True))
                raise DataError(
                    f"{table.source}, row {row}: lists have different numbers of steps, {', '.join(lengths)}; name in "
                    "`inputs` those that belong together"
                )
            items.append(np.concatenate(steps, axis=1))
        return items

    def _joined_steps(self, tables: Sequence[Table]) -> Examples[Numeric]:
        columns = self._settled
        steps = [StepRows.of(table, columns, self._roles) for table in tables]
        self.names = {str(name) for each in steps for name in np.unique(each.names)}
        examples = sequences_of_steps(steps, columns, self._roles)
        told = [remark for table in tables for remark in columns.remarks_on(table)]
        first = (
            f"every row is a step of the sequence that column {self._roles.sequence} names, with "
            f"{', '.join(columns.names)}"
        )
        return replace(
            examples,
            remarks=(first, *columns.remarks, *told, *examples.remarks),
            features=columns.names,
            indicators=columns.indicators,
            layout=Layout(
                (), self._roles.sequence, columns.time, columns.categories, outputs=columns.outputs
            ),
        )


def _with_numbers(examples: Examples[Numeric]) -> Examples[Numeric]:
    """Returns examples with numbers for their labels."""
    targets: list[Numeric] = []
    for position, label in enumerate(examples.labels):
        if not is_number(str(label)):
            raise DataError(f"{examples.where[position]}: the target is {str(label)!r}; must be a number")
        targets.append(np.array([float(str(label))]))
    return replace(examples, labels=targets)


def places_of_rows(table: Table) -> Places:
    """Returns the place of each row of a table."""
    return Places.of(table.source, "row", table.row_numbers())


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
