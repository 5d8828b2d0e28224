"""Files that hold tables: CSV and TSV, ARFF, Parquet, JSON lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json
from pyarrow import parquet

from evo_nas.data.files import format_of, reading
from evo_nas.data.numerals import is_number
from evo_nas.data.table import Table, trimmed
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_UNNAMED = re.compile(r"|Unnamed: \d+|__index_level_\d+__")
"""Names that pandas' index gets in CSV, when it is read and written again, and in Parquet."""
ATTRIBUTE = re.compile(r"""@attribute\s+("[^"]*"|'[^']*'|\S+)""", re.IGNORECASE)
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def is_table(path: Path) -> bool:
    """Whether `read_table` knows the format of ``path`` by its name."""
    return format_of(path) in {*_DELIMITERS, *_READERS}


def read_table(path: Path, *, delimiter: str | None = None) -> Table:
    """Reads a table; CSV and TSV are UTF-8 and name the columns in their first row.

    Args:
        path: The file; it may be compressed. A file without a known suffix is read as CSV.
        delimiter: The character between columns of CSV and TSV; a comma or a tab, by the suffix, if not given.

    Raises:
        DataError: The file is missing, unreadable, empty or no such table.
    """
    kind = format_of(path)
    with reading(path):
        try:
            if kind in _READERS:
                table = _READERS[kind](path)
            else:
                table = _read_csv(path, delimiter or _DELIMITERS.get(kind, ","))
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{path} cannot be read as {kind[1:].upper() or 'CSV'}: {error}; mend the file"
            ) from error
    if not len(table):
        raise _without_rows(path)
    return table


def _read_csv(path: Path, delimiter: str) -> Table:
    header = _header(path, delimiter)
    # All columns are read as text: Arrow would guess each type from the first block only.
    texts = arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(use_threads=False),  # with threads, errors do not name the row
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
        convert_options=_as_text(header),
    )
    return _table(path, texts, first_row=2)  # the header is row 1, as in a spreadsheet


def _as_text(names: list[str]) -> arrow_csv.ConvertOptions:
    # Only an empty cell without quotes is missing here: whether `NA` is, depends on the other values of its column.
    return arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )


def _header(path: Path, delimiter: str) -> list[str]:
    # Arrow reads a header without a word about repeated names, or names that are the first row of numbers.
    with pa.input_stream(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=delimiter)
        # Only two lines are read here: the header, and one more to see whether there are rows.
        header, first = next(lines, []), next(lines, None)
    if not header:
        raise DataError(f"{path} is empty; must hold a row of column names and rows of values")
    if all(map(is_number, header)):
        raise DataError(
            f"{path} starts with numbers, {delimiter.join(header)[:60]}; its first row must name the columns"
        )
    _refuse_repeated(path, header)
    if first is None:
        raise _without_rows(path)
    return header


def _read_arff(path: Path) -> Table:
    """Reads dense ARFF; SciPy's reader refuses nominal values with a blank before them, which UCI files have."""
    names: list[str] = []
    with pa.input_stream(path) as stream, io.TextIOWrapper(stream, encoding="utf-8") as file:
        for line in file:
            words = line.strip()
            if words.lower().startswith("@data"):
                break
            if attribute := ATTRIBUTE.match(words):
                names.append(attribute.group(1).strip("\"'"))
        rows = "".join(line for line in file if line.strip() and not line.startswith("%"))
    if not names or not rows:
        raise DataError(f"{path} has no @attribute or no row after @data; must be dense ARFF")
    if rows.lstrip().startswith("{"):
        raise DataError(f"{path} is sparse ARFF; only dense ARFF is read: convert it")
    _refuse_repeated(path, names)
    convert = _as_text(names)
    convert.null_values = ["?", ""]  # ARFF writes a missing value as a question mark
    # The rows are CSV whose quotes are single; Arrow parses them, and a message counts them from the first.
    texts = arrow_csv.read_csv(
        io.BytesIO(rows.encode()),
        read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False),
        parse_options=arrow_csv.ParseOptions(quote_char="'"),
        convert_options=convert,
    )
    return _table(path, texts)


def _read_parquet(path: Path) -> Table:
    columns = parquet.read_table(path)
    # An index of the rows' numbers is no column: pandas then notes a range instead of a name.
    named = (columns.schema.pandas_metadata or {}).get("index_columns", [])
    return _table(path, columns, index=[name for name in named if isinstance(name, str)])


def _read_json_lines(path: Path) -> Table:
    return _table(path, arrow_json.read_json(path))


def _table(path: Path, columns: pa.Table, *, first_row: int = 1, index: Sequence[str] = ()) -> Table:
    return Table(
        str(path),
        {name: trimmed(columns.column(name)) for name in columns.column_names},
        first_row,
        index_columns=tuple(
            name for name in columns.column_names if name in index or _UNNAMED.fullmatch(name)
        ),
    )


def _without_rows(path: Path) -> DataError:
    return DataError(f"{path} has no row of values; must hold at least one")


def _refuse_repeated(path: Path, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(f"{path} has repeated column names, the first {repeated[0]!r}; rename them")


_READERS: Mapping[str, Callable[[Path], Table]] = {
    ".arff": _read_arff,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
