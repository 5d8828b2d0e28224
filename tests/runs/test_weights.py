"""Weights that a run keeps: named by their content, never replaced, removed when nothing needs them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.ledger import Store, open_store
from evo_nas.runs.weights import RunWeights, WeightKeeper
from evo_nas.weights import digest_of
from tests.s3 import s3_server


@pytest.fixture
def weights(tmp_path: Path) -> RunWeights:
    return RunWeights(open_store(tmp_path / "run"))


def file_of(tmp_path: Path, digest: str) -> Path:
    return tmp_path / "run" / "weights" / f"{digest}.safetensors"


def told(digest: str) -> Evaluation:
    candidate = Candidate(0, (1,), "0" * 32, (), "random", 1, 1, 0)
    return Evaluation(candidate, Outcome(Status.PRUNED, fitness=0.5, weights=digest))


def test_what_is_kept_is_found_under_its_digest(weights) -> None:
    assert weights.put(b"one") == digest_of(b"one")
    assert weights.get(digest_of(b"one")) == b"one"
    assert weights.get(digest_of(b"other")) is weights.get("../RUN.json") is None
    assert weights.digests() == [digest_of(b"one")]


def test_a_copy_in_another_process_finds_the_same(weights) -> None:
    digest = weights.put(b"one")
    copy = pickle.loads(pickle.dumps(weights))
    assert copy.get(digest) == b"one"
    assert weights.get(copy.put(b"two")) == b"two"


@pytest.mark.parametrize("damaged", [b"", b"on", b"two"])
def test_what_is_damaged_counts_as_missing_and_is_told_and_mended(weights, tmp_path, damaged) -> None:
    digest = weights.put(b"one")
    file_of(tmp_path, digest).write_bytes(damaged)
    assert weights.get(digest) is None
    (line,) = weights.damage()
    assert line.startswith(f"weights/{digest}.safetensors is damaged")
    assert weights.put(b"one") == digest
    assert weights.get(digest) == b"one"
    assert list(weights.damage()) == []


def test_a_foreign_file_is_told_and_left(weights, tmp_path) -> None:
    weights.put(b"one")
    (tmp_path / "run" / "weights" / "notes.txt").write_text("mine")
    assert list(weights.damage()) == ["weights/notes.txt is no file of this run; remove it"]
    keeper = WeightKeeper(weights, set)
    keeper.look()
    keeper()
    assert weights.digests() == []
    assert (tmp_path / "run" / "weights" / "notes.txt").exists()


def test_what_nothing_wants_is_removed_when_it_was_told(weights) -> None:
    first, second, unreported = (weights.put(content) for content in (b"1", b"2", b"3"))
    wanted = {first, second}
    keeper = WeightKeeper(weights, lambda: wanted)
    keeper([told(first), told(second), told("")])
    assert set(weights.digests()) == {first, second, unreported}
    wanted.remove(first)
    keeper([told("")])
    assert set(weights.digests()) == {second, unreported}


def test_what_was_never_committed_is_removed_at_resume(weights) -> None:
    wanted, orphan = weights.put(b"1"), weights.put(b"2")
    keeper = WeightKeeper(weights, lambda: {wanted})
    keeper.look()
    keeper()
    assert weights.digests() == [wanted]
    assert weights.get(orphan) is None


class Stubborn(RunWeights):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.fails = True

    def delete(self, digest: str) -> None:
        if self.fails:
            raise PermissionError("the bucket does not answer")
        super().delete(digest)


def test_what_cannot_be_removed_now_is_removed_later(tmp_path, caplog) -> None:
    weights = Stubborn(open_store(tmp_path / "run"))
    digest = weights.put(b"1")
    keeper = WeightKeeper(weights, set)
    keeper([told(digest)])
    assert weights.digests() == [digest]
    assert "stay" in caplog.text
    weights.fails = False
    keeper([])
    assert weights.digests() == []


def test_a_bucket_keeps_weights_as_a_directory_does() -> None:
    with s3_server() as bucket:
        weights = RunWeights(open_store(f"{bucket}/run"))
        digest = weights.put(b"one")
        assert weights.put(b"one") == digest
        copy = pickle.loads(pickle.dumps(weights))
        assert copy.get(digest) == b"one"
        assert copy.get("0" * 64) is None
        keeper = WeightKeeper(copy, set)
        keeper.look()
        keeper()
        assert weights.digests() == []
        assert weights.get(digest) is None
