"""The laws of `Executor`, held against every implementation."""

from __future__ import annotations

import pytest

from evo_nas.evaluation import Candidate
from evo_nas.execution.executor import Executor
from evo_nas.execution.inline import InlineExecutor
from evo_nas.execution.ray_pool import RayOptions, RayPool
from evo_nas.execution.simulated import SimulatedExecutor, Simulation
from evo_nas.execution.worker import MakeEvaluator
from evo_nas.testing.executors import SLOW, SLOW_S, BuildExecutor, ExecutorContract


class TestInlineExecutor(ExecutorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def build(cls) -> BuildExecutor:
        return InlineExecutor


class TestSimulatedExecutor(ExecutorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def build(cls) -> BuildExecutor:
        def duration_s(candidate: Candidate) -> float:
            return SLOW_S if candidate.operator == SLOW else 0.01

        def build(make_evaluator: MakeEvaluator, *, time_limit_s: float | None = None) -> Executor:
            simulation = Simulation(2, time_limit_s=time_limit_s)
            return SimulatedExecutor(make_evaluator(), simulation, duration_s=duration_s)

        return build


@pytest.mark.ray
class TestRayPool(ExecutorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def build(cls, local_ray: None) -> BuildExecutor:
        def build(make_evaluator: MakeEvaluator, *, time_limit_s: float | None = None) -> Executor:
            return RayPool(make_evaluator, RayOptions(workers=2, time_limit_s=time_limit_s))

        return build
