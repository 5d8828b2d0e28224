"""Writes architectures and cells as JSON, and reads them back from JSON that cannot be trusted.

The JSON follows from the dataclasses: a field has its name, in its order. Reading bounds size, nesting, numbers and
counts before anything is built; the values themselves bound widths and references. Anything wrong with a text raises
one `GenomeError` that names the field.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from evo_nas.genome.architecture import Architecture, Head, Layer, Signature, Training
from evo_nas.genome.cell import CellGraph
from evo_nas.genome.json_text import check_format, read_object, validated

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
_HASH_DIGITS = 32
_ARCHITECTURE = TypeAdapter(Architecture)
_CELL = TypeAdapter(CellGraph)
_SIGNATURE = TypeAdapter(Signature)


def _plain(value: Any) -> object:
    """Returns a field's value as the JSON has it."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


# Not pydantic's writer: hashes depend on every byte, and the digits of a float in Python are fixed.
_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode
_LATER: Mapping[type, Mapping[str, object]] = {
    part: {field.name: _plain(field.default) for field in fields(part) if field.metadata.get("later")}
    for part in (Architecture, Layer, Head, Training)
}
"""For each part its later fields, with the defaults that are left out, as they are written."""

Value = TypeVar("Value")


def to_json(architecture: Architecture) -> str:
    """Returns ``architecture`` as JSON on one line; equal architectures give equal text."""
    return _dump(_without_later_defaults(architecture))


def from_json(text: str) -> Architecture:
    """Returns the architecture that `to_json` wrote.

    Raises:
        GenomeError: The text is nothing of the kind, out of bounds, or of a newer format.
    """
    return _read(_ARCHITECTURE, text, "architecture")


def architecture_hash(architecture: Architecture) -> str:
    """Returns 32 hexadecimal digits of the SHA-256 of ``architecture``, which should be canonical."""
    return hash_of_json(to_json(architecture))


def hash_of_json(text: str) -> str:
    """Returns the hash of the architecture that `to_json` has written as ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def cell_to_json(cell: CellGraph) -> str:
    """Returns ``cell`` as JSON on one line; equal cells give equal text."""
    return _dump(_CELL.dump_python(cell, warnings=False))


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


def _dump(plain: dict[str, object]) -> str:
    return _ENCODE({"format": FORMAT, **plain})


def _without_later_defaults(architecture: Architecture) -> dict[str, Any]:
    """Returns the fields of ``architecture`` by name, without later ones that have their default."""
    plain: dict[str, Any] = _ARCHITECTURE.dump_python(architecture, warnings=False)
    parts = ((plain, Architecture), (plain["head"], Head), (plain["training"], Training))
    for written, part in (*parts, *((layer, Layer) for layer in plain["layers"])):
        for name, default in _LATER[part].items():
            if written[name] == default:
                del written[name]
    return plain
