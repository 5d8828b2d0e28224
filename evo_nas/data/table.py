"""Tables of any format; an unusable value is reported with its row and column."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Table:
    """Columns as the file holds them; a column is parsed as numbers when they are asked for.

    Attributes:
        source: The file or data set, for messages.
        columns: Columns by name, in the file's order; text is trimmed.
        first_row: Number of the first row of values, as people count.
    """

    source: str
    columns: dict[str, pa.ChunkedArray]
    first_row: int = 1

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def missing(self) -> dict[str, int]:
        """Returns how many values of each column are missing."""
        return {
            name: pc.sum(pc.is_null(values, nan_is_null=True)).as_py() or 0
            for name, values in self.columns.items()
        }

    def numeric_columns(self) -> list[str]:
        """Returns the names of the columns whose first value is a number, in the file's order."""
        return [name for name, values in self.columns.items() if _starts_with_a_number(values)]

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Returns column ``name`` as float64 ``(rows,)``.

        Raises:
            DataError: There is no such column, or one of its values is missing, infinite or not a number.
        """
        values = self._column(name)
        # Arrow casts a whole column at once, but names no row when a value is no number: then Python parses it.
        try:
            numbers = np.array(pc.cast(values, pa.float64()).fill_null(np.nan))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            numbers = np.array([_parsed(str(value)) for value in values.to_pylist()])
        unusable = np.flatnonzero(~np.isfinite(numbers))
        if unusable.size:
            raise self._unusable_value(name, row=int(unusable[0]), value=values[int(unusable[0])].as_py())
        return numbers

    def matrix(self, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """Returns columns ``names`` side by side, float64 ``(rows, columns)``; see `numbers`."""
        return np.stack([self.numbers(name) for name in names], axis=1)

    def texts(self, name: str, *, empty: bool = False) -> list[str]:
        """Returns column ``name`` as text; with ``empty``, a missing value is an empty text.

        Raises:
            DataError: There is no such column, or one of its values is missing.
        """
        values = self._column(name)
        missing = pc.is_null(values, nan_is_null=True).to_pylist()
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

    def list_columns(self) -> list[str]:
        """Returns the names of the columns that hold a list in every row, in the file's order."""
        return [name for name, values in self.columns.items() if _is_list(values)]

    def lists(self, name: str) -> list[list[Any]]:
        """Returns column ``name`` as lists of what the file holds.

        Raises:
            DataError: There is no such column, it holds no lists, or one of them is missing or has a hole.
        """
        values = self._column(name)
        if not _is_list(values):
            raise DataError(
                f"{self.source}: column {name!r} has {values.type} values; every row must have a list"
            )
        lists: list[list[Any]] = values.to_pylist()
        for row, each in enumerate(lists):
            if not each or None in each:
                raise self._missing_value(name, row=row)
        return lists

    def _column(self, name: str) -> pa.Array:
        if name not in self.columns:
            # Without a cutoff even a distant name is suggested: the whole list follows anyway.
            near = get_close_matches(name, self.columns, n=1, cutoff=0.0)
            guess = f"; did you mean {near[0]!r}?" if near else "."
            raise DataError(
                f"{self.source} has no column {name!r}{guess} It has {', '.join(map(repr, self.columns))}"
            )
        return self.columns[name].combine_chunks()

    def _unusable_value(self, name: str, *, row: int, value: object) -> DataError:
        if value is None or np.isnan(_parsed(str(value), default=0.0)):
            return self._missing_value(name, row=row)
        return DataError(
            f"{self._place(name, row)} is {value!r}; must be a finite number with a decimal point: mend it, "
            "drop the row or leave the column out"
        )

    def _missing_value(self, name: str, *, row: int) -> DataError:
        found = ", ".join(f"{column} {count:,}" for column, count in self.missing().items() if count)
        return DataError(
            f"{self._place(name, row)}: the value is missing; every row must have one: fill it in, drop the "
            f"row or leave the column out. Missing of {len(self):,} rows: {found or f'some of {name}'}"
        )

    def _place(self, name: str, row: int) -> str:
        return f"{self.source}, row {row + self.first_row}, column {name!r}"


def trimmed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns a column without blanks around its texts."""
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    return pc.utf8_trim_whitespace(values) if is_text else values


def is_number(text: str) -> bool:
    """Whether ``text`` reads as a number."""
    return not np.isnan(_parsed(text))


def _is_list(values: pa.ChunkedArray | pa.Array) -> bool:
    kind = values.type
    return any(
        is_kind(kind) for is_kind in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    )


def _starts_with_a_number(values: pa.ChunkedArray) -> bool:
    if pa.types.is_boolean(values.type) or pa.types.is_nested(values.type):
        return False
    # The first value decides: a column that is words later on is reported where it is read, with its row.
    first = next((value.as_py() for value in values if value.is_valid), None)
    return first is not None and is_number(str(first))


def _parsed(text: str, *, default: float = np.nan) -> float:
    """Returns the number that ``text`` spells, or ``default`` if it spells none."""
    try:
        return float(text)
    except ValueError:
        return default
