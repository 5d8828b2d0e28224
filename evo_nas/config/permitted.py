"""Describes in plain words which values a key accepts, from the JSON schema of its options model.

A field whose validator checks more than the schema says so in ``Field(json_schema_extra={"permitted": ...})``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Schema = dict[str, Any]

_NOUNS = {
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "string": ("text", "texts"),
    "object": ("a section", "sections"),
}


def permitted_words(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """Returns a description of the permitted values, such as ``a whole number from 1 to 64``.

    Args:
        schema: JSON schema of one value.
        definitions: The schemas that ``$ref`` refers to, by name.
    """
    return _words(schema, definitions, plural=False)


def _words(schema: Schema, definitions: Mapping[str, Schema], *, plural: bool) -> str:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "permitted" in schema:
        return str(schema["permitted"])
    if "anyOf" in schema:
        # Null is left out, since the default of the key already shows that it is permitted.
        choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
        return " or ".join(_words(choice, definitions, plural=plural) for choice in choices)
    if "enum" in schema or schema.get("type") == "boolean":
        return _choice(schema.get("enum", [True, False]), plural=plural)
    return _typed(schema, definitions, plural=plural)


def _typed(schema: Schema, definitions: Mapping[str, Schema], *, plural: bool) -> str:
    match schema.get("type"):
        case "array":
            return _list(schema, definitions)
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"a section: names, each with {_words(schema['additionalProperties'], definitions, plural=False)}"
        case "string":
            return _text(schema, plural=plural)
        case kind:
            noun = _NOUNS.get(str(kind), ("any value", "any values"))[plural]
            return noun + _range(schema, whole=kind == "integer")


def _choice(values: Iterable[Any], *, plural: bool) -> str:
    written = [value if isinstance(value, str) else json.dumps(value) for value in values]
    if plural:
        return f"any of {', '.join(written)}"
    return " or ".join(written) if len(written) < 3 else f"one of {', '.join(written)}"


def _list(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    if "prefixItems" in schema:
        entries = [_words(entry, definitions, plural=False) for entry in schema["prefixItems"]]
        return f"a list of {', '.join(entries)}"
    amount = "one or more " if schema.get("minItems") == 1 else ""
    entries_words = _words(schema["items"], definitions, plural=True)
    return f"a list of {amount if not entries_words.startswith('any of') else ''}{entries_words}"


def _text(schema: Schema, *, plural: bool) -> str:
    if schema.get("format") == "path":
        return "paths" if plural else "a path"
    if schema.get("minLength") == schema.get("maxLength") == 1:
        return "single characters" if plural else "one character"
    pattern = f" that matches {schema['pattern']}" if "pattern" in schema else ""
    return _NOUNS["string"][plural] + pattern


def _range(schema: Schema, *, whole: bool) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if whole:  # a whole number above 0 reads better as at least 1
        low, above = (above + 1 if above is not None else low), None
        high, below = (below - 1 if below is not None else high), None
    if low is not None and high is not None:
        return f" from {_number(low)} to {_number(high)}"
    bounds = (("of at least", low), ("above", above), ("of at most", high), ("below", below))
    said = [f"{word} {_number(bound)}" for word, bound in bounds if bound is not None]
    return f" {' and '.join(said)}" if said else ""


def _number(bound: float) -> str:
    return f"{int(bound):,}" if bound == int(bound) else f"{bound}"
