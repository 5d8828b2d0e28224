"""Contract suites: the tests that every strategy, executor, task and export format has to pass, for your own ones, too.

Each suite is a class of pytest tests. A subclass supplies one fixture and inherits all tests::

    from evo_nas.testing.strategies import BuildStrategy, StrategyContract

    class TestMyStrategy(StrategyContract):
        @pytest.fixture
        def build(self) -> BuildStrategy:
            return lambda space, *, seed, fitness: MyStrategy(space, seed=seed, epochs=4, fitness=fitness)

A suite for executors shares a started one between its tests, so its fixture belongs to the class::

    from evo_nas.testing.executors import BuildExecutor, ExecutorContract

    class TestMyExecutor(ExecutorContract):
        @pytest.fixture(scope="class")
        @classmethod
        def build(cls) -> BuildExecutor:
            return lambda make_evaluator, *, time_limit_s=None: MyExecutor(make_evaluator, time_limit_s)

* `evo_nas.testing.strategies.StrategyContract`: the laws of `evo_nas.strategies.strategy.Strategy`.
* `evo_nas.testing.executors.ExecutorContract`: the laws of `evo_nas.execution.executor.Executor`.
* `evo_nas.testing.exporters.ExporterContract`: the laws of `evo_nas.champion.exporters.exporter.Exporter`.
* `evo_nas.testing.tasks.TaskContract`: the laws of `evo_nas.tasks.task.Task`, and of its cuts.
* `evo_nas.testing.cuts.CutContract`: the laws of cuts alone, for a data set.

evo-nas runs the same suites over its own registries, in `tests/contracts/`. Only this package imports pytest.
"""

import pytest

# Before the suites are imported: pytest explains a failed assert only in modules that it knows to be tests.
pytest.register_assert_rewrite(
    *(f"{__name__}.{suite}" for suite in ("strategies", "executors", "exporters", "tasks", "cuts"))
)
