"""Workers that train several candidates at the same time."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest
from ray import cloudpickle

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.ray_pool import RayOptions, RayPool

cloudpickle.register_pickle_by_value(sys.modules[__name__])
pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]

LANES = 3
OK, MEETS, KILLS, HANGS = "ok", "meets", "kills", "hangs"


class Scripted:
    """Does what the candidate's operator says; scores by the process."""

    def __init__(self) -> None:
        self._meeting = threading.Barrier(LANES)

    def __call__(self, candidate: Candidate) -> Outcome:
        if candidate.operator == MEETS:
            self._meeting.wait(60.0)
        if candidate.operator == KILLS:
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGKILL)
        if candidate.operator == HANGS:
            time.sleep(3600.0)
        return Outcome(Status.OK, fitness=float(os.getpid()))


def candidate(number: int, does: str = OK) -> Candidate:
    return Candidate(number, (number,), f"{number:032x}", (), does, number, budget=1, asked_after=0)


def evaluated(options: RayOptions, candidates: list[Candidate]) -> dict[int, Evaluation]:
    with RayPool(Scripted, options) as pool:
        pool.submit(candidates)
        collected: dict[int, Evaluation] = {}
        while len(collected) < len(candidates):
            for evaluation in pool.collect(timeout_s=60.0):
                assert evaluation.candidate.id not in collected
                collected[evaluation.candidate.id] = evaluation
    return collected


def test_lanes_train_at_the_same_time_in_one_process() -> None:
    meeting = [candidate(number, MEETS) for number in range(2 * LANES)]
    collected = evaluated(RayOptions(workers=1, lanes=LANES), meeting)
    assert {evaluation.status for evaluation in collected.values()} == {Status.OK}
    assert len({evaluation.fitness for evaluation in collected.values()}) == 1


def test_whoever_kills_or_stalls_a_worker_is_found_out_and_the_other_lanes_are_spared() -> None:
    behaviour = {4: KILLS, 9: HANGS}
    candidates = [candidate(number, behaviour.get(number, OK)) for number in range(16)]
    collected = evaluated(RayOptions(workers=2, lanes=LANES, attempts=2, time_limit_s=0.1), candidates)
    failed = {number: e.status for number, e in collected.items() if e.status is not Status.OK}
    assert failed == {4: Status.POISONED, 9: Status.TIMED_OUT}
