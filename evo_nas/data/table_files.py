"""Files that hold tables: CSV and TSV, ARFF, Parquet, Arrow, JSON and JSON lines, and arrays of NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import feather, ipc, parquet

from evo_nas.data.arff_files import read_arff
from evo_nas.data.array_files import ONLY_ARRAY, read_arrays
from evo_nas.data.csv_files import DELIMITERS, read_csv, refuse_repeated, unnamed, without_rows
from evo_nas.data.files import content_of, format_of, in_one_line
from evo_nas.data.json_files import read_json, read_json_lines
from evo_nas.data.table import Table, trimmed
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def is_table(path: Path) -> bool:
    """Whether `read_table` knows the format of ``path`` by its name."""
    return format_of(path) in {*DELIMITERS, *_READERS, ".arff"}


def read_table(path: Path, *, delimiter: str | None = None, nameless: bool = False) -> Table:
    """Reads a table; CSV and TSV are UTF-8 and name the columns in their first row.

    Args:
        path: The file; it may be compressed. A file without a known suffix is read as CSV.
        delimiter: The character between columns of CSV and TSV; if not given, a comma or a tab, by the suffix, or the
            one that the first rows have.
        nameless: Whether columns of TSV may lack names, as in the UCR archive: a label and a sequence in each row.

    Raises:
        DataError: The file is missing, unreadable, empty or no such table.
    """
    kind = format_of(path)
    try:
        if kind in _READERS:
            columns = _READERS[kind](path)
            # Arrow reads damaged texts without a word, and fails when one is looked at.
            columns.validate(full=True)
            table = arrow_table(str(path), columns)
        elif kind == ".arff":
            table = read_arff(path)
        else:
            table = read_csv(path, delimiter=delimiter, kind=kind, nameless=nameless)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it in UTF-8") from error
    # Arrow has errors of the system for what it cannot unpack.
    except (pa.ArrowException, OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path} cannot be read as {kind[1:].upper()}: {in_one_line(error)}; mend the file"
        ) from error
    if not len(table):
        raise without_rows(path)
    return table


def is_packed(path: Path) -> bool:
    """Whether the texts of the table may be compressed within its format."""
    return _READERS.get(format_of(path)) in {_read_parquet, _read_arrow}


def has_texts(path: Path) -> bool:
    """Whether a table that `is_packed` has a column that may hold texts; only its schema is read.

    Raises:
        DataError: The file cannot be read.
    """
    source = pa.BufferReader(content_of(path))
    try:
        is_parquet = _READERS[format_of(path)] is _read_parquet
        schema = parquet.read_schema(source) if is_parquet else _arrow_schema(source)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read: {in_one_line(error)}; mend the file") from error
    return any(_may_be_text(each.type) for each in schema)


def _arrow_schema(source: pa.BufferReader) -> pa.Schema:
    try:
        return ipc.open_file(source).schema
    except pa.ArrowInvalid:
        source.seek(0)
        return ipc.open_stream(source).schema


def _may_be_text(kind: pa.DataType) -> bool:
    types = pa.types
    checks = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_binary,
        types.is_large_binary,
    )
    return types.is_dictionary(kind) or any(check(kind) for check in checks)


def frame_of(table: Table) -> pa.Table:
    """Returns the columns of a table as a frame of Arrow."""
    return pa.table(table.columns)


def arrow_table(source: str, columns: pa.Table) -> Table:
    """Returns the table of Arrow columns; those that pandas has kept as its index are marked.

    Args:
        source: Where they come from, for messages.
        columns: The columns.

    Raises:
        DataError: Two columns have the same name.
    """
    refuse_repeated(source, columns.column_names)
    # An index of the rows' numbers is no column: pandas then notes a range instead of a name.
    noted = (columns.schema.pandas_metadata or {}).get("index_columns", [])
    index = {name for name in noted if isinstance(name, str)} | set(unnamed(columns.column_names))
    return Table(
        source,
        dict(zip(columns.column_names, map(_plain, columns.columns), strict=True)),
        index_columns=tuple(name for name in columns.column_names if name in index),
    )


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns a column whose categories and bytes are texts."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
    if pa.types.is_string_view(values.type) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        values = values.cast(pa.string())
    return trimmed(values)


def _read_parquet(path: Path) -> pa.Table:
    return parquet.read_table(pa.BufferReader(content_of(path)))


def _read_arrow(path: Path) -> pa.Table:
    content = content_of(path)
    try:
        return feather.read_table(pa.BufferReader(content))
    except pa.ArrowInvalid:
        # The data sets of Hugging Face are streams, which have no table of contents.
        return ipc.open_stream(pa.BufferReader(content)).read_all()


def _read_npy(path: Path) -> pa.Table:
    values: Any = read_arrays(path)[ONLY_ARRAY]
    if values.ndim not in {1, 2}:
        raise DataError(f"{path} has shape {values.shape}; a table must be (rows, columns)")
    if names := values.dtype.names:
        return pa.table(dict(zip(names, (values[name] for name in names), strict=True)))
    columns = values[:, None] if values.ndim == 1 else values
    return pa.table({str(number): column for number, column in enumerate(columns.T)})


_READERS: Mapping[str, Callable[[Path], pa.Table]] = {
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
    ".ipc": _read_arrow,
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".npy": _read_npy,
}
