"""Typed reading of JSON objects that anyone may have written."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NoReturn, TypeVar

from evo_nas.errors import GenomeError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

MAX_CHARACTERS = 4_000_000
MAX_DEPTH = 16
MAX_DIGITS = 18
_SHOWN_CHARACTERS = 40

Choice = TypeVar("Choice", bound="StrEnum")


def parse(text: str, name: str) -> Fields:
    """Returns the JSON object that ``text`` is; ``name`` says in messages what it should be.

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
    return Fields(value, name)


def _check_depth(text: str, name: str) -> None:
    """Counts brackets, in strings too: no string that is allowed anywhere has one."""
    depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise GenomeError(f"the {name} is nested deeper than {MAX_DEPTH} levels, which none needs")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
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


class Fields:
    """The keys of one JSON object, each read once and as one type.

    Every reader raises `GenomeError` naming the field if it is missing or of another type.
    """

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise GenomeError(f"{path} is {_shown(value)}; must be an object")
        self._values: dict[str, object] = dict(value)
        self._path = path

    def close(self) -> None:
        """Refuses keys that nobody has read."""
        if self._values:
            raise GenomeError(
                f"{self._path} has the unknown key {_shown(next(iter(self._values)))}; remove it"
            )

    def check_format(self, newest: int) -> int:
        """Returns the ``format``, and refuses one other than 1 to ``newest``."""
        version = self.integer("format")
        if not 1 <= version <= newest:
            raise GenomeError(
                f"{self._path}.format is {version}; this evo-nas reads 1 to {newest}: a newer one wrote it?"
            )
        return version

    def section(self, key: str) -> Fields:
        """Returns an object."""
        return Fields(self._take(key), f"{self._path}.{key}")

    def sections(self, key: str, *, most: int) -> Iterable[Fields]:
        """Yields the objects of a list of up to ``most``."""
        for index, value in enumerate(self._list(key, most)):
            yield Fields(value, f"{self._path}.{key}[{index}]")

    def sections_by_key(self, *, most: int) -> Iterable[tuple[str, Fields]]:
        """Yields every key, none of which is known beforehand, with its object; up to ``most``."""
        if len(self._values) > most:
            raise GenomeError(f"{self._path} has {len(self._values)} entries; at most {most} are allowed")
        for key in list(self._values):
            yield key, self.section(key)

    def strings(self, key: str, *, most: int) -> tuple[str, ...]:
        """Returns a list of up to ``most`` strings."""
        values = self._list(key, most)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                self._refuse(f"{key}[{index}]", value, "a string")
        return tuple(str(value) for value in values)

    def integer(self, key: str) -> int:
        """Returns an integer."""
        return self._checked_integer(key, self._take(key))

    def optional_integer(self, key: str) -> int | None:
        """Returns an integer or null."""
        value = self._take(key)
        return None if value is None else self._checked_integer(key, value)

    def integers(self, key: str, *, most: int) -> tuple[int, ...]:
        """Returns a list of up to ``most`` integers."""
        values = enumerate(self._list(key, most))
        return tuple(self._checked_integer(f"{key}[{index}]", value) for index, value in values)

    def number(self, key: str) -> float:
        """Returns a number."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(key, value, "a number")
        return float(value)

    def boolean(self, key: str) -> bool:
        """Returns true or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            self._refuse(key, value, "true or false")
        return value

    def choice(self, key: str, choices: type[Choice]) -> Choice:
        """Returns the member of ``choices`` that the text names."""
        value = self._take(key)
        if not isinstance(value, str) or value not in list(choices):
            self._refuse(key, value, f"one of {', '.join(choices)}")
        return choices(value)

    def _take(self, key: str) -> object:
        if key not in self._values:
            raise GenomeError(f"{self._path}.{key} is missing; add it")
        return self._values.pop(key)

    def _list(self, key: str, most: int) -> list[object]:
        value = self._take(key)
        if not isinstance(value, list):
            self._refuse(key, value, "a list")
        if len(value) > most:
            raise GenomeError(f"{self._path}.{key} has {len(value)} entries; at most {most} are allowed")
        return value

    def _checked_integer(self, key: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            self._refuse(key, value, "an integer")
        return value

    def _refuse(self, key: str, value: object, wanted: str) -> NoReturn:
        raise GenomeError(f"{self._path}.{key} is {_shown(value)}; must be {wanted}")
