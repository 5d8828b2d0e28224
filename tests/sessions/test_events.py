"""Every event becomes one line of JSON and is read back as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.budgets import Ending
from evo_nas.champion.comparison import Pairing
from evo_nas.champion.statistics import Comparison
from evo_nas.champion.verdict import Contestant, Verdict
from evo_nas.errors import ExecutionError
from evo_nas.evaluation import Status
from evo_nas.execution.executor import Occupancy
from evo_nas.savings import Savings
from evo_nas.sessions.events import (
    KINDS,
    Baselines,
    Best,
    Completed,
    Event,
    Failed,
    Founded,
    Judged,
    Loaded,
    Planned,
    Progressed,
    Started,
    Stopped,
    Working,
    event_from_json,
    event_to_json,
    is_last,
)
from evo_nas.tasks.baselines.fitting import BaselineResult
from tests.cli.conftest import HALF

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(0, 2**53)
TEXT = st.text(max_size=20)
SCORES = st.dictionaries(TEXT, FLOATS, max_size=3)
RESULTS = st.dictionaries(TEXT, st.builds(BaselineResult, st.none() | FLOATS, FLOATS, TEXT), max_size=3)
CONTESTANTS = st.builds(Contestant, TEXT, TEXT, COUNTS, FLOATS, FLOATS, st.tuples(FLOATS, FLOATS), COUNTS)
COMPARISONS = st.builds(
    Comparison, FLOATS, st.none() | FLOATS, st.none() | FLOATS, FLOATS, TEXT, st.none() | FLOATS
)
PAIRINGS = st.builds(Pairing, TEXT, st.none() | COMPARISONS, st.none() | COMPARISONS)
VERDICTS = st.builds(
    Verdict,
    candidate=COUNTS,
    evaluations=COUNTS,
    metric=TEXT,
    higher_is_better=st.booleans(),
    champion=CONTESTANTS,
    opponents=st.lists(CONTESTANTS, max_size=2).map(tuple),
    comparisons=st.lists(PAIRINGS, max_size=2).map(tuple),
    baselines=SCORES,
)
BEST = st.builds(
    Best,
    id=COUNTS,
    value=FLOATS,
    fitness=FLOATS,
    parameters=COUNTS,
    operator=TEXT,
    parents=st.lists(COUNTS, max_size=2).map(tuple),
    canonical_hash=TEXT,
    architecture=TEXT,
)
OCCUPANCY = st.builds(Occupancy, workers=COUNTS, busy=COUNTS, in_flight=COUNTS, obstacle=TEXT, seconds=SCORES)
EVENTS: dict[type[Event], st.SearchStrategy[Event]] = {
    Working: st.builds(
        Working, doing=TEXT, done=st.none() | COUNTS, total=st.none() | COUNTS, remaining_s=st.none() | FLOATS
    ),
    Loaded: st.builds(Loaded, remarks=st.lists(TEXT, max_size=3).map(tuple)),
    Founded: st.builds(Founded, remarks=st.lists(TEXT, max_size=3).map(tuple)),
    Baselines: st.builds(Baselines, metric=TEXT, results=RESULTS),
    Started: st.builds(
        Started, run=TEXT, name=TEXT, metric=TEXT, higher_is_better=st.booleans(), told=COUNTS
    ),
    Progressed: st.builds(
        Progressed,
        told=COUNTS,
        told_at_start=COUNTS,
        asked=COUNTS,
        evaluations=COUNTS,
        train_s=FLOATS,
        train_s_budget=st.none() | FLOATS,
        elapsed_s=FLOATS,
        per_minute=FLOATS,
        remaining_s=st.none() | FLOATS,
        by_status=st.dictionaries(st.sampled_from(Status), COUNTS),
        best=st.none() | BEST,
        population=SCORES,
        workers=OCCUPANCY,
        finished=st.booleans(),
        interrupted=st.booleans(),
        commit_s=FLOATS,
        wall_s=FLOATS,
        wall_s_budget=st.none() | FLOATS,
    ),
    Stopped: st.builds(Stopped, run=TEXT, told=COUNTS, evaluations=COUNTS, complete=st.booleans()),
    Planned: st.builds(
        Planned,
        candidate_s=FLOATS,
        evaluations=COUNTS,
        search_s=FLOATS,
        verdict_s=FLOATS,
        hints=st.lists(TEXT).map(tuple),
    ),
    Completed: st.builds(Completed, run=TEXT, ending=st.none() | st.sampled_from(Ending), told=COUNTS),
    Failed: st.builds(Failed, error=TEXT),
    Judged: st.builds(Judged, verdict=VERDICTS),
}


@pytest.mark.parametrize("kind", KINDS.values())
@given(data=st.data())
def test_an_event_survives_json(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(EVENTS[kind])
    line = event_to_json(event)
    assert "\n" not in line
    assert event_from_json(line) == event


@pytest.mark.parametrize("line", ["", "hello", '{"level": "INFO"}', "error: the disk is full"])
def test_a_line_that_is_no_event_is_none(line: str) -> None:
    assert event_from_json(line) is None


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "dreamt"}',
        '{"event": "completed"}',
        '{"event": "completed", "run": 3}',
        '{"event": ',
        '{"event": "completed", "run": "a", "extra": 1',
    ],
)
def test_an_event_of_another_version_is_one_clear_error(line: str) -> None:
    with pytest.raises(ExecutionError, match="another version of evo-nas runs the search"):
        event_from_json(line)


def test_a_session_says_nothing_after_its_end() -> None:
    assert is_last(Failed(error="x"))
    assert is_last(Stopped(run="a", told=1, evaluations=2))
    assert not is_last(Completed(run="a"))


def test_what_rungs_spared_comes_back_with_numbers_as_keys() -> None:
    pruned = replace(HALF, savings=Savings({2: 23, 6: 9}, promoted=3, epochs=100, full_epochs=400))
    assert event_from_json(event_to_json(pruned)) == pruned
