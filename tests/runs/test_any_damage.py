"""Random damage to all files of a judged run: what is read is the whole truth, or what is missing is named.

    EVO_NAS_DAMAGES=10000 pytest tests/runs/test_any_damage.py

damages ten thousand times.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evo_nas.config import SearchConfig, configured
from evo_nas.ledger import History, RunRecord
from evo_nas.runs import Run
from evo_nas.sessions.local import LocalSession
from evo_nas.tasks.baselines.fitting import BaselineResult
from tests.damage import find_unnoticed

DAMAGES = int(os.environ.get("EVO_NAS_DAMAGES", "150"))
SETTINGS: dict[str, Any] = {
    "name": "damaged",
    "task": {"kind": "parity", "train": 64, "validation": 32, "test": 32},
    "space": {"widths": [4], "batch_sizes": [32], "cell_nodes": 8, "layers": {"min": 1, "max": 1}},
    "training": {"epochs": 1, "device": "cpu"},
    "budget": {"evaluations": 4},
    "verdict": {"finalists": 1, "cuts": 1, "trials": 1, "seeds": 2, "most_seeds": 2, "opponents": ["gru"]},
    "workers": 1,
}


@dataclass(frozen=True)
class Truth:
    """All that a judged run says."""

    record: RunRecord
    config: SearchConfig
    history: History
    baselines: dict[str, BaselineResult]
    champion: dict[str, bytes]
    trainings: dict[str, object]

    @classmethod
    def of(cls, place: Path) -> Truth:
        run = Run.at(place)
        keys = sorted({path.name.partition(".")[0] for path in (place / "champion" / "trainings").iterdir()})
        trainings = {key: (run.champion.training(key), run.champion.weights(key)) for key in keys}
        baselines = dict(run.baselines("accuracy"))
        return cls(run.record, run.config, run.history(), baselines, run.champion.files(), trainings)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("damage") / "run"
    for budget in (2, 4):  # a resumed run has claims with settings and fences with segments
        session = LocalSession(place, executor="inline")
        session.start(configured({**SETTINGS, "budget": {"evaluations": budget}}))
        list(session.events())
    return place


def look(place: Path, truth: object) -> None:
    """Raises an `AssertionError` where less than the truth is read and nothing says so."""
    named = list(Run.at(place).damage())
    assert Truth.of(place) == truth or named


def test_nothing_but_the_truth_is_read_of_a_damaged_run(judged: Path) -> None:
    truth = Truth.of(judged)
    assert truth.champion
    assert truth.baselines
    assert truth.trainings
    assert list(Run.at(judged).damage()) == []
    assert list(find_unnoticed(judged, look, truth, count=DAMAGES)) == []


def test_damage_that_nothing_names_would_be_found(judged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = Truth.of(judged)
    monkeypatch.setattr(Run, "damage", lambda _: [])
    assert list(find_unnoticed(judged, look, truth, count=60))
