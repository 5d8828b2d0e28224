"""Real worker processes that die, hang, cannot start and are replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import ray
from ray import cloudpickle

from evo_nas.errors import ConfigError, ExecutionError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution import ray_pool
from evo_nas.execution.ray_pool import RayOptions, RayPool
from evo_nas.execution.worker import MakeEvaluator

cloudpickle.register_pickle_by_value(sys.modules[__name__])
pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]

OK, KILLS, KILLS_ONCE, HANGS, LATE = "ok", "kills", "kills_once", "hangs", "late"


def candidate(number: int, does: str = OK) -> Candidate:
    return Candidate(number, (number,), f"{number:032x}", (), does, number, budget=1, asked_after=0)


@dataclass
class Scripted:
    """Does what the candidate's operator says, and writes down in ``log`` that it began to."""

    log: Path

    def __call__(self, candidate: Candidate) -> Outcome:
        with self.log.open("a") as log:
            log.write(f"{candidate.id}\n")
        begun = Counter(self.log.read_text().split())[str(candidate.id)]
        if candidate.operator == KILLS or (candidate.operator == KILLS_ONCE and begun == 1):
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        if candidate.operator == HANGS:
            time.sleep(3600.0)
        if candidate.operator == LATE:
            time.sleep(0.5)
        return Outcome(Status.OK, fitness=float(candidate.id))


@pytest.fixture
def scripted(tmp_path: Path) -> MakeEvaluator:
    return partial(Scripted, tmp_path / "begun")


def collect(pool: RayPool, count: int) -> dict[int, Evaluation]:
    collected: dict[int, Evaluation] = {}
    while len(collected) < count:
        for evaluation in pool.collect(timeout_s=60.0):
            assert evaluation.candidate.id not in collected
            collected[evaluation.candidate.id] = evaluation
    return collected


def failed(evaluations: dict[int, Evaluation]) -> dict[int, Status]:
    return {number: e.status for number, e in evaluations.items() if e.status is not Status.OK}


def test_a_candidate_whose_worker_is_killed_is_evaluated_elsewhere(
    scripted: MakeEvaluator, tmp_path: Path
) -> None:
    with RayPool(scripted, RayOptions(workers=2)) as pool:
        pool.submit([candidate(number, KILLS_ONCE if number == 3 else OK) for number in range(6)])
        evaluations = collect(pool, 6)
        assert pool.occupancy().lost_workers == 1
    assert failed(evaluations) == {}
    assert evaluations[3].attempt == 2
    assert Counter((tmp_path / "begun").read_text().split())["3"] == 2


def test_a_candidate_that_always_kills_its_worker_is_poisoned(scripted: MakeEvaluator) -> None:
    with RayPool(scripted, RayOptions(workers=2, attempts=3)) as pool:
        pool.submit([candidate(number, KILLS if number == 3 else OK) for number in range(6)])
        evaluations = collect(pool, 6)
        assert pool.occupancy().lost_workers == 3
    assert failed(evaluations) == {3: Status.POISONED}
    assert evaluations[3].attempt == 3
    assert "worker lost on each of 3 attempts: ActorDiedError" in evaluations[3].outcome.error


def test_bad_candidates_in_long_leases_are_found_out_and_their_neighbours_spared(
    scripted: MakeEvaluator,
) -> None:
    with RayPool(scripted, RayOptions(workers=2, time_limit_s=0.2)) as pool:
        pool.submit([candidate(number) for number in range(50)])
        collect(pool, 50)
        assert pool.free_slots() > 50
        behaviour = {120: KILLS, 180: HANGS}
        pool.submit([candidate(number, behaviour.get(number, OK)) for number in range(100, 200)])
        evaluations = collect(pool, 100)
    assert failed(evaluations) == {120: Status.POISONED, 180: Status.TIMED_OUT}


def test_a_stuck_candidate_times_out_and_the_pool_goes_on(scripted: MakeEvaluator) -> None:
    with RayPool(scripted, RayOptions(workers=1, time_limit_s=0.2)) as pool:
        pool.submit([candidate(0, HANGS), candidate(1), candidate(2)])
        evaluations = collect(pool, 3)
    assert failed(evaluations) == {0: Status.TIMED_OUT}
    assert evaluations[1].attempt == evaluations[2].attempt == 1
    assert evaluations[1].worker != evaluations[0].worker


def test_a_worker_that_seems_overdue_to_a_head_that_was_paused_is_spared(
    scripted: MakeEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "GRACE_S", 60.0)
    with RayPool(scripted, RayOptions(workers=1, time_limit_s=0.2)) as pool:
        pool.submit([candidate(0, LATE)])
        for actor in pool._actors.by_name.values():
            for sent in actor.sent.values():
                sent.running_since -= 60.0  # as though this process had stood still for a minute
        evaluations = collect(pool, 1)
        assert pool.occupancy().lost_workers == 0
    assert failed(evaluations) == {}


def test_collect_gives_up_waiting_while_a_candidate_runs(scripted: MakeEvaluator) -> None:
    with RayPool(scripted, RayOptions(workers=1)) as pool:
        pool.submit([candidate(0, HANGS)])
        assert pool.collect(timeout_s=0.05) == []
        assert pool.occupancy().in_flight == 1


def test_workers_that_are_lost_one_after_another_end_the_pool(scripted: MakeEvaluator) -> None:
    with RayPool(scripted, RayOptions(workers=2, attempts=2)) as pool:
        pool.submit([candidate(number, KILLS) for number in range(20)])
        with pytest.raises(ExecutionError, match=r"7 workers were lost in a row without a result.*ActorDied"):
            collect(pool, 20)


def test_an_error_of_ours_in_making_the_evaluator_surfaces_as_it_is() -> None:
    def no_data() -> Scripted:
        raise ConfigError("task.path is /nowhere; must be a readable file")

    with pytest.raises(ConfigError, match=r"^task\.path is /nowhere; must be a readable file$"):
        RayPool(no_data, RayOptions(workers=2)).start()


def test_any_other_error_in_making_the_evaluator_is_told_once_and_clearly() -> None:
    def broken() -> Scripted:
        raise ZeroDivisionError("half a divisor")

    with pytest.raises(ExecutionError, match="cannot build the evaluator: ZeroDivisionError: half a divisor"):
        RayPool(broken, RayOptions(workers=2)).start()


def test_workers_without_room_are_an_error_that_says_what_is_there(scripted: MakeEvaluator) -> None:
    with pytest.raises(
        ExecutionError,
        match=r"each asks for 1 CPU and 3 GPUs, and no node of 1 has that \(the most is 4 CPUs and 2 GPUs\)",
    ):
        RayPool(scripted, RayOptions(workers=3, gpus_per_worker=3.0, startup_timeout_s=0.5)).start()


def test_constructing_a_pool_asks_ray_for_nothing_and_an_unstarted_one_takes_no_candidates(
    scripted: MakeEvaluator,
) -> None:
    before = ray.available_resources()["CPU"]
    pool = RayPool(scripted, RayOptions(workers=4))
    with pytest.raises(ExecutionError, match="the pool is not started; use it as a context manager"):
        pool.submit([candidate(0)])
    assert ray.available_resources()["CPU"] == before
    pool.close()


def test_no_workers_and_no_lanes_are_refused() -> None:
    with pytest.raises(ConfigError, match="workers is 0; must be at least 1"):
        RayOptions(workers=0)
    with pytest.raises(ConfigError, match="lanes is 0; must be at least 1"):
        RayOptions(workers=1, lanes=0)


def test_closing_leaves_a_ray_that_was_there_before_and_frees_its_cpus(scripted: MakeEvaluator) -> None:
    for _ in range(3):
        with RayPool(scripted, RayOptions(workers=1, cpus_per_worker=4.0)) as pool:
            pool.submit([candidate(0)])
            collect(pool, 1)
    assert ray.is_initialized()


@dataclass
class Surroundings:
    """Reports what a worker finds around it as metrics."""

    table: npt.NDArray[np.float64] = field(default_factory=lambda: np.ones(2**18))

    def __call__(self, candidate: Candidate) -> Outcome:
        return Outcome(
            Status.OK,
            fitness=float(self.table.sum()),
            metrics={
                "copied": float(self.table.flags.writeable),
                "threads": float(os.environ["OMP_NUM_THREADS"]) + float(os.environ["MKL_NUM_THREADS"]),
                "passive": float(os.environ["OMP_WAIT_POLICY"] == "PASSIVE"),
            },
        )


@dataclass
class Loaded:
    """Hands its table to the evaluator that it builds."""

    table: npt.NDArray[np.float64]

    def __call__(self) -> Surroundings:
        return Surroundings(self.table)


def test_workers_share_the_arrays_they_are_sent_and_run_one_thread() -> None:
    with RayPool(Loaded(np.ones(2**18)), RayOptions(workers=2)) as pool:
        pool.submit([candidate(0)])
        evaluation = collect(pool, 1)[0]
    assert evaluation.fitness == 2**18
    assert evaluation.outcome.metrics == {"copied": 0.0, "threads": 2.0, "passive": 1.0}


PRIVATE_RAY = """
import os, signal
import ray
from evo_nas.evaluation import Candidate, Outcome, Status
from evo_nas.execution.ray_pool import RayOptions, RayPool

class NamesItsProcess:
    def __call__(self, candidate):
        return Outcome(Status.OK, fitness=float(os.getpid()))

def processes(pool, first):
    pool.submit([Candidate(first + i, (), "", (), "", 0, 1, 0) for i in range(4)])
    found = []
    while len(found) < 4:
        found += [evaluation.fitness for evaluation in pool.collect(timeout_s=60.0)]
    return set(found)

with RayPool(NamesItsProcess, RayOptions(workers=1)) as pool:
    signal.signal(signal.SIGINT, lambda *_: print("the head was interrupted"))
    before = processes(pool, 0)
    os.killpg(0, signal.SIGINT)
    print(processes(pool, 4) == before, pool.occupancy().lost_workers)
print(ray.is_initialized())
"""


def test_a_private_ray_is_quiet_survives_ctrl_c_and_ends_with_the_pool(tmp_path: Path) -> None:
    unset = ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    finished = subprocess.run(
        [sys.executable, "-c", PRIVATE_RAY],
        env=environment | {"HOME": str(tmp_path)},
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stderr == ""
    assert finished.stdout == "the head was interrupted\nTrue 0\nFalse\n"
    assert not (tmp_path / ".ray").exists()
