"""The disk fails, or the power, at every single operation of a run's life."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from evo_nas.errors import RunError
from evo_nas.ledger import Ledger, compaction
from tests.checker import check_run, reader
from tests.ledger.power import FailingDisk, PowerCut
from tests.ledger.samples import RECORD, candidates, evaluation, evaluations, told_ids

COMMITS = [(0,), (2, 1), (4,), (3, 6), (5,)]
EVALUATIONS = {key: evaluation(key) for keys in COMMITS for key in keys}


@pytest.fixture(autouse=True)
def eager_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "FAN_IN", 2)


class Life:
    """Two sessions of a run: what they commit, what was acknowledged, and the steps that failed at first."""

    def __init__(self, run: Path) -> None:
        self.acknowledged: list[int] = []
        self.errors: list[RunError] = []
        self._run = run

    def live(self) -> None:
        for commits in (COMMITS[:2], COMMITS[2:]):
            with self._begin() as ledger:
                for keys in commits:
                    self._commit(ledger, keys)

    def resume(self) -> None:
        """Commits what is not there yet, and checks that it goes on where the first life ended."""
        with self._begin() as ledger:
            told = told_ids(ledger)
            assert told[: len(self.acknowledged)] == self.acknowledged
            for keys in COMMITS:
                if keys[0] not in told:
                    self._commit(ledger, keys)

    def _begin(self) -> Ledger:
        try:
            if (self._run / "RUN.json").exists():
                return Ledger.open(self._run)
            return Ledger.create(self._run, RECORD)
        except RunError as error:
            self.errors.append(error)
            return self._begin()

    def _commit(self, ledger: Ledger, keys: tuple[int, ...]) -> None:
        try:
            ledger.append(evaluations(*keys), born=candidates(max(keys) + 1))
        except RunError as error:
            self.errors.append(error)
            ledger.append(evaluations(*keys), born=candidates(max(keys) + 1))
        self.acknowledged += keys


def test_a_failing_disk_loses_nothing_and_the_same_step_works_again(tmp_path: Path) -> None:
    for fail_at in count(1):
        life = Life(tmp_path / f"{fail_at}" / "run")
        with FailingDisk(tmp_path / f"{fail_at}", fail_at=fail_at, power_cut=False) as disk:
            life.live()
        told = [each.candidate.id for each in reader(tmp_path / f"{fail_at}" / "run").history().told]
        assert told == life.acknowledged
        assert check_run(tmp_path / f"{fail_at}" / "run", acknowledged=EVALUATIONS) == []
        assert all("free space and run the same command again" in str(error) for error in life.errors)
        if not disk.fired:
            break
    assert fail_at > 50


def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for fail_at in count(1):
        root = tmp_path / f"{fail_at}"
        life = Life(root / "run")
        with FailingDisk(root, fail_at=fail_at, power_cut=True) as disk, suppress(PowerCut):
            life.live()
        for unsynced in (0.0, 0.5, 1.0):
            remains = tmp_path / f"{fail_at}-{unsynced}"
            disk.survive(remains, unsynced=unsynced, rng=random.Random(fail_at))
            _check_resumed(remains, life.acknowledged)
        if not disk.fired:
            break
    assert fail_at > 50


def _check_resumed(remains: Path, acknowledged: list[int]) -> None:
    resumed = Life(remains / "run")
    resumed.acknowledged = acknowledged.copy()
    with FailingDisk(remains, fail_at=0, power_cut=False):
        resumed.resume()
    assert check_run(remains / "run", acknowledged=EVALUATIONS) == []
