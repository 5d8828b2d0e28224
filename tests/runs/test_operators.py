"""Which operators a run used, and what their children achieved."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from evo_nas.ledger import SCHEMA
from evo_nas.runs.operators import COLUMNS, OperatorTally, tally_operators


def rows(*given: dict[str, Any]) -> pa.Table:
    default = {
        "parents": [],
        "status": "ok",
        "repeats": None,
        "continues": None,
        "fitness": None,
        "inherited_steps": 0,
    }
    listed = [{**default, **row, "seq": seq} for seq, row in enumerate(given)]
    return pa.Table.from_pylist(listed, pa.schema([SCHEMA.field(name) for name in COLUMNS]))


FOUNDERS = (
    {"id": 0, "operator": "seed:gru+norm", "fitness": 0.5},
    {"id": 1, "operator": "random", "fitness": 0.7},
)


def test_a_child_is_better_if_it_beats_its_best_parent() -> None:
    tallies = tally_operators(
        rows(
            *FOUNDERS,
            {"id": 2, "operator": "width", "parents": [0], "fitness": 0.6},
            {"id": 3, "operator": "width", "parents": [1], "fitness": 0.6},
            {"id": 4, "operator": "crossover", "parents": [0, 1], "fitness": 0.6},
            {"id": 5, "operator": "width", "parents": [1], "status": "diverged"},
        )
    )
    assert tallies == [
        OperatorTally("width", children=3, share=0.75, better=1, failed=1),
        OperatorTally("crossover", children=1, share=0.25, better=0, failed=0),
    ]


def test_a_child_of_two_operators_counts_for_both() -> None:
    tallies = tally_operators(
        rows(*FOUNDERS, {"id": 2, "operator": "width+depth", "parents": [0], "fitness": 0.6})
    )
    assert [(tally.operator, tally.share, tally.better) for tally in tallies] == [
        ("depth", 1.0, 1),
        ("width", 1.0, 1),
    ]


def test_repeated_trainings_are_no_children_and_count_in_the_mean_of_what_they_repeat() -> None:
    (tally,) = tally_operators(
        rows(
            *FOUNDERS,
            {"id": 2, "operator": "width", "parents": [0], "fitness": 0.6},
            {"id": 3, "operator": "repeat", "parents": [0], "fitness": 0.1, "repeats": 2},
        )
    )
    assert (tally.operator, tally.children, tally.better) == ("width", 1, 0)


def test_a_pruned_child_is_as_good_as_its_continuation() -> None:
    (tally,) = tally_operators(
        rows(
            *FOUNDERS,
            {"id": 2, "operator": "width", "parents": [0], "status": "pruned", "fitness": 0.9},
            {"id": 3, "operator": "promotion", "parents": [0], "fitness": 0.95, "continues": 2},
        )
    )
    assert (tally.children, tally.better, tally.failed) == (1, 1, 0)


def test_a_child_that_inherited_is_compared_with_what_inherited_alone() -> None:
    tallies = tally_operators(
        rows(
            *FOUNDERS,
            {"id": 2, "operator": "width", "parents": [0], "fitness": 0.8, "inherited_steps": 9},
            {"id": 3, "operator": "from_scratch", "parents": [2], "repeats": 2, "fitness": 0.1},
            {"id": 4, "operator": "depth", "parents": [2], "fitness": 0.6, "inherited_steps": 18},
        )
    )
    assert {tally.operator: (tally.children, tally.better) for tally in tallies} == {
        "width": (1, 0),
        "depth": (1, 0),
    }


def test_a_run_without_children_has_no_operators() -> None:
    assert tally_operators(rows(*FOUNDERS)) == []


def test_what_a_long_training_found_is_no_child_of_it() -> None:
    tallies = tally_operators(
        rows(
            {"id": 0, "operator": "supernet", "status": "trained"},
            {"id": 1, "operator": "supernet", "status": "trained", "parents": [0], "continues": 0},
            {"id": 2, "operator": "darts", "parents": [1], "fitness": 0.6},
            {"id": 3, "operator": "cell-node", "parents": [2], "fitness": 0.7},
        )
    )
    assert tallies == [OperatorTally("cell-node", children=1, share=1.0, better=1, failed=0)]
