"""Turns the errors of pydantic into messages: field, value received, values permitted."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

MAX_SHOWN = 60
_REQUIREMENTS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of at most 19 digits",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "path_type": "a path",
    "dict_type": "a section with keys of its own",
    "mapping_type": "a section with keys of its own",
    "model_type": "a section with keys of its own",
    "model_attributes_type": "a section with keys of its own",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "too_short": "a list of at least {min_length} entries",
    "too_long": "a list of at most {max_length} entries",
    "literal_error": "{expected}",
    "enum": "{expected}",
}
_BOUNDS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})


def checked(model: type[Model], values: object, *, at: str = "") -> Model:
    """Returns a checked instance of ``model`` with ``values``.

    Args:
        model: The pydantic model of a section.
        values: Content of the section.
        at: Dotted path of the section in its file; empty for the whole file.

    Raises:
        ConfigError: Values are wrong; the message has one line for each problem.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(complaints(error, model, at=at))) from None


def complaints(error: ValidationError, model: type[BaseModel], *, at: str = "") -> list[str]:
    """Returns one line for each problem in ``error``, which validating ``model`` has raised."""
    problems = error.errors(include_url=False)
    places = {details["loc"][:-1] for details in problems}
    return [_complaint(each, model, at) for each in problems if not _follows(each, places)]


def _follows(details: ErrorDetails, places: set[tuple[int | str, ...]]) -> bool:
    """Whether a list counts as too short only because of a wrong entry, which has a line of its own."""
    return details["type"] == "too_short" and details["loc"] in places


def nearest(name: str, permitted: list[str]) -> str:
    """Returns advice for a name that is not one of ``permitted``: the closest one and the whole list."""
    close = difflib.get_close_matches(name, permitted, n=1, cutoff=0.6)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"{guess}permitted: {', '.join(permitted) or 'none'}"


def _complaint(details: ErrorDetails, model: type[BaseModel], at: str) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    field = _dotted(at, details["loc"])
    if kind == "extra_forbidden":
        return (
            f"{field} is unknown; {nearest(str(details['loc'][-1]), _fields_at(model, details['loc'][:-1]))}"
        )
    if kind == "missing":
        return f"{field} is missing; it must be given"
    if kind == "value_error":
        return _own_words(str(context["error"]), field, value)
    requirement = _REQUIREMENTS.get(kind)
    if requirement is None:
        return f"{field} is {shown(value)}; {details['msg'][:1].lower()}{details['msg'][1:]}"
    # A field's `description` explains its bounds, so it fits no other kind of error.
    reason = _description(model, details["loc"]) if kind in _BOUNDS else ""
    return f"{field} is {shown(value)}; must be {requirement.format(**context)}{reason and f', {reason}'}"


def _own_words(message: str, field: str, value: object) -> str:
    """Returns the message of a validator: a requirement on one value, or a sentence about a whole section."""
    if message.startswith("must "):
        return f"{field} is {shown(value)}; {message}"
    return f"{field}: {message}" if field and not message.startswith(field) else message


def shown(value: object) -> str:
    """Returns ``value`` on one line as it could be written in YAML, shortened."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def _dotted(at: str, loc: tuple[int | str, ...]) -> str:
    path = at
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path or "the configuration"


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Returns the names of the fields of the section at ``loc`` inside ``model``."""
    return list(_model_at(model, loc).model_fields)


def _description(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """Returns the reason for the bounds of the field at ``loc``, if the field gives one."""
    names = [part for part in loc if isinstance(part, str)]
    owner = _model_at(model, tuple(names[:-1]))
    return (
        (owner.model_fields[names[-1]].description or "") if names and names[-1] in owner.model_fields else ""
    )


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel]:
    for part in loc:
        field = model.model_fields.get(str(part))
        model = (field and _model_in(field.annotation)) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Returns the first pydantic model in ``annotation``, directly or in a list, mapping or union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list, tuple, dict, Mapping):
        return next(filter(None, map(_model_in, get_args(annotation))), None)
    return None
