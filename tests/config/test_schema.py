"""Two configurations are the same search unless a key says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evo_nas.config import SearchConfig, checked
from evo_nas.errors import ConfigError


def config(**changed: object) -> SearchConfig:
    return checked(SearchConfig, {"name": "small", "task": {"kind": "digits", "rows": 8}, **changed})


def test_differing_keys_are_named_with_both_values() -> None:
    ours = config(seed=2, task={"kind": "digits", "rows": 4}, training={"epochs": 3})
    assert ours.changes(config(space={"widths": [8]})) == [
        "seed: was 2, is 1",
        "task.rows: was 4, is 8",
        "training.epochs: was 3, is 8",
        "space.widths: was not given, is [8]",
    ]


def test_equal_searches_differ_in_nothing() -> None:
    assert config().changes(config()) == []


def test_budget_workers_and_place_may_change() -> None:
    other = config(budget={"evaluations": 500}, workers={"count": 7}, base_dir="/elsewhere")
    assert config().changes(other) == []


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


def test_paths_may_lead_elsewhere_to_the_same_files_by_the_same_names() -> None:
    ours = config(
        task={"kind": "a", "path": ["/a/x.csv", "/a/y.csv"], "classes": {"up": ["/a/u.fa"]}, "window": 3}
    )
    moved = config(
        task={"kind": "a", "path": ["/b/x.csv", "/b/y.csv"], "classes": {"up": ["/b/u.fa"]}, "window": 3}
    )
    swapped = config(
        task={"kind": "a", "path": ["/a/y.csv", "/a/x.csv"], "classes": {"up": ["/a/u.fa"]}, "window": 3}
    )
    fewer = config(task={"kind": "a", "path": ["/a/x.csv"], "classes": {"up": ["/a/u.fa"]}, "window": 3})
    paths = ["task.path", "task.classes.up"]
    assert ours.changes(moved, moved=paths) == []
    assert len(ours.changes(moved)) == 2
    assert len(ours.changes(moved, moved=["task.path"])) == 1
    assert len(ours.changes(swapped, moved=paths)) == len(ours.changes(fewer, moved=paths)) == 1


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
