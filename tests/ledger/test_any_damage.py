"""Random damage to all files of a run: the whole truth, a stated part of it with a refusal, never silently less.

    EVO_NAS_DAMAGES=10000 pytest tests/ledger/test_any_damage.py

damages ten thousand times.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from evo_nas.errors import EvoNasError
from evo_nas.ledger import (
    DamagedError,
    History,
    Ledger,
    LedgerReader,
    RunRecord,
    compaction,
    contents,
    open_store,
    segments,
    takeover,
)
from evo_nas.ledger.segments import Segment, SegmentName
from tests.damage import find_unnoticed
from tests.ledger.samples import RECORD, MemoryStore, candidates, evaluations

DAMAGES = int(os.environ.get("EVO_NAS_DAMAGES", "400"))
SETTINGS = {"budget": {"evaluations": 50}}


@dataclass(frozen=True)
class Truth:
    """All that a run says."""

    record: RunRecord
    settings: dict[str, object]
    history: History

    @classmethod
    def of(cls, store: MemoryStore) -> Truth:
        run = LedgerReader(store)
        return cls(run.record, run.settings(), run.history())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three terms, one of which changed the settings, with merged and small segments."""
    monkeypatch.setattr(compaction, "FAN_IN", 3)
    monkeypatch.setattr(takeover._log, "disabled", True)
    run = tmp_path / "run"
    with Ledger.create(run, RECORD) as ledger:
        for key in range(4):
            ledger.append(evaluations(key), born=candidates(key + 1))
    with Ledger.open(run, settings=SETTINGS) as ledger:
        ledger.append(evaluations(5, 4), born=candidates(6))
    with Ledger.open(run) as ledger:
        ledger.append(evaluations(6), born=candidates(7, 8))
    assert len(list((run / "segments").iterdir())) == 3
    return run


@pytest.fixture(autouse=True)
def each_content_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares most of the time: what has the same verified bytes is decoded to the same rows."""
    decode = cache(segments.decode_segment)

    def decode_segment(name: SegmentName, content: bytes, *, columns: Sequence[str] | None = None) -> Segment:
        return decode(name, content, columns=None if columns is None else tuple(columns))

    monkeypatch.setattr(contents, "decode_segment", decode_segment)
    monkeypatch.setattr(segments, "decode_segment", decode_segment)


def in_memory(run: Path) -> MemoryStore:
    """Returns a copy of the run that a writer may change, without waiting for a disk."""
    store, disk = MemoryStore(), open_store(run)
    store.files = {"RUN.json": disk.read("RUN.json")}
    for folder in ("fencing", "segments"):
        store.files |= {f"{folder}/{name}": disk.read(f"{folder}/{name}") for name in disk.list(folder)}
    return store


def look(run: Path, truth: object) -> None:
    """Reads and takes over the run; `Truth` that is read without an error must be the whole one."""
    assert isinstance(truth, Truth)
    store = in_memory(run)
    refusals: list[EvoNasError] = []
    for question in (_read, _take_over):
        try:
            question(MemoryStore.holding(store.files), truth)
        except EvoNasError as error:
            refusals.append(error)
    if refusals:
        _accept_loss(store, truth)
        raise refusals[0]


def _read(store: MemoryStore, truth: Truth) -> None:
    run = LedgerReader(store)
    assert run.exists()
    try:
        run.check()
    except EvoNasError as verified:
        if Truth.of(store) == truth:  # damage that costs nothing: only the check has to tell it
            raise
        raise AssertionError("less than the truth was read") from verified
    assert Truth(run.record, run.settings(), run.history()) == truth, "what is not the truth was verified"


def _take_over(store: MemoryStore, truth: Truth) -> None:
    with Ledger.open(store) as ledger:
        assert ledger.record == truth.record
        assert ledger.history() == truth.history


def _accept_loss(store: MemoryStore, truth: Truth) -> None:
    """Accepts the loss; what is left must be part of the truth, and what is lost must be stated."""
    with Ledger.open(store, accept_data_loss=True, settings=SETTINGS) as ledger:
        left = ledger.history()
    lost = {seq for first, last in left.lost for seq in range(first, last + 1)}
    assert left.told == [each for seq, each in enumerate(truth.history.told) if seq not in lost]
    assert LedgerReader(store).check(), "what was damaged is set aside"
    assert LedgerReader(store).settings() == SETTINGS


def test_no_damage_is_read_as_anything_but_the_truth(run: Path) -> None:
    truth = Truth.of(in_memory(run))
    look(run, truth)
    assert list(find_unnoticed(run, look, truth, count=DAMAGES)) == []


def test_the_harness_finds_a_checksum_that_is_not_compared(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trust(content: bytes) -> dict[str, object]:
        try:
            return dict(json.loads(content))
        except (ValueError, TypeError) as error:
            raise DamagedError(str(error)) from error

    monkeypatch.setattr("evo_nas.ledger.record.unseal", trust)
    monkeypatch.setattr("evo_nas.ledger.fencing.unseal", trust)
    truth = Truth.of(in_memory(run))
    assert any(find_unnoticed(run, look, truth, count=DAMAGES))
