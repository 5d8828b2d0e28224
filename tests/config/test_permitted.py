"""What a key takes is said in words, not in the types of Python."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter

from evo_nas.config.permitted import permitted_words


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (Annotated[int, Field(ge=1, le=100_000)], "a whole number from 1 to 100,000"),
        (Annotated[int, Field(gt=0)], "a whole number of at least 1"),
        (Annotated[int, Field(ge=0, lt=10)], "a whole number from 0 to 9"),
        (Annotated[float, Field(ge=0.0, le=1.0)], "a number from 0 to 1"),
        (Annotated[float, Field(gt=0.5, lt=1)], "a number above 0.5 and below 1"),
        (Annotated[float, Field(le=2)], "a number of at most 2"),
        (bool, "true or false"),
        (str, "text"),
        (Annotated[str, Field(min_length=1, max_length=1)], "one character"),
        (Annotated[str, Field(pattern="^a+$")], "text that matches ^a+$"),
        (Path, "a path"),
        (Literal["constant", "cosine", "halving"], "one of constant, cosine, halving"),
        (Literal["none", "balanced"], "none or balanced"),
        (Colour, "red or blue"),
        (int | None, "a whole number"),
        (int | str, "a whole number or text"),
        (tuple[str, ...], "a list of texts"),
        (tuple[Colour, ...], "a list of any of red, blue"),
        (Annotated[tuple[bool, ...], Field(min_length=1)], "a list of any of true, false"),
        (
            Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)],
            "a list of one or more whole numbers of at least 1",
        ),
        (tuple[int, float], "a list of a whole number, a number"),
        (dict[str, tuple[Path, ...]], "a section: names, each with a list of paths"),
        (dict[str, Any], "a section"),
        (Any, "any value"),
        (
            Annotated[float, Field(json_schema_extra={"permitted": "a share of the examples"})],
            "a share of the examples",
        ),
    ],
)
def test_values_are_put_into_words(annotation: Any, words: str) -> None:
    schema = TypeAdapter(annotation).json_schema()
    assert permitted_words(schema, schema.get("$defs", {})) == words
