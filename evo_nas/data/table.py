"""Tables of any format; an unusable value is reported with its row and column."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evo_nas.data.examples import enumerated
from evo_nas.data.numerals import LARGEST, is_list, is_text, kind_of, read_numerals
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy.typing as npt

    from evo_nas.data.numerals import ColumnKind


@dataclass(frozen=True, slots=True)
class Table:
    """Columns as the file holds them; a column is parsed as numbers when they are asked for.

    Attributes:
        source: The file or data set, for messages.
        columns: Columns by name, in the file's order; text is trimmed.
        first_row: Number of the first row of values, as people count.
        index_columns: Columns that number or name the rows and are no values: pandas' index, or a column of CSV
            without a name.
        has_names: Whether the file names the columns; otherwise they are ``label`` and the steps of a sequence from 1.
        skipped_rows: Numbers of the rows that were left out, ascending, such as blank lines.
        remarks: What was guessed or left out while reading, one sentence each.
    """

    source: str
    columns: dict[str, pa.ChunkedArray]
    first_row: int = 1
    index_columns: tuple[str, ...] = ()
    has_names: bool = True
    skipped_rows: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()
    _kinds: dict[str, ColumnKind] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def column(self, name: str) -> pa.Array:
        """Returns column ``name`` as the file holds it.

        Raises:
            DataError: There is no such column.
        """
        if name not in self.columns:
            # Without a cutoff even a distant name is suggested: the whole list follows anyway.
            near = get_close_matches(name, self.columns, n=1, cutoff=0.0)
            guess = f"; did you mean {near[0]!r}?" if near else "."
            raise DataError(
                f"{self.source} has no column {name!r}{guess} It has {', '.join(map(repr, self.columns))}"
            )
        return self.columns[name].combine_chunks()

    def place(self, name: str, row: int) -> str:
        """Returns the file, row and column of a value for a message."""
        return f"{self.source}, row {self.row_number(row)}, column {name!r}"

    def row_number(self, row: int) -> int:
        """Returns the number of a row as people see it in the file, from its position in a column."""
        return self.row_numbers()[row]

    def row_numbers(self) -> Sequence[int]:
        """Returns the numbers of all rows; see `row_number`."""
        end = self.first_row + len(self) + len(self.skipped_rows)
        if not self.skipped_rows:
            return range(self.first_row, end)
        skipped = set(self.skipped_rows)
        return [number for number in range(self.first_row, end) if number not in skipped][: len(self)]

    def further(self, known: Collection[str]) -> tuple[str, ...]:
        """Returns which columns are not among the ``known`` ones and thus not read, as a sentence if there are any."""
        names = [name or "a column without a name" for name in self.columns if name not in known]
        return (f"{self.source} also has {enumerated(names)}, not read",) if names else ()

    def missing(self) -> dict[str, int]:
        """Returns how many values of each column are missing."""
        return {name: int(self._is_missing(name).sum()) for name in self.columns}

    def kind_of(self, name: str) -> ColumnKind:
        """Returns what the values of column ``name`` are.

        Raises:
            DataError: There is no such column.
        """
        if name not in self._kinds:
            self._kinds[name] = kind_of(self.column(name))
        return self._kinds[name]

    def numeric_columns(self) -> list[str]:
        """Returns the names of the columns whose given values are all numbers, without an index."""
        return [
            name
            for name in self.columns
            if self.kind_of(name).name == "numeric" and name not in self.index_columns
        ]

    def numbers(self, name: str, *, holes: bool = False) -> npt.NDArray[np.float64]:
        """Returns column ``name`` as float64 ``(rows,)``; with ``holes``, a missing value is NaN.

        Raises:
            DataError: There is no such column, or one of its values is no number, infinite, beyond float32, or
                missing without ``holes``.
        """
        values = self.column(name)
        numerals = read_numerals(values)
        unusable = numerals.is_wrong | (np.abs(numerals.numbers) > LARGEST)
        rows = np.flatnonzero(unusable if holes else unusable | numerals.is_missing)
        if rows.size:
            row = int(rows[0])
            if unusable[row]:
                raise self._unusable_value(name, row=row, value=values[row].as_py())
            raise self._missing_value(name, row=row, or_else=", or say in `missing` what to do with it")
        return numerals.numbers

    def matrix(self, names: Sequence[str], *, holes: bool = False) -> npt.NDArray[np.float64]:
        """Returns columns ``names`` side by side, float64 ``(rows, columns)``; see `numbers`."""
        return np.stack([self.numbers(name, holes=holes) for name in names], axis=1)

    def texts(self, name: str, *, empty: bool = False) -> list[str]:
        """Returns column ``name`` as text; with ``empty``, a missing value is an empty text.

        Raises:
            DataError: There is no such column, it holds lists or records, or one of its values is missing.
        """
        self._require_values(name)
        values, missing = self.column(name), self._is_missing(name)
        texts = [
            None if hole else str(value) for value, hole in zip(values.to_pylist(), missing, strict=True)
        ]
        if empty:
            return [text or "" for text in texts]
        given = [text for text in texts if text]
        if len(given) < len(texts):
            row = next(row for row, text in enumerate(texts) if not text)
            raise self._missing_value(name, row=row)
        return given

    def distinct(self, name: str) -> int:
        """Returns how many different values column ``name`` has, a missing one counted as one.

        Raises:
            DataError: There is no such column, or it holds lists or records.
        """
        self._require_values(name)
        return len(self.column(name).unique())

    def list_columns(self) -> list[str]:
        """Returns the names of the columns that hold a list in every row, in the file's order."""
        return [name for name, values in self.columns.items() if is_list(values)]

    def lists(self, name: str, *, holes: bool = False) -> list[list[Any]]:
        """Returns column ``name`` as lists of what the file holds; with ``holes``, a missing item is None.

        Raises:
            DataError: There is no such column, it holds no lists, one of them is missing, or has a hole without
                ``holes``.
        """
        values = self.column(name)
        if not is_list(values):
            raise DataError(
                f"{self.source}: column {name!r} has {values.type} values; every row must have a list"
            )
        lists: list[list[Any]] = values.to_pylist()
        for row, each in enumerate(lists):
            if not each or (None in each and not holes):
                raise self._missing_value(name, row=row)
        return lists

    def _require_values(self, name: str) -> None:
        if self.kind_of(name).name == "lists":
            raise DataError(
                f"{self.source}: column {name!r} holds lists or records; must have one value in each row"
            )

    def _is_missing(self, name: str) -> npt.NDArray[np.bool_]:
        values = self.column(name)
        if is_text(values) and self.kind_of(name).name == "numeric":
            return read_numerals(values).is_missing
        # Among words, `NA` and `-` are words.
        is_null: npt.NDArray[np.bool_] = pc.is_null(values, nan_is_null=True).to_numpy(zero_copy_only=False)
        return is_null

    def _unusable_value(self, name: str, *, row: int, value: object) -> DataError:
        return DataError(
            f"{self.place(name, row)} is {value!r}; must be a finite number with a decimal point, at "
            f"most {LARGEST:g}: mend it, drop the row or leave the column out"
        )

    def _missing_value(self, name: str, *, row: int, or_else: str = "") -> DataError:
        found = ", ".join(f"{column} {count:,}" for column, count in self.missing().items() if count)
        return DataError(
            f"{self.place(name, row)}: the value is missing; every row must have one: fill it in, drop the "
            f"row or leave the column out{or_else}. Missing of {len(self):,} rows: {found or f'some of {name}'}"
        )


def trimmed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns a column without blanks around its texts; a text of blanks only is missing."""
    if not is_text(values):
        return values
    texts = pc.utf8_trim_whitespace(values)
    if texts.equals(values):
        return values  # the usual case; a file may have many thousand columns
    return pc.if_else(pc.and_(pc.equal(texts, ""), pc.not_equal(values, "")), None, texts)
