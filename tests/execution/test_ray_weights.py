"""Weights that workers reach through an actor on the head's node."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import ray

from evo_nas.errors import ExecutionError
from evo_nas.execution.ray_weights import RayBank, RayWeights
from evo_nas.ledger import open_store
from evo_nas.runs.bank import StoredBank
from evo_nas.runs.weights import RunWeights
from evo_nas.weights import digest_of

pytestmark = pytest.mark.ray
LARGE = bytes(range(256)) * 4096
"""A content that does not fit into a message and travels through the object store."""


@pytest.fixture
def kept(tmp_path: Path) -> RunWeights:
    return RunWeights(open_store(tmp_path / "run"))


@pytest.fixture
def weights(local_ray: None, kept: RunWeights) -> Iterator[RayWeights]:
    served = RayWeights(kept)
    yield served
    served.close()


@ray.remote
def swap(pickled: bytes, digest: str, content: bytes) -> tuple[bytes | None, str]:
    weights = pickle.loads(pickled)
    return weights.get(digest), weights.put(content)


def test_workers_and_the_run_see_the_same(weights, kept) -> None:
    digest = kept.put(LARGE)
    found, made = ray.get(swap.remote(ray.cloudpickle.dumps(weights), digest, LARGE[::-1]))
    assert found == LARGE
    assert made == digest_of(LARGE[::-1])
    assert kept.get(made) == LARGE[::-1]
    assert weights.get("0" * 64) is None


def test_what_is_damaged_counts_as_missing(weights, kept, tmp_path) -> None:
    digest = kept.put(LARGE)
    (tmp_path / "run" / "weights" / f"{digest}.safetensors").write_bytes(b"")
    assert weights.get(digest) is None


def test_an_actor_that_dies_alone_comes_back(weights, kept) -> None:
    digest = kept.put(LARGE)
    ray.kill(weights._actor, no_restart=False)
    deadline = time.monotonic() + 60.0
    while True:
        try:
            assert weights.get(digest) == LARGE
            break
        except ExecutionError:
            assert time.monotonic() < deadline


def test_an_actor_that_has_ended_is_an_error_and_no_missing_file(weights, kept) -> None:
    digest = kept.put(LARGE)
    weights.close()
    with pytest.raises(ExecutionError, match="the weights on the head cannot be reached"):
        weights.get(digest)


@ray.remote
def use(pickled: bytes) -> int:
    bank = pickle.loads(pickled)
    found = bank.take(["a", "missing"])
    bank.give({"b": 2 * found["a"].values}, steps=found["a"].steps + 1)
    return len(found)


def await_component(bank: RayBank, key: str) -> None:
    deadline = time.monotonic() + 60.0
    while key not in bank.take([key]):  # what is given is not waited for
        assert time.monotonic() < deadline


def test_workers_share_one_bank_and_its_last_file_is_whole(local_ray, tmp_path) -> None:
    store = open_store(tmp_path / "run")
    values = np.arange(300_000, dtype=np.float32)
    bank = RayBank(StoredBank(store))
    bank.give({"a": values}, steps=5)
    await_component(bank, "a")
    assert ray.get(use.remote(ray.cloudpickle.dumps(bank))) == 1
    await_component(bank, "b")
    found = bank.take(["a", "b"])
    assert found["b"].steps == 6
    np.testing.assert_array_equal(found["b"].values, 2 * values)
    bank.close()
    kept = StoredBank(store).all()
    np.testing.assert_array_equal(kept["b"].values, 2 * values)
    assert kept["a"].steps == 5
