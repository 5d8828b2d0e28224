"""Numbers as writers of CSV spell them, and the marks that stand for a missing one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy.typing as npt

# Not all that Python's float() takes: `1_000` is a name and `٣` a word until their writer says otherwise.
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_FINITE = re.compile(NUMBER)
_NUMBER = rf"^(?:{NUMBER}|[+-]?(?i:inf|infinity))$"
MISSING_MARKS = frozenset(
    ("", "na", "n/a", "#n/a", "<na>", "nan", "+nan", "-nan", "null", "none", "missing", "-", "--", "?", ".")
)
"""Texts, in lower case, that stand for a missing value in a column of numbers; in one of words they are words."""
LARGEST = 3.4e38
"""Numbers beyond this one overflow in the float32 that networks compute with."""


@dataclass(frozen=True, slots=True)
class Numerals:
    """A column read as numbers.

    Attributes:
        numbers: float64 ``(rows,)``; NaN where the value is missing or no number.
        is_missing: Whether there is no value, ``(rows,)``.
        is_wrong: Whether there is a value that is no number, ``(rows,)``.
    """

    numbers: npt.NDArray[np.float64]
    is_missing: npt.NDArray[np.bool_]
    is_wrong: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """What the values of a column are.

    Attributes:
        name: ``numeric`` if all given values are numbers, ``mixed`` if some are; ``empty`` if no value is given.
            Truth values and times are ``words``, records are ``lists``.
        wrong: How many values of a mixed column are no numbers.
        first_wrong: Position of the first of them; None if there is none.
    """

    name: Literal["numeric", "mixed", "words", "lists", "empty"]
    wrong: int = 0
    first_wrong: int | None = None


def is_number(text: str) -> bool:
    """Whether ``text`` spells a finite number."""
    return _FINITE.fullmatch(text) is not None


def is_text(values: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a column holds texts."""
    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def is_list(values: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a column holds lists."""
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_kind(values.type) for is_kind in kinds)


def read_numerals(values: pa.Array) -> Numerals:
    """Returns the numbers that a column holds or spells."""
    if is_text(values):
        return _spelled(values)
    is_missing = _flags(pc.is_null(values, nan_is_null=True))
    if pa.types.is_boolean(values.type) or pa.types.is_integer(values.type) or _has_fractions(values):
        # Unsafe, because a safe cast refuses integers that float64 rounds.
        return Numerals(_floats(values), is_missing, np.zeros(len(values), dtype=np.bool_))
    return Numerals(np.full(len(values), np.nan), is_missing, ~is_missing)


def kind_of(values: pa.Array) -> ColumnKind:
    """Returns what the values of a column are."""
    if pa.types.is_nested(values.type):
        return ColumnKind("lists")
    if pa.types.is_boolean(values.type):
        return ColumnKind("words")
    numerals = read_numerals(values)
    wrong, missing = np.flatnonzero(numerals.is_wrong), int(numerals.is_missing.sum())
    if len(wrong) + missing == len(values):
        # Marks of missing numbers are words if there is no number: `NA` alone may be a country.
        return ColumnKind("empty" if values.null_count == len(values) else "words")
    return ColumnKind("mixed", len(wrong), int(wrong[0])) if len(wrong) else ColumnKind("numeric")


def _spelled(texts: pa.Array) -> Numerals:
    is_null = _flags(pc.is_null(texts))
    try:
        numbers = _floats(texts)
        if not np.isnan(numbers[~is_null]).any():
            return Numerals(numbers, is_null, np.zeros(len(texts), dtype=np.bool_))
    except pa.ArrowInvalid:
        pass
    # Only some of the texts are numbers, or Arrow has taken a word such as nan(5) for one: each is looked at.
    is_spelled = pc.match_substring_regex(texts, _NUMBER)
    numbers = _floats(pc.if_else(is_spelled, texts, None))
    marks = pa.array(MISSING_MARKS, texts.type)
    is_missing = is_null | _flags(pc.is_in(pc.utf8_lower(texts), marks))
    return Numerals(numbers, is_missing, np.isnan(numbers) & ~is_missing)


def _floats(values: pa.Array) -> npt.NDArray[np.float64]:
    numbers = pc.cast(values, pa.float64(), safe=False).fill_null(np.nan)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)


def _flags(values: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _has_fractions(values: pa.Array) -> bool:
    return bool(pa.types.is_floating(values.type) or pa.types.is_decimal(values.type))
