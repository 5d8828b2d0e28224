"""Writes predictions as files: a table by its suffix, a text as it is, music as MIDI or a table of keys."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from evo_nas.champion.midi import midi_of
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt


def csv_of(table: pa.Table) -> bytes:
    """Returns a table as CSV with a header."""
    content = io.BytesIO()
    csv.write_csv(_with_plain_times(table), content, csv.WriteOptions(quoting_style="needed"))
    return content.getvalue()


def check_output(path: Path | None, *, generates: str = "") -> None:
    """Checks before anything is read that predictions can be written to ``path``.

    Args:
        path: Where to; None for standard output.
        generates: What is drawn, ``text`` or ``music``; "" for predictions of a file.

    Raises:
        DataError: The suffix is none that is written, or there is no such folder.
    """
    permitted = {"": [*_WRITERS], "text": [".txt"], "music": [".mid", *_WRITERS]}[generates]
    if path is None:
        return
    if path.suffix.lower() not in permitted:
        raise DataError(f"output is {path}; its name must end in {', '.join(permitted)}")
    if not path.parent.is_dir():
        raise DataError(f"output is {path}, but there is no folder {path.parent}; make it first")


def write_table(table: pa.Table, path: Path) -> None:
    """Writes a table in the format that the suffix of ``path`` names; see `check_output`."""
    path.write_bytes(_WRITERS[path.suffix.lower()](table))


def write_music(frames: npt.NDArray[np.float32], path: Path) -> None:
    """Writes frames of keys ``(time, keys)``: a ``.mid`` file that a player plays, or a table with a row a frame."""
    if path.suffix.lower() == ".mid":
        path.write_bytes(midi_of(frames))
    else:
        write_table(table_of_music(frames), path)


def table_of_music(frames: npt.NDArray[np.float32]) -> pa.Table:
    """Returns a row for each frame, with 0 or 1 for each key."""
    keys = {str(key): column for key, column in enumerate(frames.astype(np.int8).T, start=1)}
    return pa.table({"step": range(1, len(frames) + 1), **keys})


def records_of(table: pa.Table) -> list[dict[str, Any]]:
    """Returns a record of plain JSON values for each row."""
    rows = _with_plain_times(table).to_pylist()
    # JSON has no NaN.
    return [{name: _or_null(value) for name, value in row.items()} for row in rows]


def table_of_records(columns: Sequence[str], records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Returns the table of records such as `records_of` gives, with these columns in their order."""
    return pa.table({name: [record.get(name) for record in records] for name in columns})


def frames_of_music(table: pa.Table) -> npt.NDArray[np.float32]:
    """Returns the frames of keys ``(time, keys)`` of a table that `table_of_music` made."""
    keys = [
        column.to_numpy()
        for name, column in zip(table.column_names, table.columns, strict=True)
        if name != "step"
    ]
    return np.stack(keys, axis=1).astype(np.float32)


def _json_lines(table: pa.Table) -> bytes:
    lines = (json.dumps(record, ensure_ascii=False) for record in records_of(table))
    return "".join(f"{line}\n" for line in lines).encode()


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _parquet(table: pa.Table) -> bytes:
    content = io.BytesIO()
    parquet.write_table(table, content)
    return content.getvalue()


def _with_plain_times(table: pa.Table) -> pa.Table:
    """Returns a table whose times are texts without what is zero, as people write them."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            stamps = table.column(at).to_pandas()
            texts = [None if str(each) == "NaT" else str(each) for each in stamps]
            whole = all(each is None or each.endswith(" 00:00:00") for each in texts)
            spelt = [each.removesuffix(" 00:00:00") if each and whole else each for each in texts]
            table = table.set_column(at, field.name, pa.array(spelt, pa.string()))
    return table


_WRITERS: Mapping[str, Callable[[pa.Table], bytes]] = {
    ".csv": csv_of,
    ".parquet": _parquet,
    ".jsonl": _json_lines,
}
