"""Options of other rooms are checked and refused in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evo_nas.config import checked, nearest, shown
from evo_nas.errors import ConfigError


class Options(BaseModel):
    """A task's options, as a room above would own them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    path: Path
    low: int = 0
    high: int = 1
    size: int = Field(default=8, ge=2, description="since crossover needs two parents")

    @model_validator(mode="after")
    def _ordered(self) -> Options:
        if self.low >= self.high:
            raise ValueError(f"low is {self.low}; must be less than high, {self.high}")
        return self


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"path": 3}, "task.path is 3"),
        ({"pth": "a"}, "task.pth is unknown; did you mean path? permitted: kind, path, low, high, size"),
        ({"low": 5}, "task: low is 5; must be less than high, 1"),
        ({"size": 1}, "task.size is 1; must be at least 2, since crossover needs two parents"),
        ({"low": "x"}, 'task.low is "x"; must be a whole number'),
    ],
)
def test_options_of_other_rooms_are_refused_in_the_same_words(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(Options, {"kind": "csv", "path": "a.csv", **values}, at="task")
    assert message in str(caught.value).splitlines()[0]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    rates: list[int] = Field(default=[1], min_length=1)


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    inner: Inner = Inner()
    kinds: dict[str, Inner] = {}
    mode: Literal["fast", "slow"] = "fast"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"inner": {"rats": []}}, "space.inner.rats is unknown; did you mean rates? permitted: rates"),
        ({"inner": {"rates": []}}, "space.inner.rates is []; must be a list of at least 1 entries"),
        ({"inner": {"rates": ["x"]}}, 'space.inner.rates[0] is "x"; must be a whole number'),
        ({"inner": 3}, "space.inner is 3; must be a section with keys of its own"),
        (
            {"kinds": {"a": {"rate": 1}}},
            "space.kinds.a.rate is unknown; did you mean rates? permitted: rates",
        ),
        ({"mode": "fats"}, "space.mode is \"fats\"; must be 'fast' or 'slow'"),
    ],
)
def test_a_problem_is_named_by_its_path(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(Outer, values, at="space")
    assert str(caught.value) == message


def test_each_problem_has_a_line_of_its_own() -> None:
    with pytest.raises(ConfigError) as caught:
        checked(Outer, {"mode": 3, "inner": {"rates": "x"}}, at="space")
    assert len(str(caught.value).splitlines()) == 2


def test_a_long_value_is_shown_in_part() -> None:
    assert len(shown("x" * 1000)) == 60
    assert shown({"a": [1, None]}) == '{"a": [1, null]}'


def test_a_name_like_a_permitted_one_is_suggested() -> None:
    assert nearest("agin", ["aging", "random"]) == "did you mean aging? permitted: aging, random"
    assert nearest("xyz", ["aging"]) == "permitted: aging"
    assert nearest("xyz", []) == "permitted: none"
