"""Pools that grow, shrink, share GPUs and say what they wait for."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable

import pytest
import ray
from ray import cloudpickle

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution import ray_pool
from evo_nas.execution.placement import draining_nodes
from evo_nas.execution.ray_pool import RayOptions, RayPool

cloudpickle.register_pickle_by_value(sys.modules[__name__])
pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]


class Sees:
    """Reports the GPUs that its process may use, after a while that is named by the candidate's budget."""

    def __call__(self, candidate: Candidate) -> Outcome:
        time.sleep(candidate.budget / 10)
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        return Outcome(Status.OK, fitness=float(gpu or -1))


def candidates(count: int, *, tenths: int = 1) -> list[Candidate]:
    return [
        Candidate(number, (), f"{number}", (), "random", number, budget=tenths, asked_after=0)
        for number in range(count)
    ]


def collect_until(pool: RayPool, holds: Callable[[], bool], timeout_s: float = 60.0) -> list[Evaluation]:
    collected: list[Evaluation] = []
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, pool.occupancy()
        collected += pool.collect(timeout_s=0.1)
        time.sleep(0.01)
    return collected


def await_workers(pool: RayPool, count: int) -> None:
    """Waits until so many workers are ready; a pool looks at its workers while it awaits candidates."""
    while pool.occupancy().workers < count:
        pool.submit(candidates(1))
        collect_until(pool, lambda: pool.occupancy().in_flight == 0)


def test_four_workers_share_two_gpus() -> None:
    with RayPool(Sees, RayOptions(workers=4, cpus_per_worker=0.1, gpus_per_worker=0.5)) as pool:
        await_workers(pool, 4)
        pool.submit(candidates(8, tenths=3))
        collected = collect_until(pool, lambda: pool.occupancy().in_flight == 0)
    where = {evaluation.worker: evaluation.fitness for evaluation in collected}
    assert Counter(where.values()) == {0.0: 2, 1.0: 2}


def test_a_worker_without_room_is_reported_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_pool, "LOOK_S", 0.0)
    monkeypatch.setattr(ray_pool, "PLACEMENT_S", 0.0)
    with RayPool(Sees, RayOptions(workers=3, gpus_per_worker=1.0)) as pool:
        await_workers(pool, 2)
        pool.submit(candidates(1000))
        collect_until(pool, lambda: "0 GPUs are free on 1 node" in pool.occupancy().obstacle)
        assert pool.occupancy().waiting == 1


def test_that_no_node_is_large_enough_is_reported_when_an_autoscaler_had_time_to_add_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_pool, "LOOK_S", 0.0)
    options = RayOptions(
        workers=1,
        cpus_per_worker=64.0,
        startup_timeout_s=None,
        memory_per_worker=2**30,
    )
    with RayPool(Sees, options) as pool:
        pool.submit(candidates(1))
        assert pool.collect(timeout_s=0.2) == []
        assert (pool.occupancy().waiting, pool.occupancy().obstacle) == (1, "")
        for actor in pool._actors.by_name.values():
            actor.created_at -= ray_pool.PLACEMENT_S
        assert pool.collect(timeout_s=0.2) == []
        assert pool.occupancy().obstacle.startswith(
            "each asks for 64 CPUs and 1.0 GiB of memory, and no node of 1 has that (the most is 4 CPUs and "
        )
        assert pool.occupancy().obstacle.endswith("unless an autoscaler is adding one")
        with pytest.raises(ConfigError, match="no worker fits on this machine: each asks for 64 CPUs"):
            pool._refuse_misfit()  # as a pool does that has started a Ray of its own


def test_workers_that_will_get_nothing_more_give_their_room_back() -> None:
    with RayPool(Sees, RayOptions(workers=4, min_workers=1)) as pool:
        pool.expect(100)
        await_workers(pool, 4)
        pool.expect(2)
        assert pool.occupancy().workers == 2
        pool.expect(0)
        assert (pool.occupancy().workers, pool.occupancy().lost_workers) == (1, 0)
        collect_until(
            pool, lambda: ray.available_resources().get("CPU", 0) == 3
        )  # Ray learns of it in a second


def test_a_busy_worker_is_never_dismissed() -> None:
    with RayPool(Sees, RayOptions(workers=2, min_workers=1)) as pool:
        await_workers(pool, 2)
        pool.submit(candidates(8, tenths=2))
        pool.expect(0)
        assert pool.occupancy().workers == 2
        collected = collect_until(pool, lambda: pool.occupancy().in_flight == 0)
        assert len(collected) == 8
        pool.expect(0)
        assert pool.occupancy().workers == 1


def test_no_node_is_about_to_go_unless_ray_says_so() -> None:
    assert draining_nodes() == {}


def test_candidates_of_a_draining_node_finish_and_new_ones_go_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_pool, "LOOK_S", 0.0)
    with RayPool(Sees, RayOptions(workers=1)) as pool:
        pool.submit(candidates(2, tenths=2))
        before = collect_until(pool, lambda: pool.occupancy().in_flight == 0)[0].worker
        here = ray.get_runtime_context().get_node_id()
        pool.submit(candidates(4, tenths=2))
        monkeypatch.setattr(ray_pool, "draining_nodes", lambda: {here: 0.0})
        started = pool.collect(timeout_s=0.0)
        monkeypatch.setattr(ray_pool, "draining_nodes", dict)
        collected = started + collect_until(pool, lambda: pool.occupancy().in_flight == 0)
        assert [evaluation.attempt for evaluation in collected] == [1, 1, 1, 1]
        assert {evaluation.worker for evaluation in collected} > {before}
        assert pool.occupancy().lost_workers == 0


def test_what_a_node_cannot_finish_before_it_goes_is_no_candidates_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_pool, "LOOK_S", 0.0)
    with RayPool(Sees, RayOptions(workers=1)) as pool:
        here = ray.get_runtime_context().get_node_id()
        pool.submit(candidates(2, tenths=20))
        monkeypatch.setattr(ray_pool, "draining_nodes", lambda: {here: time.time() - 1.0})
        assert pool.collect(timeout_s=0.0) == []
        monkeypatch.setattr(ray_pool, "draining_nodes", dict)
        collected = collect_until(pool, lambda: pool.occupancy().in_flight == 0)
    assert [evaluation.attempt for evaluation in collected] == [1, 1]
