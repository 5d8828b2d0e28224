"""Rows and evaluations are the same thing in two forms."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.ledger.schema import (
    SCHEMA,
    candidate_from_json,
    candidate_to_json,
    complete,
    to_evaluations,
    to_table,
)
from evo_nas.ledger.segments import decode_segment, encode_segment
from tests.ledger.samples import candidate, evaluations

LONG = st.integers(0, 2**63 - 1)
SHORT = st.integers(0, 2**31 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
REAL = st.floats(allow_nan=False)
CANDIDATES = st.builds(
    Candidate,
    id=LONG,
    genome=st.lists(SHORT, max_size=8).map(tuple),
    canonical_hash=TEXT,
    parents=st.lists(LONG, max_size=3).map(tuple),
    operator=TEXT,
    seed=LONG,
    budget=SHORT,
    asked_after=LONG,
)


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    status = draw(st.sampled_from(Status))
    return Outcome(
        status=status,
        fitness=draw(REAL) if status.scored else None,
        metrics=draw(st.dictionaries(TEXT, REAL, max_size=3)),
        metric=draw(TEXT),
        curve=tuple(draw(st.lists(REAL, max_size=4))),
        parameters=draw(LONG),
        epochs=draw(SHORT),
        train_s=draw(REAL),
        backends=tuple(draw(st.lists(TEXT, max_size=3))),
        error=draw(TEXT),
    )


EVALUATIONS = st.builds(
    Evaluation,
    candidate=CANDIDATES,
    outcome=outcomes(),
    attempt=SHORT,
    worker=TEXT,
    node=TEXT,
    queue_s=REAL,
    finished_at=st.integers(0, 2**33).map(lambda quarters: quarters / 4),
)


@given(st.lists(EVALUATIONS, min_size=1, max_size=4))
def test_a_segment_gives_back_the_evaluations_it_was_made_of(told: list[Evaluation]) -> None:
    name, content = encode_segment(to_table(told, first_seq=3), [told[0].candidate], term=1)
    segment = decode_segment(name, content)
    assert to_evaluations(segment.table) == told
    assert segment.born == [told[0].candidate]
    assert (name.first, name.last) == (3, 2 + len(told))


def test_an_evaluation_has_no_field_without_a_column() -> None:
    names = {each.name for kind in (Candidate, Outcome, Evaluation) for each in fields(kind)}
    assert names - {"candidate", "outcome"} == set(SCHEMA.names) - {"seq", "architecture"}


def test_rows_of_before_a_column_have_the_default_of_its_field() -> None:
    told = evaluations(0, 1)
    old = to_table(told, first_seq=0).drop_columns(["backends", "metrics", "metric", "finished_at"])
    assert to_evaluations(complete(old, SCHEMA)) == [
        replace(each, outcome=replace(each.outcome, backends=(), metrics={}, metric=""), finished_at=0.0)
        for each in told
    ]


@pytest.mark.parametrize("column", ["id", "seq", "genome", "status", "architecture"])
def test_a_column_without_a_default_must_be_there(column: str) -> None:
    with pytest.raises(KeyError):
        complete(to_table(evaluations(0), first_seq=0).drop_columns(column), SCHEMA)


def test_rows_are_converted_from_any_slice_and_order() -> None:
    table = pa.concat_tables(
        [to_table(evaluations(0, 1, 2), first_seq=0), to_table(evaluations(3), first_seq=3)]
    )
    assert to_evaluations(table.slice(1, 3)) == evaluations(1, 2, 3)
    assert to_evaluations(table.take([3, 0])) == evaluations(3, 0)
    assert to_evaluations(SCHEMA.empty_table()) == []


def test_equal_words_are_stored_once_in_memory() -> None:
    first, second = to_evaluations(to_table(evaluations(0, 3), first_seq=0))
    assert first.worker is second.worker


def test_candidates_survive_json() -> None:
    assert candidate_from_json(json.loads(json.dumps(candidate_to_json(candidate(5))))) == candidate(5)
    with pytest.raises(KeyError):
        candidate_from_json({"id": 5})
