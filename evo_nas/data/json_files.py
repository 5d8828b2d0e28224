"""JSON lines, one record each, and JSON: a list of records, or an object with a list for each column."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from evo_nas.data.files import in_blocks, in_one_line, text_of
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FIRST_UNSAFE = 2.0**63
"""From here on Arrow rounds whole numbers to float64, so that two ids may become one."""
_TEXT_OR_NUMBER = (str, int, float, bool, type(None))


def read_json_lines(path: Path) -> pa.Table:
    """Reads records that follow each other; texts that look like dates stay texts.

    Raises:
        DataError: The file is no JSON, or its columns hold different things in different records.
    """
    return _of_lines(path, text_of(path))


def _of_lines(path: Path, text: str) -> pa.Table:
    if text.lstrip().startswith("["):
        return _of_value(path, _loaded(path, text))
    content = text.encode()
    try:
        found = in_blocks(partial(_parsed, content, None))
        if any(_may_be_rounded(column) for column in found.columns):
            return _of_records(path, _lines(path, text))
        texts = pa.schema([field.with_type(_without_times(field.type)) for field in found.schema])
        # Arrow takes texts for times where all of a column look like it: then it reads again, and keeps them.
        return found if texts == found.schema else in_blocks(partial(_parsed, content, texts))
    except pa.ArrowInvalid:
        # Python reads what Arrow refuses, such as words among numbers, and names the line of what it cannot read.
        return _of_records(path, _lines(path, text))


def read_json(path: Path) -> pa.Table:
    """Reads a list of records, or an object that has a list of values for each column.

    Raises:
        DataError: The file is no JSON of this kind.
    """
    text = text_of(path)
    try:
        value = _value_of(text)
    except ValueError as error:
        if "Extra data" in str(error):  # one record after the other
            return _of_lines(path, text)
        raise _no_json(path, error) from error
    return _of_value(path, value)


def _parsed(content: bytes, schema: pa.Schema | None, block_bytes: int) -> pa.Table:
    return arrow_json.read_json(
        pa.BufferReader(content),
        read_options=arrow_json.ReadOptions(block_size=block_bytes),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema),
    )


def _without_times(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_without_times(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_times(field.type)) for field in kind.fields])
    return kind


def _may_be_rounded(column: pa.ChunkedArray) -> bool:
    return pa.types.is_float64(column.type) and (pc.max(pc.abs(column)).as_py() or 0) >= _FIRST_UNSAFE


def _value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("lists or records are nested too deeply") from None


def _loaded(path: Path, text: str) -> Any:
    try:
        return _value_of(text)
    except ValueError as error:
        raise _no_json(path, error) from error


def _lines(path: Path, text: str) -> Iterable[object]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield _value_of(line)
            except ValueError as error:
                raise _no_json(f"{path}, line {number}", error) from error


def _of_value(path: Path, value: object) -> pa.Table:
    if isinstance(value, list):
        return _of_records(path, value)
    if isinstance(value, dict) and value:
        if all(isinstance(column, list) for column in value.values()):
            return _of_columns(path, value)
        if all(
            isinstance(column, dict) for column in value.values()
        ):  # pandas: each column by the row's name
            return _of_columns(path, {name: list(column.values()) for name, column in value.items()})
    raise DataError(
        f"{path} is no table; must be a list of records, or an object with a list for each column"
    )


def _of_records(path: Path, records: Iterable[object]) -> pa.Table:
    rows = []
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise DataError(
                f"{path}: record {number} is {record!r:.60}; must be an object with names and values"
            )
        rows.append(record)
    names = dict.fromkeys(name for row in rows for name in row)
    return _of_columns(path, {name: [row.get(name) for row in rows] for name in names})


def _of_columns(path: Path, columns: dict[str, list[Any]]) -> pa.Table:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            f"{path}: columns have different lengths, {lengths!s:.200}; every one needs a value a row"
        )
    return pa.table({name: _column(path, name, values) for name, values in columns.items()})


def _column(path: Path, name: str, values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        if all(isinstance(value, _TEXT_OR_NUMBER) for value in values):
            # As CSV would have it: words among numbers are found when numbers are asked for, and long ids stay whole.
            return pa.array([None if value is None else _as_text(value) for value in values])
        raise DataError(
            f"{path}: column {name!r} holds lists, records or values of several kinds; all rows must hold the same"
        ) from None


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _no_json(place: Path | str, error: ValueError) -> DataError:
    return DataError(f"{place} cannot be read as JSON: {in_one_line(error)}; mend the file")
