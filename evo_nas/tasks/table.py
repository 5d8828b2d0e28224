"""CSV files of numbers, read so that whatever is wrong is said with its row and column."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

FIRST_ROW = 2
"""The row number of the first row of values: the header is row 1, as in a spreadsheet."""


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a CSV file as text; numbers are parsed where they are asked for."""

    path: Path
    columns: dict[str, pa.ChunkedArray]

    def numeric_columns(self) -> list[str]:
        """Returns the names of the columns whose first value is a number, in the file's order."""
        return [name for name, texts in self.columns.items() if _starts_with_a_number(texts)]

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Returns column ``name`` as float64 ``(rows,)``.

        Raises:
            DataError: There is no such column, or one of its values is missing, infinite or not a number.
        """
        if name not in self.columns:
            raise DataError(f"{self.path} has no column {name!r}{self._nearest(name)}")
        texts = self.columns[name].combine_chunks()
        try:
            numbers = np.array(pc.cast(texts, pa.float64()).fill_null(np.nan))
        except pa.ArrowInvalid:
            numbers = np.array([_parsed(text) for text in texts.to_pylist()])
        unusable = np.flatnonzero(~np.isfinite(numbers))
        if unusable.size:
            raise self._unusable_value(name, row=int(unusable[0]), text=texts[int(unusable[0])].as_py())
        return numbers

    def _nearest(self, name: str) -> str:
        near = get_close_matches(name, self.columns, n=1, cutoff=0.0)
        return f"; did you mean {near[0]!r}? It has {', '.join(map(repr, self.columns))}"

    def _unusable_value(self, name: str, *, row: int, text: str | None) -> DataError:
        where = f"{self.path}, row {row + FIRST_ROW}, column {name!r}"
        if text is None or np.isnan(_parsed(text, default=0.0)):
            return DataError(
                f"{where}: the value is missing; every value must be a number: fill it in, drop the row or "
                "leave the column out"
            )
        return DataError(
            f"{where} is {text!r}; must be a finite number with a decimal point: mend it, drop the row or "
            "leave the column out"
        )


def read_table(path: Path, *, delimiter: str = ",") -> Table:
    """Reads a CSV file in UTF-8 whose first row names the columns.

    Raises:
        DataError: The file is missing, unreadable, empty or no such CSV file.
    """
    try:
        header = _header(path, delimiter)
        # All columns are read as text: Arrow would guess each type from the first block alone.
        texts = arrow_csv.read_csv(
            path,
            read_options=arrow_csv.ReadOptions(use_threads=False),  # or errors do not say the row
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True
            ),
        )
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read as CSV in UTF-8: {error}; mend the file") from error
    return Table(path, {name: pc.utf8_trim_whitespace(texts.column(name)) for name in header})


def _header(path: Path, delimiter: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    if not header:
        raise DataError(f"{path} is empty; must hold a row of column names and rows of numbers")
    if not any(np.isnan(_parsed(name)) for name in header):
        raise DataError(
            f"{path} starts with numbers, {delimiter.join(header)[:60]}; its first row must name the columns"
        )
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(
            f"{path} has {len(repeated)} repeated column names, the first {repeated[0]!r}; rename them"
        )
    return header


def _starts_with_a_number(texts: pa.ChunkedArray) -> bool:
    first = next((text.as_py() for text in texts if text.is_valid), None)
    return first is not None and not np.isnan(_parsed(first))


def _parsed(text: str | None, *, default: float = np.nan) -> float:
    """Returns the number that ``text`` is, or ``default`` if it is none."""
    try:
        return float(text) if text is not None else default
    except ValueError:
        return default
