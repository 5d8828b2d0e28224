"""Two configurations are the same search unless a key says otherwise."""

from __future__ import annotations

from evo_nas.config import SearchConfig, checked
from evo_nas.runs.identity import changed_files, changed_keys


def config(**changed: object) -> SearchConfig:
    return checked(SearchConfig, {"name": "small", "task": {"kind": "digits", "rows": 8}, **changed})


def test_differing_keys_are_named_with_both_values() -> None:
    ours = config(seed=2, task={"kind": "digits", "rows": 4}, training={"epochs": 3})
    assert changed_keys(ours, config(space={"widths": [8]}, training={"epochs": 8})) == [
        "seed: was 2, is 1",
        "task.rows: was 4, is 8",
        "training.epochs: was 3, is 8",
        "space.widths: was not given, is [8]",
    ]


def test_equal_searches_differ_in_nothing() -> None:
    assert changed_keys(config(), config()) == []


def test_budget_workers_and_place_may_change() -> None:
    other = config(budget={"evaluations": 500}, workers={"count": 7}, base_dir="/elsewhere")
    assert changed_keys(config(), other) == []


def test_paths_may_lead_elsewhere_to_the_same_files_by_the_same_names() -> None:
    def paths(*names: str, folder: str = "/a") -> SearchConfig:
        task = {
            "kind": "a",
            "path": [f"{folder}/{name}" for name in names],
            "classes": {"up": [f"{folder}/u.fa"]},
        }
        return config(task=task)

    ours, moved = paths("x.csv", "y.csv"), frozenset({"task.path", "task.classes.up"})
    assert changed_keys(ours, paths("x.csv", "y.csv", folder="/b"), moved=moved) == []
    assert len(changed_keys(ours, paths("x.csv", "y.csv", folder="/b"))) == 2
    assert len(changed_keys(ours, paths("y.csv", "x.csv"), moved=moved)) == 1
    assert len(changed_keys(ours, paths("x.csv"), moved=moved)) == 1


def test_files_that_changed_are_named_with_both_hashes() -> None:
    assert changed_files({"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == []
    assert changed_files({"a": "1", "b": "2"}, {"a": "3", "c": "4"}) == [
        "a: SHA-256 was 1, is 3",
        "b: SHA-256 was 2, is none",
        "c: SHA-256 was none, is 4",
    ]
