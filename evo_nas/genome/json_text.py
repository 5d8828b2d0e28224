"""Reads JSON that cannot be trusted: it is bounded first, then checked against a type.

Python's parser is used instead of pydantic's, since its hooks see each key and number first. They refuse repeated keys,
numbers of a million digits and NaN, all of which pydantic's parser accepts.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from evo_nas.errors import GenomeError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_CHARACTERS = 4_000_000
MAX_DEPTH = 16
MAX_DIGITS = 18
MAX_KEYS = 1000
_SHOWN_CHARACTERS = 40
UNTRUSTED = ConfigDict(extra="forbid", strict=True)
"""Configuration of the dataclasses that are read from JSON."""

Value = TypeVar("Value")


_REQUIREMENTS = {
    "bool_type": "true or false",
    "dataclass_type": "an object",
    "float_type": "a number",
    "int_from_float": "an integer",
    "int_type": "an integer",
    "string_type": "a string",
    "tuple_type": "a list",
}


def read_object(text: str, name: str) -> dict[str, Any]:
    """Returns the JSON object in ``text``; ``name`` says in messages what it should be.

    Raises:
        GenomeError: It is too long, nested too deep, no JSON, no object, or has a key twice or a number
            that is not finite or has too many digits.
    """
    if len(text) > MAX_CHARACTERS:
        raise GenomeError(f"the {name} has {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    _check_depth(text, name)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise GenomeError(f"the {name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise GenomeError(f"{name} is {_shown(value)}; must be an object")
    return value


def validated(adapter: TypeAdapter[Value], fields: dict[str, Any], name: str) -> Value:
    """Returns the value of the adapter's type for ``fields`` from `read_object`.

    Raises:
        GenomeError: A field is missing, unknown or of another type, or the value itself is impossible.
    """
    try:
        # As text, since in strict mode only JSON may give a list for a tuple or a name for a choice.
        return adapter.validate_json(json.dumps(fields))
    except ValidationError as error:
        raise GenomeError(_complaint(error.errors(include_url=False)[0], name)) from None


def check_format(fields: dict[str, Any], newest: int, name: str) -> None:
    """Takes ``format`` out of ``fields`` and refuses any but 1 to ``newest``."""
    if "format" not in fields:
        raise GenomeError(f"{name}.format is missing; add it")
    version = fields.pop("format")
    if type(version) is not int:
        raise GenomeError(f"{name}.format is {_shown(version)}; must be an integer")
    if not 1 <= version <= newest:
        raise GenomeError(
            f"{name}.format is {version}; this evo-nas reads 1 to {newest}: install a newer one"
        )


def _check_depth(text: str, name: str) -> None:
    # Brackets inside of strings count, too: no text that is allowed in a field has one.
    depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise GenomeError(f"the {name} is nested deeper than {MAX_DEPTH} levels; nothing needs that")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > MAX_KEYS:
        raise GenomeError(f"an object has {len(pairs)} keys; at most {MAX_KEYS} are allowed")
    fields = dict(pairs)
    if len(fields) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise GenomeError(f"the key {_shown(repeated)} occurs twice in one object; remove one of them")
    return fields


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise GenomeError(f"a number has {len(digits)} digits; at most {MAX_DIGITS} are allowed")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise GenomeError(f"a number is {_shown(digits)}; numbers must be finite")
    return value


def _no_constant(constant: str) -> NoReturn:
    raise GenomeError(f"a number is {constant}; numbers must be finite")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _complaint(details: ErrorDetails, name: str) -> str:
    """Returns field, value received and values permitted in one line."""
    kind, where, context = details["type"], details["loc"], details.get("ctx", {})
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{_path(name, where[:-1])} has the unknown key {_shown(where[-1])}; remove it"
    field = _path(name, where)
    if kind in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return f"{field} is missing; add it"
    if kind == "too_long":
        entries, most = len(details["input"]), context["max_length"]
        return f"{field} has {entries} entries; at most {most} are allowed"
    if kind == "enum":
        # pydantic writes 'a', 'b' or 'c'.
        permitted = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"{field} is {_shown(details['input'])}; must be one of {permitted}"
    return f"{field} is {_shown(details['input'])}; must be {_REQUIREMENTS.get(kind, details['msg'])}"


def _path(name: str, where: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return name + "".join(parts)
