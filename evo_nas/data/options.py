"""The types that options of tasks are made of; they are strict, so that a text is never taken for a number."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Sized

# Used in error messages and in the reference of keys.
_SHARES = "three shares above 0 that add up to 1"
_SHARES_OR_ROWS = "three shares that add up to 1, or three whole numbers of rows"
_LEVELS = "levels between 0 and 1, ascending"
_ENCODING = "a text encoding, such as utf-8, latin-1 or utf-16"
_SHARE_OR_NUMBER = "a share between 0 and 1, or a whole number of examples"


class StrictOptions(BaseModel):
    """A section of a configuration: frozen, without conversions between types and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _not_empty(names: Sized) -> Sized:
    if not names:
        raise ValueError("must name at least one")
    return names


def _as_names(names: object) -> object:
    """Returns whole numbers as text: persons often have numbers, and files hold text."""
    if not isinstance(names, list | tuple):
        return names
    # `type` and not `isinstance`: true and false are integers in Python, but no names.
    return [str(name) if type(name) is int else name for name in names]


def _adding_up(shares: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(shares) <= 0.0 or abs(sum(shares) - 1.0) > 1e-9:
        raise ValueError(f"must be {_SHARES}")
    return shares


def _shares_or_rows(split: tuple[float, float, float]) -> tuple[float, float, float]:
    """Returns numbers of rows as integers, and shares as they are."""
    if min(split) >= 1.0 and all(part.is_integer() for part in split):
        return (int(split[0]), int(split[1]), int(split[2]))
    if min(split) > 0.0 and abs(sum(split) - 1.0) <= 1e-9:
        return split
    raise ValueError(f"must be {_SHARES_OR_ROWS}")


def _levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    if not levels or min(levels) <= 0.0 or max(levels) >= 1.0:
        raise ValueError(f"must be {_LEVELS}")
    if any(one >= next_one for one, next_one in pairwise(levels)):
        raise ValueError(f"must be {_LEVELS}; sort them and name each once")
    return levels


def _share_or_number(amount: float) -> float:
    if 0.0 < amount < 1.0:
        return amount
    if amount >= 1.0 and amount.is_integer():
        return int(amount)
    raise ValueError(f"must be {_SHARE_OR_NUMBER}")


def _encoding(name: str) -> str:
    try:
        # Decoded and not only looked up: Python's codecs also convert bytes to bytes. No bytes would not be looked up.
        bytes(4).decode(name, "replace")
    except (LookupError, ValueError):
        raise ValueError(f"must be {_ENCODING}") from None
    return name


# JSON and YAML have lists and no tuples, so tuples are read leniently (`strict=False`); their items stay strict.
Names = Annotated[
    tuple[str, ...],
    Field(strict=False, json_schema_extra={"permitted": "a list of one or more names"}),
    AfterValidator(_not_empty),
]
"""Names of columns, at least one."""
_GivenNames = Annotated[
    tuple[str | int, ...], Field(json_schema_extra={"permitted": "a list of one or more names"})
]
GroupNames = Annotated[Names, BeforeValidator(_as_names, json_schema_input_type=_GivenNames)]
"""Names of groups, at least one; whole numbers are names as well."""
Share = Annotated[float, Field(gt=0.0, lt=1.0)]
"""A share between 0 and 1, both excluded."""
Shares = Annotated[
    tuple[float, float, float],
    Field(strict=False, json_schema_extra={"permitted": _SHARES}),
    AfterValidator(_adding_up),
]
"""Shares of the training, validation and test part; their sum is 1."""
SharesOrRows = Annotated[
    tuple[float, float, float],
    Field(strict=False, json_schema_extra={"permitted": _SHARES_OR_ROWS}),
    AfterValidator(_shares_or_rows),
]
"""Shares of the training, validation and test part, or their numbers of rows as integers."""
Quantiles = Annotated[
    tuple[float, ...],
    Field(strict=False, json_schema_extra={"permitted": _LEVELS}),
    AfterValidator(_levels),
]
"""Levels of quantiles, such as .1, .5 and .9."""
Amount = Annotated[
    float, Field(json_schema_extra={"permitted": _SHARE_OR_NUMBER}), AfterValidator(_share_or_number)
]
"""A share of the examples, or their number as an integer."""
Character = Annotated[str, Field(min_length=1, max_length=1)]
"""A single character, such as a delimiter."""
Encoding = Annotated[str, Field(json_schema_extra={"permitted": _ENCODING}), AfterValidator(_encoding)]
"""The name of a text encoding."""
Count = Annotated[int, Field(ge=1, le=10_000_000)]
"""How many examples are drawn; all of them are kept in memory."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""A seed that NumPy and scikit-learn both take."""
