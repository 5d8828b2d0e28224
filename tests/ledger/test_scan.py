"""Reading a run without keeping it: rows in order, from any place, while others write."""

from __future__ import annotations

from pathlib import Path

import pytest

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger import Ledger, LocalStore
from tests.checker import reader
from tests.ledger.samples import RECORD, evaluations, segment_names, start


def scanned(run: Path, *, first: int = 0, last: int | None = None) -> list[int]:
    return [
        seq
        for segment in reader(run).scan(("seq", "id"), first=first, last=last)
        for seq in segment.table["seq"].to_pylist()
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    place = tmp_path / "run"
    start(place, (0, 1, 2), (3, 4), (5, 6, 7, 8))
    return place


@pytest.mark.parametrize(("first", "last"), [(0, None), (1, 6), (4, 4), (8, None), (9, None), (3, 2)])
def test_a_scan_has_each_row_of_its_range_once_and_in_order(run: Path, first: int, last: int | None) -> None:
    assert scanned(run, first=first, last=last) == list(range(first, 9 if last is None else last + 1))


def test_a_scan_goes_on_where_compaction_has_moved_its_rows(tmp_path: Path) -> None:
    place = tmp_path / "run"
    with Ledger.create(place, RECORD) as ledger:
        for key in range(64):
            ledger.append(evaluations(key), born=[])
        scan = reader(place).scan(("seq",))
        seen = [next(scan).table["seq"].to_pylist() for _ in range(3)]
        for key in range(64, 66):
            ledger.append(evaluations(key), born=[])
        assert len(segment_names(place)) < 64
        seen += [segment.table["seq"].to_pylist() for segment in scan]
    assert [seq for some in seen for seq in some] == list(range(66))


def test_a_scan_of_a_run_that_lacks_rows_says_which(run: Path) -> None:
    damaged = run / "segments" / segment_names(run)[1]
    damaged.write_bytes(damaged.read_bytes()[:-4])
    with pytest.raises(CorruptLedgerError, match="lacks evaluations 3 to 4"):
        scanned(run)


def test_candidates_are_found_by_their_ids_whatever_their_place(tmp_path: Path) -> None:
    place = tmp_path / "run"
    start(place, (0, 2, 1), (9, 3), (4, 5))
    assert reader(place).find([3, 0, 77]).to_pydict()["id"] == [0, 3]
    assert reader(place).find([]).num_rows == 0


def test_a_stamp_changes_with_what_is_there_and_is_not_trusted_at_once(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(run)
    assert store.stamp("segments", "nowhere") is None
    monkeypatch.setattr("evo_nas.ledger.local_store._UNCERTAIN_NS", 0)
    before = store.stamp("segments", "nowhere")
    assert before is not None
    assert store.stamp("segments", "nowhere") == before
    (run / "segments" / segment_names(run)[0]).unlink()
    assert store.stamp("segments", "nowhere") != before
