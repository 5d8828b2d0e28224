"""Trainings of a verdict are the same wherever they are made, and what was started for them ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from evo_nas.champion.assessment import Assessed, Assessment, assess_here
from evo_nas.champion.exporters.native import Member
from evo_nas.champion.retrain import Retrained, Retraining, retrain_here
from evo_nas.config import TrainingConfig, WorkerOptions
from evo_nas.errors import ConfigError, ExecutionError
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.sessions import ray_running
from evo_nas.sessions.ray_retrainer import RayRetrainer
from evo_nas.sessions.retrainer import InlineRetrainer, retrainer_for
from evo_nas.tasks.dataset import Dataset
from evo_nas.tasks.parity import ParityTask

TRAINING = TrainingConfig(epochs=1, device="cpu")
GRU = Architecture(layers=(Layer(NAMED_CELLS["gru"], 4),), embedding=2)
REQUESTS = [Retraining(f"seed {seed}", GRU, epochs=1, seed=seed, keeps_weights=True) for seed in range(3)]
WORKERS = WorkerOptions(count=2)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return ParityTask.sample(tmp_path_factory.mktemp("parity")).read().dataset


@pytest.fixture(scope="module")
def trained(dataset: Dataset) -> dict[str, tuple[Retrained, bytes | None]]:
    """What the trainings give in this process, by name."""
    made = retrain_here(REQUESTS, dataset, TRAINING)
    return {request.name: (result, weights) for request, result, weights in made}


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_workers_give_the_trainings_and_scores_of_this_process(
    dataset: Dataset, trained: dict[str, tuple[Retrained, bytes | None]]
) -> None:
    with RayRetrainer(WORKERS) as retrainer:
        made = filter(None, retrainer.retrain(REQUESTS, dataset, TRAINING))
        assert {request.name: (result, weights) for request, result, weights in made} == trained
        members = [Member(GRU, weights) for _, weights in trained.values() if weights is not None]
        requests = [Assessment("the mean", tuple(members)), Assessment("the first", (members[0],))]
        there = {
            request.key: scores
            for request, scores in filter(None, retrainer.assess(requests, dataset, TRAINING))
        }
    here = {request.key: scores for request, scores in assess_here(requests, dataset, TRAINING)}
    assert [without_latency(there[request.key]) for request in requests] == [
        without_latency(here[request.key]) for request in requests
    ]
    mean = there[requests[0].key]
    assert mean.succeeded
    assert len(mean.tests) == 3
    assert mean.latency_ms is not None
    assert math.isfinite(mean.latency_ms)


def without_latency(scores: Assessed) -> Assessed:
    return replace(scores, latency_ms=None, single_latency_ms=None)


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_an_assessment_that_raises_says_what_failed(dataset: Dataset) -> None:
    broken = Assessment("the champion", (Member(GRU, b"no weights"),))
    with pytest.raises(ExecutionError, match="a training of the verdict failed: SafetensorError"):
        list(RayRetrainer(WORKERS).assess([broken], dataset, TRAINING))


def test_nothing_to_train_needs_no_workers(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RayRetrainer, "require_ray", lambda *_: pytest.fail("Ray was started"))
    with RayRetrainer(WORKERS) as retrainer:
        assert not list(retrainer.retrain([], dataset, TRAINING))
        assert not list(retrainer.assess([], dataset, TRAINING))


def test_a_cluster_is_joined_before_anything_is_read_and_left_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = []

    @contextmanager
    def connected(address: str) -> Iterator[None]:
        said.append(f"joined {address}")
        yield
        said.append("left")

    monkeypatch.setattr(ray_running, "connected", connected)
    monkeypatch.setattr(ray_running.ray, "is_initialized", lambda: False)
    with retrainer_for(WORKERS, address="head:6379"):
        assert said == ["joined head:6379"]
    assert said == ["joined head:6379", "left"]


def test_a_worker_that_fits_no_machine_is_refused_and_ray_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    monkeypatch.setattr(ray_running.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray_running.ray, "shutdown", lambda: ended.append(True))
    monkeypatch.setattr(ray_running, "start_private_ray", lambda *_: None)
    monkeypatch.setattr(ray_running, "explain_misfit", lambda demand: f"each asks for {demand['GPU']:g} GPUs")
    retrainer = RayRetrainer(WorkerOptions(count=2, gpus=64.0))
    with pytest.raises(
        ConfigError, match="no worker fits on this machine: each asks for 64 GPUs, see `workers`"
    ):
        retrainer.require_ray(None)
    assert ended == [True]


def test_one_worker_of_this_machine_is_this_process() -> None:
    assert isinstance(retrainer_for(WorkerOptions(count=1)), InlineRetrainer)
    assert isinstance(retrainer_for(WORKERS, executor="inline"), InlineRetrainer)
    assert isinstance(retrainer_for(WORKERS), RayRetrainer)
    # In a cluster the process that judges is on the head, and has no cores of its own.
    assert isinstance(retrainer_for(WorkerOptions(count=1), executor="cluster"), RayRetrainer)
    assert isinstance(retrainer_for(WorkerOptions(count=1), address="auto"), RayRetrainer)


def test_inline_and_an_address_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="inline is given beside an address; give one of them"):
        retrainer_for(WORKERS, executor="inline", address="auto")
