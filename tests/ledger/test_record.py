"""What ``RUN.json`` says, and what it may not say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evo_nas.errors import CorruptLedgerError, FormatError
from evo_nas.ledger import Ledger, RunRecord, seal, unseal
from evo_nas.ledger.record import decode_record, encode_record
from tests.checker import reader
from tests.ledger.samples import READS, RECORD, start


@pytest.fixture
def run(tmp_path: Path) -> Path:
    start(tmp_path / "run", (0, 1), (2, 3), (4,))
    return tmp_path / "run"


def test_a_record_is_read_back() -> None:
    record = RunRecord.new("rain", seed=2**62, config={"workers": {"count": 2}}, data={"a.csv": "00ff"})
    assert decode_record(encode_record(record), where="run") == record
    assert decode_record(encode_record(RECORD), where="run") == RECORD


def test_runs_started_alike_have_ids_of_their_own() -> None:
    assert RunRecord.new("rain", seed=1, config={}).run_id != RunRecord.new("rain", seed=1, config={}).run_id


def reseal(run: Path, **changes: object) -> None:
    """Changes what RUN.json says as another version of evo-nas might have written it."""
    values = unseal((run / "RUN.json").read_bytes())
    (run / "RUN.json").write_bytes(seal(values | changes))


def test_a_run_of_a_newer_format_is_refused_with_both_versions(run: Path) -> None:
    reseal(run, format=3, min_reader=2, new="field")
    for attempt in (*READS, Ledger.open):
        with pytest.raises(FormatError, match=r"format 3, .* reader of format 2; .* reads formats up to 1"):
            attempt(run)


def test_a_newer_format_that_old_readers_may_read_is_read(run: Path) -> None:
    reseal(run, format=2, new="field")
    assert len(reader(run).history().told) == 5


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": "x", "min_reader": 1}']
)
def test_a_damaged_run_file_is_named(run: Path, content: bytes) -> None:
    (run / "RUN.json").write_bytes(content)
    with pytest.raises(CorruptLedgerError, match=r"RUN\.json was changed by hand or is damaged"):
        Ledger.open(run)


@pytest.mark.parametrize("damage", [{"data": ["x"]}, {"seed": "abc"}, {"name": 5}, {"run_id": None}])
def test_a_run_file_of_other_types_is_named_with_the_field(run: Path, damage: dict[str, object]) -> None:
    reseal(run, **damage)
    with pytest.raises(CorruptLedgerError, match=rf"RUN\.json .* damaged \({next(iter(damage))}: "):
        Ledger.open(run)


@pytest.mark.parametrize(("key", "value"), [("seed", 8), ("name", "other"), ("config", {"strategy": {}})])
def test_a_run_file_that_was_changed_by_hand_is_refused(run: Path, key: str, value: object) -> None:
    values = json.loads((run / "RUN.json").read_text())
    (run / "RUN.json").write_text(json.dumps({**values, key: value}))
    for attempt in (lambda run: reader(run).record, Ledger.open):
        with pytest.raises(CorruptLedgerError, match=r"RUN\.json was changed by hand .*; restore it"):
            attempt(run)
