"""What a ledger promises when nothing goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from evo_nas.errors import FencedError, RunError
from evo_nas.ledger import Ledger, compaction, find_runs
from tests.checker import check_run, reader
from tests.ledger.samples import (
    RECORD,
    MemoryStore,
    OtherHostStore,
    candidates,
    evaluation,
    evaluations,
    segment_names,
    start,
    told_ids,
)


@pytest.fixture
def eager_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "FAN_IN", 8)
    monkeypatch.setattr(compaction, "LARGE_ROWS", 64)


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    start(tmp_path / "run", (0, 2, 1), (5,), (4, 3))
    assert reader(tmp_path / "run").history().told == evaluations(0, 2, 1, 5, 4, 3)
    assert reader(tmp_path / "run").table()["seq"].to_pylist() == list(range(6))


def test_one_commit_is_one_segment(tmp_path: Path) -> None:
    start(tmp_path / "run", tuple(range(40)), (40,))
    assert len(segment_names(tmp_path / "run")) == 2


def test_in_flight_is_what_was_born_and_never_told(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "run", RECORD) as ledger:
        ledger.append(evaluations(0, 1), born=candidates(0, 1, 2, 3))
        ledger.append(evaluations(3), born=candidates(5, 4))
    assert reader(tmp_path / "run").history().in_flight == candidates(2, 4, 5)


def test_a_run_goes_on_in_another_process(tmp_path: Path) -> None:
    start(tmp_path / "run", (0, 1))
    with Ledger.open(tmp_path / "run") as ledger:
        assert ledger.record == RECORD
        assert told_ids(ledger) == [0, 1]
        ledger.append(evaluations(2), born=[])
    assert check_run(tmp_path / "run", acknowledged={key: evaluation(key) for key in range(3)}) == []


def test_an_append_without_evaluations_writes_nothing(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "run", RECORD) as ledger:
        ledger.append([], born=candidates(0))
    assert reader(tmp_path / "run").table().num_rows == 0


def test_an_evaluation_is_told_once(tmp_path: Path) -> None:
    start(tmp_path / "run", (0, 1))
    with Ledger.open(tmp_path / "run") as ledger:
        with pytest.raises(ValueError, match=r"\[1\] are told a second time"):
            ledger.append(evaluations(2, 1), born=[])
        with pytest.raises(ValueError, match="second time"):
            ledger.append(evaluations(3, 3), born=[])
        ledger.append(evaluations(2), born=[])
        assert told_ids(ledger) == [0, 1, 2]


def test_a_closed_ledger_takes_nothing(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "run", RECORD)
    ledger.close()
    ledger.close()
    with pytest.raises(RunError, match="closed"):
        ledger.append(evaluations(0), born=[])


def test_architectures_are_described_by_whoever_knows_the_space(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "run", RECORD, describe=json.dumps) as ledger:
        ledger.append(evaluations(0), born=[])
    with Ledger.open(tmp_path / "run") as ledger:
        ledger.append(evaluations(1), born=[])
    described, undescribed = reader(tmp_path / "run").table()["architecture"].to_pylist()
    assert tuple(json.loads(described)) == evaluation(0).candidate.genome
    assert undescribed is None


def test_duckdb_reads_the_segments_without_our_code(tmp_path: Path) -> None:
    start(tmp_path / "run", (0, 1), (2,), (3, 4))
    best, rows = duckdb.sql(
        f"SELECT max(fitness), count(*) FROM '{tmp_path}/run/segments/*.parquet' WHERE len(genome) = 12"
    ).fetchall()[0]
    scores = [e.fitness for e in reader(tmp_path / "run").history().told if e.fitness is not None]
    assert (best, rows) == (max(scores), 5)


def test_small_segments_become_one_and_nothing_else_changes(tmp_path: Path, eager_compaction: None) -> None:
    start(tmp_path / "run", *((key,) for key in range(10)))
    assert len(segment_names(tmp_path / "run")) == 2
    history = reader(tmp_path / "run").history()
    assert history.told == evaluations(*range(10))
    assert history.in_flight == candidates(10)


def test_what_is_in_flight_for_long_survives_compaction(tmp_path: Path, eager_compaction: None) -> None:
    with Ledger.create(tmp_path / "run", RECORD) as ledger:
        ledger.append(evaluations(1), born=candidates(0))
        for key in range(2, 24):
            ledger.append(evaluations(key), born=[])
    assert len(segment_names(tmp_path / "run")) < 10
    assert reader(tmp_path / "run").history().in_flight == candidates(0)


def test_rewriting_stays_linear_in_the_worst_case_of_single_rows(eager_compaction: None) -> None:
    class MeasuredStore(MemoryStore):
        rows_written = 0

        def create(self, name: str, content: bytes) -> bool:
            if name.startswith("segments/"):
                first, last = name.split("-")[1:3]
                self.rows_written += int(last) - int(first[1:]) + 1
            return super().create(name, content)

    store, commits = MeasuredStore(), 400
    start(store, *((key,) for key in range(commits)))
    assert store.rows_written <= commits * (1 + compaction.LARGE_ROWS / compaction.FAN_IN)
    assert len(store.list("segments")) <= compaction.FAN_IN + commits / compaction.LARGE_ROWS + 1


def test_a_reader_sees_a_whole_history_beside_a_writer(tmp_path: Path, eager_compaction: None) -> None:
    with Ledger.create(tmp_path / "run", RECORD) as ledger:
        for key in range(24):
            ledger.append(evaluations(key), born=[])
            assert reader(tmp_path / "run").table().num_rows == key + 1


def test_a_second_writer_on_the_same_host_is_refused_by_name(tmp_path: Path) -> None:
    script = f"import sys; from evo_nas.ledger import Ledger; Ledger.open({str(tmp_path / 'run')!r})"
    with Ledger.create(tmp_path / "run", RECORD) as ledger:
        with pytest.raises(RunError, match=r"another process is searching this run \(pid \d+ on "):
            Ledger.open(tmp_path / "run")
        second = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert "another process is searching this run" in second.stderr
        ledger.append(evaluations(0), born=[])
    Ledger.open(tmp_path / "run").close()


def test_a_late_writer_is_fenced_and_its_rows_never_count(tmp_path: Path) -> None:
    start(tmp_path / "run", (0,))
    late = Ledger.open(tmp_path / "run")
    late.append(evaluations(1), born=[])
    with Ledger.open(OtherHostStore(tmp_path / "run")) as ledger:
        with pytest.raises(FencedError, match="another process has taken over"):
            late.append(evaluations(2), born=[])
        with pytest.raises(RunError, match="closed"):
            late.append(evaluations(3), born=[])
        ledger.append(evaluations(9), born=[])
        assert told_ids(ledger) == [0, 1, 9]
    assert len(segment_names(tmp_path / "run")) == 4
    with Ledger.open(tmp_path / "run") as ledger:
        assert told_ids(ledger) == [0, 1, 9]
    assert len(segment_names(tmp_path / "run")) == 3, "what does not count is set aside for other readers"


def test_runs_are_found_where_people_keep_them(tmp_path: Path) -> None:
    for name in ("b", "a"):
        start(tmp_path / name)
    (tmp_path / "notes").mkdir()
    assert find_runs(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert find_runs(tmp_path / "a") == [tmp_path / "a"]
    assert reader(tmp_path / "a").record == RECORD


def test_an_object_store_carries_the_same_protocol() -> None:
    store = MemoryStore()
    start(store, (0, 1), (2,))
    with Ledger.open(store) as ledger:
        ledger.append(evaluations(3), born=[])
    assert reader(store).history().told == evaluations(0, 1, 2, 3)
