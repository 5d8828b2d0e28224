"""The columns of the ledger, one row per evaluation, and the conversion from and to evaluations.

Whole columns are converted at once; a row is never a Python mapping.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from itertools import pairwise, starmap
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evo_nas.genome.space import Genome

Describe = Callable[["Genome"], str]
"""Returns the JSON of the architecture of a genome; the ledger itself does not know the search space."""

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("asked_after", pa.int64(), nullable=False),
        pa.field("genome", pa.list_(pa.int32()), nullable=False),
        pa.field("canonical_hash", pa.string(), nullable=False),
        pa.field("architecture", pa.string()),
        pa.field("parents", pa.list_(pa.int64()), nullable=False),
        pa.field("operator", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("fitness", pa.float64()),
        pa.field("metrics", pa.map_(pa.string(), pa.float64()), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("curve", pa.list_(pa.float64()), nullable=False),
        pa.field("budget", pa.int32(), nullable=False),
        pa.field("epochs", pa.int32(), nullable=False),
        pa.field("parameters", pa.int64(), nullable=False),
        pa.field("train_s", pa.float64(), nullable=False),
        pa.field("queue_s", pa.float64(), nullable=False),
        pa.field("worker", pa.string(), nullable=False),
        pa.field("node", pa.string(), nullable=False),
        pa.field("attempt", pa.int32(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("finished_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("error", pa.string(), nullable=False),
        pa.field("backends", pa.list_(pa.string()), nullable=False),
        pa.field("table_parameters", pa.int64(), nullable=False),
        pa.field("rungs", pa.list_(pa.int32()), nullable=False),
        pa.field("thresholds", pa.list_(pa.float64()), nullable=False),
        pa.field("cut", pa.int32(), nullable=False),
        pa.field("repeats", pa.int64()),
        pa.field("continues", pa.int64()),
        pa.field("starts_from", pa.string(), nullable=False),
        pa.field("cpu_s", pa.float64(), nullable=False),
        pa.field("steps", pa.int64(), nullable=False),
        pa.field("inherited_steps", pa.int64(), nullable=False),
        pa.field("weights", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("trains", pa.string(), nullable=False),
        pa.field("findings", pa.list_(pa.list_(pa.int32())), nullable=False),
        pa.field("finding_scores", pa.list_(pa.float64()), nullable=False),
    ]
)
"""``seq`` is the place in the order of telling, from 0; ``architecture`` is null if no `Describe` was given.

A column that is added later needs a default in its dataclass, which older rows and candidates get.
"""

_CANDIDATE = tuple(field.name for field in fields(Candidate))
_OUTCOME = tuple(field.name for field in fields(Outcome))
_CIRCUMSTANCES = tuple(
    field.name for field in fields(Evaluation) if field.name not in ("candidate", "outcome")
)
_MICROSECONDS = 1_000_000
_STORED: dict[str, Callable[[Any], Any]] = {
    "metrics": lambda metrics: list(metrics.items()),
    "finished_at": lambda seconds: round(seconds * _MICROSECONDS),
}
"""Converts values whose column has another type than their field."""
EVALUATION_COLUMNS = ("seq", *_CANDIDATE, *_OUTCOME, *_CIRCUMSTANCES)
"""The columns that make evaluations: all but ``architecture``, which has most of the bytes."""


def to_table(
    evaluations: Sequence[Evaluation], *, first_seq: int, describe: Describe | None = None
) -> pa.Table:
    """Returns the rows of ``evaluations``, told in this order from ``first_seq`` on."""
    candidates = [evaluation.candidate for evaluation in evaluations]
    columns: dict[str, Sequence[Any]] = {
        **_attributes(candidates, _CANDIDATE),
        **_attributes([evaluation.outcome for evaluation in evaluations], _OUTCOME),
        **_attributes(evaluations, _CIRCUMSTANCES),
    }
    columns["seq"] = range(first_seq, first_seq + len(evaluations))
    columns["architecture"] = [describe(c.genome) if describe else None for c in candidates]
    for name, stored in _STORED.items():
        columns[name] = [stored(value) for value in columns[name]]
    return pa.Table.from_arrays(
        [pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA
    )


def complete(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Returns ``table`` with exactly the columns of ``schema``.

    A missing column is newer than the table and gets the default of its field in every row.

    Raises:
        KeyError: It lacks a column whose field has no default.
    """
    present = set(table.column_names)
    for name in schema.names:
        if name not in present:
            default = _STORED.get(name, lambda value: value)(_default(name))
            column = pa.array([default] * len(table), schema.field(name).type)
            table = table.append_column(name, column)
    table = table.select(schema.names)
    return table if table.schema.equals(schema) else table.cast(schema)


def to_evaluations(table: pa.Table) -> list[Evaluation]:
    """Returns the evaluations of the rows of ``table``, in its order; fields whose columns it lacks are blank."""
    present = set(table.column_names)
    columns = {
        name: _values(table[name]) if name in present else [_blank(name)] * len(table)
        for name in (*_CANDIDATE, *_OUTCOME, *_CIRCUMSTANCES)
    }
    columns["status"] = [Status(status) for status in columns["status"]]
    columns["finished_at"] = [micros / _MICROSECONDS for micros in columns["finished_at"]]
    candidates = starmap(Candidate, _rows(columns, _CANDIDATE))
    outcomes = starmap(Outcome, _rows(columns, _OUTCOME))
    circumstances = _rows(columns, _CIRCUMSTANCES)
    return [
        Evaluation(candidate, outcome, *rest)
        for candidate, outcome, rest in zip(candidates, outcomes, circumstances, strict=True)
    ]


def candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    """Returns ``candidate`` as plain JSON values."""
    # JSON has no infinity; all thresholds are text, so that a reader need not ask which is which.
    return {name: getattr(candidate, name) for name in _CANDIDATE} | {
        "thresholds": [repr(threshold) for threshold in candidate.thresholds]
    }


def candidate_from_json(values: Mapping[str, Any]) -> Candidate:
    """Returns the candidate that `candidate_to_json` wrote, now or before a field was added or dropped.

    Raises:
        KeyError: It lacks a field that has no default.
    """
    known: dict[str, Any] = {}
    for name in _CANDIDATE:
        value = values[name] if name in values else _default(name)
        # JSON has lists only; every sequence of a candidate is a tuple.
        known[name] = tuple(value) if isinstance(value, list) else value
    known["thresholds"] = tuple(map(float, known["thresholds"]))
    return Candidate(**known)


def _default(name: str) -> Any:
    """Returns the default of the field ``name`` of an evaluation; raises `KeyError` if it has none."""
    for kind in (Candidate, Outcome, Evaluation):
        for field in fields(kind):
            if field.name == name and field.default is not MISSING:
                return field.default
            if field.name == name and field.default_factory is not MISSING:
                return field.default_factory()
    raise KeyError(name)


def _blank(name: str) -> Any:
    try:
        return _default(name)
    except KeyError:
        kind = SCHEMA.field(name).type
        return () if pa.types.is_list(kind) else "" if pa.types.is_string(kind) else 0


def _attributes(values: Sequence[object], names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: [getattr(value, name) for value in values] for name in names}


def _rows(columns: Mapping[str, list[Any]], names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(columns[name] for name in names), strict=True)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Returns the Python values of ``column``; equal strings are one object, to save memory."""
    array = column.combine_chunks()
    if pa.types.is_map(array.type):
        keys, items = _values(pa.chunked_array([array.keys])), array.items.to_numpy().tolist()
        return [
            dict(zip(keys[a:b], items[a:b], strict=True))
            for a, b in pairwise(array.offsets.to_numpy().tolist())
        ]
    if pa.types.is_list(array.type):
        items = _values(pa.chunked_array([array.values]))
        return [tuple(items[a:b]) for a, b in pairwise(array.offsets.to_numpy().tolist())]
    if pa.types.is_string(array.type) and not array.null_count:
        encoded = array.dictionary_encode()
        words = encoded.dictionary.to_pylist()
        return [words[index] for index in encoded.indices.to_numpy().tolist()]
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    return list(array.to_pylist() if array.null_count else array.to_numpy().tolist())
