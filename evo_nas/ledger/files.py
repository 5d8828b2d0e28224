"""Tables as files of other programs, piece by piece: CSV for spreadsheets, Parquet for everything else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv
from pyarrow import parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def csv_pieces(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[bytes]:
    """Yields the rows of ``tables``, which have ``schema``, as one CSV file; lists and maps are cells of JSON."""
    yield _csv(schema.empty_table(), include_header=True)
    for table in tables:
        yield _csv(table, include_header=False)


def parquet_pieces(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[bytes]:
    """Yields the rows of ``tables``, which have ``schema``, as one Parquet file with a row group for each."""
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            yield sink.taken()
    yield sink.taken()


def _csv(table: pa.Table, *, include_header: bool) -> bytes:
    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=include_header, quoting_style="needed")
    csv.write_csv(_flat(table), sink, options)
    content: bytes = sink.getvalue().to_pybytes()
    return content


class _Sink:
    """A file that is handed over in pieces while it is written."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Does nothing: a piece is handed over whenever it is taken."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content


def _flat(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [json.dumps(_plain(value, field.type)) for value in table[place].to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table


def _plain(value: Any, kind: pa.DataType) -> Any:
    return dict(value) if pa.types.is_map(kind) and value is not None else value
