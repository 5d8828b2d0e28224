"""A run that was recorded once is read the same for ever; `record_fixture` says how it was made."""

from __future__ import annotations

import json
import shutil
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import pyarrow as pa
import pytest

from evo_nas.evaluation import Candidate, Outcome, Status
from evo_nas.ledger import Ledger, schema, segments
from tests.checker import reader
from tests.ledger.record_fixture import FOLDER, SETTINGS
from tests.ledger.samples import candidates, evaluations


def test_its_record_and_settings_are_what_was_written() -> None:
    record = reader(FOLDER).record
    assert (record.name, record.seed, record.run_id) == ("recorded", 7, "0f1e2d3c4b5a69788796a5b4c3d2e1f0")
    assert record.config == {"strategy": {"kind": "aging"}}
    assert record.data == {"series.csv": "0123456789abcdef"}
    assert reader(FOLDER).settings() == SETTINGS


def test_its_history_is_what_was_told() -> None:
    history = reader(FOLDER).history()
    assert history.told == evaluations(0, 2, 1, 4)
    assert history.in_flight == candidates(3, 5)
    assert history.lost == ()


def test_one_evaluation_is_spelled_out_here() -> None:
    """The other tests compare with `samples`, which somebody may change together with the format."""
    told = reader(FOLDER).history().told[1]
    assert told.candidate == Candidate(
        id=2,
        genome=(3, 5, 5, 23, 10, 47, 42, 19, 16, 38, 13, 38),
        canonical_hash="94c9c9500925e474",
        parents=(0, 1),
        operator="crossover",
        seed=9220778401274251137,
        budget=9,
        asked_after=0,
    )
    assert (told.status, told.fitness, told.outcome.metric) == (
        Status.PRUNED,
        0.5926409106271656,
        "validation_accuracy",
    )
    assert told.outcome.curve == (0.625720304108054, 0.06552885923981311, 0.013167991554874137)
    assert told.finished_at == 1_790_000_000.5


def test_every_file_of_it_is_whole() -> None:
    assert reader(FOLDER).check() == 1 + 2 * 2 + 2


def test_it_can_be_continued(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "run")
    with Ledger.open(tmp_path / "run") as ledger:
        ledger.append(evaluations(3), born=[])
        assert ledger.history().told == evaluations(0, 2, 1, 4, 3)


@dataclass(frozen=True, slots=True)
class LaterCandidate(Candidate):
    """A candidate with fields that no version had when the run was recorded."""

    margins: tuple[float, ...] = (0.25,)
    heirloom: str | None = None


@dataclass(frozen=True, slots=True)
class LaterOutcome(Outcome):
    rung: int = 3
    tags: list[str] = field(default_factory=list)


def test_fields_that_came_later_have_their_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    later = [("margins", pa.list_(pa.float64())), ("heirloom", pa.string()), ("rung", pa.int32())]
    wider = pa.schema(
        [*schema.SCHEMA, *(pa.field(*each) for each in later), pa.field("tags", pa.list_(pa.string()))]
    )
    monkeypatch.setattr(schema, "Candidate", LaterCandidate)
    monkeypatch.setattr(schema, "Outcome", LaterOutcome)
    monkeypatch.setattr(schema, "_CANDIDATE", tuple(each.name for each in fields(LaterCandidate)))
    monkeypatch.setattr(schema, "_OUTCOME", tuple(each.name for each in fields(LaterOutcome)))
    monkeypatch.setattr(segments, "SCHEMA", wider)
    table = reader(FOLDER).table()
    assert [table[name].to_pylist()[0] for name in ("margins", "heirloom", "rung", "tags")] == [
        [0.25],
        None,
        3,
        [],
    ]
    told = schema.to_evaluations(table)
    assert told[0].candidate.margins == (0.25,)  # type: ignore[attr-defined]
    assert (told[0].outcome.rung, told[0].status) == (3, Status(evaluations(0)[0].status))  # type: ignore[attr-defined]
    in_flight = reader(FOLDER).segments.read(columns=["id"]).segments[0].born
    assert [each.id for each in in_flight] == [3, 4]
    assert all(each.margins == (0.25,) and each.heirloom is None for each in in_flight)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [each.name for each in fields(Candidate) if each.default is MISSING])
def test_a_field_without_a_default_must_be_there(name: str) -> None:
    recorded = json.loads(json.dumps(schema.candidate_to_json(candidates(3)[0])))
    with pytest.raises(KeyError, match=name):
        schema.candidate_from_json({key: value for key, value in recorded.items() if key != name})
