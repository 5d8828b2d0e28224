"""Values are written into text that a person wrote, and its comments stay."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from evo_nas.config.yaml_edits import edited
from evo_nas.config.yaml_text import parse_yaml, to_yaml
from evo_nas.views.configuration import Example, examples

TEXT = """\
# A search.
name: small

task: {kind: parity, train: 64}   # quickly made
space:
  widths:
    - 4    # the smallest
    - 6
  # No LSTM.
  cells: []

# What it may cost.
budget:
  evaluations: 120     # in all
workers: 2
"""


def values(**changes: Any) -> dict[str, Any]:
    read: dict[str, Any] = parse_yaml(TEXT, source="the text")
    return read | changes


@pytest.mark.parametrize(
    ("changes", "line", "instead"),
    [
        ({"name": "large"}, "name: small", "name: large"),
        ({"task": {"kind": "parity"}}, "task: {kind: parity, train: 64}   #", "task: {kind: parity}              #"),
        ({"budget": {"evaluations": 9}}, "evaluations: 120     # in all", "evaluations: 9       # in all"),
        ({"budget": {"evaluations": 120, "minutes": 5}}, "# in all\n", "# in all\n  minutes: 5\n"),
        ({"space": {"widths": [4, 6], "cells": ["lstm"]}}, "cells: []", "cells: [lstm]"),
        ({"space": {"widths": [4, 6]}}, "  cells: []\n", ""),
        ({"space": {"widths": [8], "cells": []}}, "widths:\n    - 4    # the smallest\n    - 6\n", "widths: [8]\n"),
        ({"workers": {"count": 2}}, "", ""),
        ({"workers": {"count": 3}}, "workers: 2", "workers: {count: 3}"),
        ({"seed": 7}, "workers: 2\n", "workers: 2\nseed: 7\n"),
        ({"fitness": {"rungs": None}}, "workers: 2\n", "workers: 2\nfitness:\n  rungs: null\n"),
    ],
)  # fmt: skip
def test_one_change_touches_nothing_else(changes: dict[str, Any], line: str, instead: str) -> None:
    assert edited(TEXT, values(**changes)) == TEXT.replace(line, instead)


@pytest.mark.parametrize("text", ["name: [", "", "- 1", "{name: flow}", "name: &a small"])
def test_what_cannot_be_edited_is_written_anew(text: str) -> None:
    assert edited(text, {"name": "new", "seed": 1}) == to_yaml({"name": "new", "seed": 1})


def test_true_is_not_one_and_a_whole_number_may_be_a_float() -> None:
    assert edited("seed: 1  # first\n", {"seed": True}) == "seed: true # first\n"
    assert edited("seed: 1.0  # first\n", {"seed": 1}) == "seed: 1.0  # first\n"


@pytest.mark.parametrize("example", examples()[::6], ids=lambda example: example.name)
def test_every_key_of_an_example_can_be_changed_and_taken_away(example: Example) -> None:
    before = parse_yaml(example.yaml, source=example.name)
    for path in paths(before):
        for change in (set_to_text, take_away):
            after = copy.deepcopy(before)
            change(after, path)
            written = edited(example.yaml, after)
            assert parse_yaml(written, source="written") == after
            assert written.splitlines()[0] == example.yaml.splitlines()[0]


def paths(config: dict[str, Any]) -> list[tuple[str, ...]]:
    """The keys of sections with what is in them, none of which is left empty."""
    inner = [(key, name) for key, value in config.items() if isinstance(value, dict) for name in value]
    several = [path for path in inner if len(config[path[0]]) > 1]
    return [*((key,) for key in config), *several]


def set_to_text(config: dict[str, Any], path: tuple[str, ...]) -> None:
    *above, name = path
    (config[above[0]] if above else config)[name] = "something else: # no comment"


def take_away(config: dict[str, Any], path: tuple[str, ...]) -> None:
    *above, name = path
    del (config[above[0]] if above else config)[name]
