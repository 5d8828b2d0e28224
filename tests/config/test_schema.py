"""Options of other rooms are checked and refused in the same words."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evo_nas.config import checked
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
