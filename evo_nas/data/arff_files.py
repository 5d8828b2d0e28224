r"""ARFF, the format of Weka, in full: quotes, comments, nominal and relational attributes, dense and sparse rows.

SciPy's reader refuses texts, relational attributes, and nominal values with a blank before them, which UCI files have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evo_nas.data.csv_files import refuse_repeated
from evo_nas.data.files import text_of
from evo_nas.data.numerals import read_numerals
from evo_nas.data.table import Table
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Cell = str | None

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_QUOTED}|[^\s{{]+)\s*(.*)", re.IGNORECASE)
_COMMA = re.compile(rf"\s*({_QUOTED}|[^,]*?)\s*(,|$)")
_BLANK = re.compile(rf"\s*({_QUOTED}|\S+)(\s+|$)")
_SPARSE = re.compile(rf"\s*(\d+)\s+({_QUOTED}|[^,]*?)\s*(,|$)")
_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\r": "\r"}


@dataclass(frozen=True, slots=True)
class _Attribute:
    """A column: its name and type, the values of a nominal one, and the columns of a relational one."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    inner: list[_Attribute] = field(default_factory=list)

    @property
    def default(self) -> Cell:
        """The value that a sparse row leaves out."""
        if self.values:
            return self.values[0]
        return None if self.kind in {"string", "date", "relational"} else "0"


class _File:
    """The lines of an ARFF file, read one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = enumerate(text_of(path).split("\n"), start=1)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yields the lines that say something, with their numbers."""
        return (
            (number, line.strip()) for number, line in self._lines if line.strip() and line.lstrip()[0] != "%"
        )

    def error(self, number: int, what: str) -> DataError:
        """Returns the error that a line is wrong."""
        return DataError(f"{self.path}, line {number} {what}")


def read_arff(path: Path) -> Table:
    """Reads ARFF as a table; a relational attribute is a column of sequences, each row of it a feature.

    Raises:
        DataError: The file is no ARFF, or a row does not fit its attributes.
    """
    file = _File(path)
    attributes = _attributes(file)
    refuse_repeated(path, [attribute.name for attribute in attributes])
    numbers, rows = [], []
    for number, line in file.lines():
        rows.append(_row(file, number, line, attributes))
        numbers.append(number)
    if not attributes or not rows:
        raise DataError(f"{path} has no @attribute or no row after @data; must be ARFF")
    columns = {
        attribute.name: pa.chunked_array([_column(file, attribute, numbers, cells)])
        for attribute, cells in zip(attributes, zip(*rows, strict=True), strict=True)
    }
    skipped = sorted({*range(numbers[0], numbers[-1])} - {*numbers})
    return Table(str(path), columns, first_row=numbers[0], skipped_rows=tuple(skipped))


def _attributes(file: _File, end: str = "@data") -> list[_Attribute]:
    found: list[_Attribute] = []
    for number, line in file.lines():
        if line.lower().startswith(end):
            return found
        if match := _ATTRIBUTE.match(line):
            name, kind = _unquoted(match[1]), match[2].strip()
            inner = _attributes(file, "@end") if kind.lower().startswith("relational") else []
            found.append(_attribute(file, number, name, kind, inner))
        elif not line.lower().startswith("@relation"):
            raise file.error(number, f"is {line!r:.60}; must be @relation, @attribute or {end}")
    return found


def _attribute(file: _File, number: int, name: str, kind: str, inner: list[_Attribute]) -> _Attribute:
    if kind.startswith("{"):
        cells = _cells(kind.removeprefix("{").rpartition("}")[0], _COMMA)
        return _Attribute(name, "nominal", tuple(cell or "" for cell in cells))
    kind = kind.split(maxsplit=1)[0].lower() if kind else ""
    if kind not in {"numeric", "real", "integer", "string", "date", "relational"}:
        raise file.error(
            number,
            f"gives {name!r} the type {kind!r}; must be numeric, real, integer, string, date, relational or {{...}}",
        )
    return _Attribute(name, kind, inner=inner)


def _row(file: _File, number: int, line: str, attributes: list[_Attribute]) -> list[Cell]:
    if line.startswith("{"):
        cells = _sparse(file, number, line, attributes)
    else:
        cells = _cells(line, _COMMA if "," in line or len(attributes) == 1 else _BLANK)
        if len(cells) == len(attributes) + 1 and str(cells[-1]).startswith("{"):
            del cells[-1]  # the weight of the row
    if len(cells) != len(attributes):
        raise file.error(
            number, f"has {len(cells)} values; must have {len(attributes)}, one for each @attribute"
        )
    for attribute, cell in zip(attributes, cells, strict=True):
        if cell is not None and attribute.values and cell not in attribute.values:
            raise file.error(
                number,
                f"has {cell!r} for {attribute.name!r}; must be one of {', '.join(attribute.values)!s:.200}",
            )
    return cells


def _cells(line: str, pattern: re.Pattern[str]) -> list[Cell]:
    cells, position = [], 0
    while match := pattern.match(line, position):
        cells.append(_value(match[1]))
        if match.end() == len(line) and not match[2].startswith(","):
            break
        position = match.end()
    return cells


def _sparse(file: _File, number: int, line: str, attributes: list[_Attribute]) -> list[Cell]:
    cells = [attribute.default for attribute in attributes]
    inside, position = line.removeprefix("{").rpartition("}")[0].strip(), 0
    while position < len(inside):
        match = _SPARSE.match(inside, position)
        if match is None or int(match[1]) >= len(cells):
            raise file.error(
                number,
                f"is not sparse; must hold pairs of a number of an attribute, 0 to {len(cells) - 1}, and a value",
            )
        cells[int(match[1])] = _value(match[2])
        position = match.end()
    return cells


def _value(cell: str) -> Cell:
    """Returns the value of a cell; a question mark or nothing without quotes is a missing one."""
    return None if cell in {"?", ""} else _unquoted(cell)


def _unquoted(cell: str) -> str:
    if len(cell) < 2 or cell[0] not in "'\"" or cell[-1] != cell[0]:
        return cell
    return re.sub(r"\\.", lambda match: _ESCAPES.get(match[0], match[0][1]), cell[1:-1]).strip(" ")


def _column(file: _File, attribute: _Attribute, numbers: list[int], cells: tuple[Cell, ...]) -> pa.Array:
    if attribute.kind != "relational":
        return pa.array(cells, pa.string())
    sequences = [
        None if cell is None else _sequence(file, number, attribute, cell)
        for number, cell in zip(numbers, cells, strict=True)
    ]
    return pa.array(sequences, pa.list_(pa.list_(pa.float64())))


def _sequence(file: _File, number: int, attribute: _Attribute, text: str) -> list[list[float]]:
    """Returns the steps of a relational value; the UEA archive keeps a feature in each of its rows."""
    rows = [_row(file, number, line, attribute.inner) for line in text.split("\n") if line.strip()]
    spelled = [read_numerals(pa.array(row, pa.string())) for row in rows]
    if not rows or any(each.is_wrong.any() for each in spelled):
        raise file.error(number, f"has rows of {attribute.name!r} that are not all numbers")
    steps: list[list[float]] = np.stack([each.numbers for each in spelled], axis=1).tolist()
    return steps
