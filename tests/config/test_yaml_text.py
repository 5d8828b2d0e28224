"""What is written as YAML is read back the same, and fits a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from evo_nas.config.yaml_text import inline_yaml, parse_yaml, to_yaml

VALUES: list[Any] = [
    None,
    True,
    3,
    0.0001,
    1e-12,
    "text",
    "no",
    "1e-3",
    "a: b",
    "",
    "größer",
    [1, [2.5, "x"]],
    {"kind": "digits", "split": {"by": "rows"}},
    {"names": ["a" * 40, "b" * 40, "c" * 40]},
]


@pytest.mark.parametrize("value", VALUES)
def test_values_are_read_back_as_they_were_written(value: Any) -> None:
    assert parse_yaml(to_yaml({"value": value}), source="") == {"value": value}
    assert parse_yaml(f"value: {inline_yaml(value)}", source="") == {"value": value}


def test_an_inline_value_is_one_line() -> None:
    assert inline_yaml({"words": ["word"] * 50}).count("\n") == 0


def test_a_section_has_a_key_a_line_and_its_lists_fit_a_terminal() -> None:
    assert to_yaml({"space": {"layers": {"min": 1}, "widths": [1, 2]}}).splitlines() == [
        "space:",
        "  layers:",
        "    min: 1",
        "  widths: [1, 2]",
    ]
    assert max(map(len, to_yaml({"ops": ["linear"] * 50}).splitlines())) <= 80
