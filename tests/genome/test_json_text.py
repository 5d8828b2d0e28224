from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import pytest
from pydantic import FailFast, Field, TypeAdapter

from evo_nas.errors import GenomeError
from evo_nas.genome.json_text import UNTRUSTED, check_format, read_object, validated


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Thing:
    __pydantic_config__ = UNTRUSTED

    colour: Colour
    size: int
    weight: float = 1.0
    marks: Annotated[tuple[int, ...], Field(max_length=3), FailFast()] = ()


THING = TypeAdapter(Thing)


def read(text: str) -> Thing:
    return validated(THING, read_object(text, "thing"), "thing")


def test_object_of_the_right_types_is_read() -> None:
    text = '{"colour": "red", "size": 3, "weight": 2, "marks": [1, 2]}'
    assert read(text) == Thing(Colour.RED, 3, 2.0, (1, 2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"colour": "red"}', "thing.size is missing; add it"),
        ('{"colour": "green", "size": 1}', "thing.colour is 'green'; must be one of red, blue"),
        ('{"colour": "red", "size": 1.5}', "thing.size is 1.5; must be an integer"),
        ('{"colour": "red", "size": true}', "thing.size is True; must be an integer"),
        ('{"colour": "red", "size": "1"}', "thing.size is '1'; must be an integer"),
        ('{"colour": "red", "size": 1, "weight": "x"}', "thing.weight is 'x'; must be a number"),
        ('{"colour": "red", "size": 1, "marks": 3}', "thing.marks is 3; must be a list"),
        ('{"colour": "red", "size": 1, "marks": [1, "x"]}', "thing.marks[1] is 'x'; must be an integer"),
        (
            '{"colour": "red", "size": 1, "marks": [1, 2, 3, 4]}',
            "thing.marks has 4 entries; at most 3 are allowed",
        ),
        ('{"colour": "red", "size": 1, "taste": 1}', "thing has the unknown key 'taste'; remove it"),
    ],
)
def test_field_that_is_wrong_is_named_with_what_it_must_be(text, message) -> None:
    with pytest.raises(GenomeError) as refusal:
        read(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the thing is not JSON"),
        ("3", "thing is 3; must be an object"),
        ('{"a": 1} {"b": 2}', "the thing is not JSON"),
        ("[" * 100_000, "nested deeper than 16 levels"),
        (" " * 4_000_001, "has 4000001 characters; at most 4000000"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' occurs twice"),
        ('{"a": -Infinity}', "a number is -Infinity; numbers must be finite"),
        ('{"a": 1e400}', "a number is '1e400'; numbers must be finite"),
        ('{"a": ' + "1" * 19 + "}", "a number has 19 digits; at most 18"),
        (json.dumps({str(key): 0 for key in range(1001)}), "an object has 1001 keys; at most 1000"),
    ],
)
def test_text_beyond_a_bound_is_refused_before_it_means_anything(text, message) -> None:
    with pytest.raises(GenomeError, match=message):
        read_object(text, "thing")


def test_message_stays_short_however_long_the_value_is() -> None:
    with pytest.raises(GenomeError) as refusal:
        read(json.dumps({"colour": "x" * 100_000, "size": 1}))
    assert len(str(refusal.value)) < 120


def test_format_is_taken_out_of_the_fields() -> None:
    fields = {"format": 2, "size": 1}
    check_format(fields, 2, "thing")
    assert fields == {"size": 1}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "thing.format is missing; add it"),
        ({"format": True}, "thing.format is True; must be an integer"),
        ({"format": 0}, "thing.format is 0; this evo-nas reads 1 to 2"),
        ({"format": 3}, "thing.format is 3; this evo-nas reads 1 to 2"),
    ],
)
def test_format_that_cannot_be_read_is_refused(fields, message) -> None:
    with pytest.raises(GenomeError, match=message):
        check_format(fields, 2, "thing")
