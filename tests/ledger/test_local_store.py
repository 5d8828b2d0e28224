"""Directories that cannot be a run, and disks that cannot hold one."""

from __future__ import annotations

import errno
import fcntl
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evo_nas.errors import RunError
from evo_nas.ledger import Ledger, find_runs
from tests.checker import check_run, reader
from tests.ledger.samples import READS, RECORD, candidates, evaluation, evaluations, start, told_ids


@contextmanager
def disk_that_holds(file_bytes: int) -> Iterator[None]:
    """Lets no file grow beyond ``file_bytes``; the kernel then reports what it reports for a full quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_refuses_the_commit_and_loses_nothing(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "run", RECORD) as ledger:
        ledger.append(evaluations(0), born=candidates(1))
        with (
            disk_that_holds(1000),
            pytest.raises(RunError, match="free space and run the same command again"),
        ):
            ledger.append(evaluations(1), born=[])
        assert told_ids(ledger) == [0]
        assert list((tmp_path / "run" / "tmp").iterdir()) == []
    with Ledger.open(tmp_path / "run") as ledger:
        ledger.append(evaluations(1), born=[])
    assert check_run(tmp_path / "run", acknowledged={key: evaluation(key) for key in (0, 1)}) == []


def test_in_one_process_a_refused_commit_must_be_repeated_first(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "run", RECORD) as ledger:
        with disk_that_holds(1000), pytest.raises(RunError):
            ledger.append(evaluations(0, 1), born=[])
        with pytest.raises(ValueError, match="append them again first"):
            ledger.append(evaluations(1, 0), born=[])
        ledger.append(evaluations(0, 1, 2), born=[])
        assert told_ids(ledger) == [0, 1, 2]


def test_a_full_disk_leaves_no_half_written_run(tmp_path: Path) -> None:
    with disk_that_holds(100), pytest.raises(RunError, match="cannot start a run in .*free space"):
        Ledger.create(tmp_path / "run", RECORD)
    assert find_runs(tmp_path) == []
    Ledger.create(tmp_path / "run", RECORD).close()
    assert reader(tmp_path / "run").table().num_rows == 0


def test_a_full_disk_does_not_leave_the_run_locked(tmp_path: Path) -> None:
    start(tmp_path / "run", (0,))
    with disk_that_holds(0), pytest.raises(RunError, match="free space"):
        Ledger.open(tmp_path / "run")
    Ledger.open(tmp_path / "run").close()
    assert len(reader(tmp_path / "run").history().told) == 1


def test_a_run_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    for attempt in (lambda: Ledger.create(tmp_path / "run", RECORD), lambda: Ledger.open(tmp_path / "run")):
        with pytest.raises(RunError, match=str(tmp_path / "run")):
            attempt()
    assert (tmp_path / "run").read_text() == "a file"


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"not empty \(thesis\.tex\); choose an empty or missing directory"):
        Ledger.create(tmp_path, RECORD)
    with pytest.raises(RunError, match=r"holds no run: RUN\.json is missing"):
        Ledger.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_directory_that_does_not_exist_is_not_made_by_opening_it(tmp_path: Path) -> None:
    for attempt in (Ledger.open, *READS):
        with pytest.raises(RunError, match="holds no run"):
            attempt(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_started_over_another(tmp_path: Path) -> None:
    start(tmp_path / "run", (0,))
    with pytest.raises(RunError, match="holds a run already"):
        Ledger.create(tmp_path / "run", RECORD)
    assert len(reader(tmp_path / "run").history().told) == 1


def test_a_directory_that_may_not_be_written_is_refused() -> None:
    with pytest.raises(RunError, match="cannot start a run in /proc/run: .*may write"):
        Ledger.create("/proc/run", RECORD)


def test_a_file_system_without_locks_is_protected_by_fencing_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    start(tmp_path / "run", (0,))
    assert len(reader(tmp_path / "run").history().told) == 1
