"""Reading a run without keeping it: rows in order, from any place, while others write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger import Ledger, LedgerReader, LocalStore, Store
from evo_nas.ledger.manifest import Manifest, read_manifest
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


class Listed(LocalStore):
    """Counts how often it was listed."""

    times = 0

    def list(self, folder: str) -> list[str]:
        self.times += 1
        return super().list(folder)


def test_files_are_listed_as_often_for_many_candidates_as_for_one(run: Path) -> None:
    one, many = Listed(run), Listed(run)
    assert LedgerReader(one).find([4]).num_rows == 1
    assert LedgerReader(many).find([0, 4, 8, 77]).num_rows == 3
    assert many.times == one.times


def test_candidates_are_found_where_compaction_has_moved_them_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "run"
    with Ledger.create(place, RECORD) as ledger:
        for key in range(63):
            ledger.append(evaluations(key), born=[])

        def listed_before_a_merge(store: Store, **given: Any) -> Manifest:
            manifest = read_manifest(store, **given)
            monkeypatch.undo()
            for key in range(63, 66):
                ledger.append(evaluations(key), born=[])
            return manifest

        monkeypatch.setattr("evo_nas.ledger.contents.read_manifest", listed_before_a_merge)
        assert reader(place).find([5, 60]).to_pydict()["id"] == [5, 60]
        assert len(segment_names(place)) < 63


def test_finding_candidates_in_a_damaged_file_says_which_are_missing(run: Path) -> None:
    damaged = run / "segments" / segment_names(run)[1]
    damaged.write_bytes(damaged.read_bytes()[:-4])
    assert reader(run).find([0]).num_rows == 1
    with pytest.raises(CorruptLedgerError, match="lacks evaluations 3 to 4"):
        reader(run).find([0, 4])


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
