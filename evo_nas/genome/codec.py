"""Architectures and cells as JSON, and back from JSON that anyone may have written.

The JSON follows from the dataclasses: a field has its name, in its order. Reading bounds size, nesting, numbers and
counts before anything is built; the values themselves bound widths and references. Whatever is wrong with a text is
one `GenomeError` that names the field.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter

from evo_nas.genome.architecture import Architecture, Head, Layer, Signature, Training
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.json_text import check_format, read_object, validated

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
_HASH_DIGITS = 32
_ARCHITECTURE = TypeAdapter(Architecture)
_CELL = TypeAdapter(CellGraph)
_SIGNATURE = TypeAdapter(Signature)
_ALWAYS_WRITTEN = object()
_WRITTEN: Mapping[type, tuple[tuple[str, object], ...]] = {
    kind: tuple(
        (field.name, field.default if field.metadata.get("later") else _ALWAYS_WRITTEN)
        for field in fields(kind)
    )
    for kind in (Architecture, Layer, Head, Training, CellGraph, Node)
}
"""For each dataclass the names of its fields, each with the value that is left out."""

Value = TypeVar("Value")


def to_json(architecture: Architecture) -> str:
    """Returns ``architecture`` as JSON on one line; equal architectures give equal text."""
    return _dump(architecture)


def from_json(text: str) -> Architecture:
    """Returns the architecture that `to_json` wrote.

    Raises:
        GenomeError: The text is nothing of the kind, out of bounds, or of a newer format.
    """
    return _read(_ARCHITECTURE, text, "architecture")


def architecture_hash(architecture: Architecture) -> str:
    """Returns 32 hexadecimal digits of the SHA-256 of ``architecture``, which should be canonical."""
    return hashlib.sha256(to_json(architecture).encode()).hexdigest()[:_HASH_DIGITS]


def cell_to_json(cell: CellGraph) -> str:
    """Returns ``cell`` as JSON on one line; equal cells give equal text."""
    return _dump(cell)


def cell_from_json(text: str) -> CellGraph:
    """Returns the cell that `cell_to_json` wrote.

    Raises:
        GenomeError: The text is nothing of the kind, out of bounds, or of a newer format.
    """
    return _read(_CELL, text, "cell")


def signature_from_json(text: str) -> Signature:
    """Returns the signature whose fields are the JSON object ``text``.

    Raises:
        GenomeError: The text is nothing of the kind, or out of bounds.
    """
    return validated(_SIGNATURE, read_object(text, "signature"), "signature")


def _read(adapter: TypeAdapter[Value], text: str, name: str) -> Value:
    plain = read_object(text, name)
    check_format(plain, FORMAT, name)
    return validated(adapter, plain, name)


def _dump(value: Architecture | CellGraph) -> str:
    # Not pydantic's writer: hashes hang on every byte, and Python's digits of a float are settled.
    plain = {"format": FORMAT, **_plain(value)}
    return json.dumps(plain, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(part: object) -> dict[str, object]:
    """Returns the fields of a dataclass by name, without later ones that have their default."""
    plain = {}
    for name, unwritten in _WRITTEN[type(part)]:
        value = getattr(part, name)
        if value is not unwritten and value != unwritten:
            plain[name] = value
    return plain
