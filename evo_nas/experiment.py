"""The composition root: from a configuration to a wired search; the only place that picks concrete classes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evo_nas.budgets import Budget
from evo_nas.data.paths import check_that_files_differ, resolved, without_paths
from evo_nas.errors import ConfigError
from evo_nas.execution.inline import InlineExecutor
from evo_nas.execution.remembering import RememberingExecutor
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import BackgroundCommitter, ImmediateCommitter
from evo_nas.loop import Search
from evo_nas.runs.memory import Memory, remembered_runs
from evo_nas.runs.shared_weights import SharedWeights
from evo_nas.runs.transfer import begin_warm, networks_at
from evo_nas.runs.warm_start import COLD_START, founders_of
from evo_nas.sections import Sections, as_begun, check_data, following_budget, spelled_out
from evo_nas.strategies.proposal import Founder
from evo_nas.strategies.pruning import resolve_rungs
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.strategies.suggestions import EmptyInbox
from evo_nas.tasks.cuts.making import with_cuts, with_most_cuts
from evo_nas.tasks.dataset import Stream, steps_of
from evo_nas.tasks.in_memory import InMemoryTask
from evo_nas.tasks.preparation import Recipe
from evo_nas.tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from pydantic import BaseModel

    from evo_nas.config import SearchConfig
    from evo_nas.execution.executor import Executor
    from evo_nas.ledger import Ledger
    from evo_nas.runs import Run
    from evo_nas.runs.warm_start import WarmStart
    from evo_nas.strategies.strategy import Strategy, StrategyOptions
    from evo_nas.tasks.baselines.fitting import FittedBaselines
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.task import Prepared, Task

ExecutorKind = Literal["ray", "cluster", "inline"]
"""Where candidates are trained: ``ray`` starts workers on this machine, ``cluster`` uses the Ray cluster of this
process and waits for workers without a deadline, ``inline`` trains in this process."""
_READ = ("fingerprint", "_read", "prepared", "baselines")
"""What hangs on the data alone."""
STARTUP_S = 120.0
BASELINES_LIMIT_S = 600.0
"""A search waits for its baselines, so none is begun later than this after the first one."""


@dataclass(frozen=True)
class Experiment:
    """A checked configuration and the parts that it describes; the data are read when they are first needed.

    Attributes:
        config: The configuration with every default filled in.
        sections: The options of each section.
        task: What the networks learn.
    """

    config: SearchConfig
    sections: Sections
    task: Task[BaseModel]

    @classmethod
    def of(cls, config: SearchConfig, *, dataset: Dataset | None = None) -> Self:
        """Checks every section without reading data.

        Args:
            config: Any configuration.
            dataset: Data in memory; only with the task ``in_memory``.

        Raises:
            ConfigError: Something in the configuration is wrong.
        """
        sections = Sections.of(config)
        resolve_rungs(config.fitness, config.training.full_epochs)
        if dataset is not None:
            return cls(spelled_out(config), sections, _task_of(dataset, config))
        task = TASKS[config.task["kind"]](resolved(sections.task, config.base_dir))
        return cls(spelled_out(config), sections, task)

    @classmethod
    def of_run(cls, run: Run) -> Self:
        """Returns the experiment that ``run`` records, with its latest budget and workers.

        Raises:
            DataChangedError: The content of its data files has changed.
        """
        experiment = cls.of(run.config)
        run.require_same(experiment.config, experiment.fingerprint)
        return experiment

    def with_epochs(self, epochs: int) -> Self:
        """Returns the experiment with so many epochs of a full training; what was read stays read."""
        training = self.config.training.model_copy(update={"epochs": epochs})
        return self.with_config(self.config.model_copy(update={"training": training}))

    def with_config(self, config: SearchConfig) -> Self:
        """Returns the experiment of ``config``, whose task and cuts are the same; what was read stays read.

        Raises:
            ConfigError: Something else in it is wrong.
        """
        changed = replace(self, config=spelled_out(config), sections=Sections.of(config))
        vars(changed).update({name: value for name, value in vars(self).items() if name in _READ})
        return changed

    def settled(self, run: Run) -> Self:
        """Returns the experiment with the epochs that ``run`` was started with, if the configuration names none.

        A new run, of which nothing was measured, gets the default.

        Raises:
            RunError: The record of the run is damaged.
        """
        if self.config.training.epochs is not None:
            return self
        return self.with_epochs((run.config if run.exists else self.config).training.full_epochs)

    @cached_property
    def fingerprint(self) -> Mapping[str, str]:
        """SHA-256 of each data file by name; the files are hashed once.

        Raises:
            DataError: A file cannot be read.
        """
        return self.task.fingerprint()

    @cached_property
    def prepared(self) -> Prepared:
        """The data set and the means to fit its baselines; the first access reads the data.

        Raises:
            DataError: The data cannot be used.
            ConfigError: The search space does not suit the data.
        """
        cut = with_cuts(self._read.dataset, self.config.validation.cuts)
        prepared = replace(self._read, dataset=self._with_recipe(cut))
        # Only the data say whether a layer may read backwards, so the check cannot be made before.
        check_data(self.sections.space, self.config.training, prepared.dataset)
        return prepared

    @cached_property
    def _read(self) -> Prepared:
        """What the task reads, with all that further cuts are made of."""
        check_that_files_differ(self.task.options)
        adapts = self.config.training.adaptation is not None
        return self.task.family() if adapts else self.task.read()

    def _with_recipe(self, dataset: Dataset) -> Dataset:
        """Returns the data set with the way that further files are read and trained on, which a champion keeps."""
        if dataset.preparation is None or isinstance(self.task, InMemoryTask):
            return dataset
        recipe = Recipe(
            self.task.kind,
            without_paths(self.task.options),
            self.config.training.model_dump(mode="json"),
            tuple(sorted(self.fingerprint.values())),
        )
        return replace(dataset, preparation=dataset.preparation.with_recipe(recipe))

    @property
    def dataset(self) -> Dataset:
        """The data set; raises as `prepared` does."""
        return self.prepared.dataset

    def with_most_cuts(self, cuts: int) -> tuple[Dataset, str]:
        """Returns the data set with ``cuts`` cuts if it has as many; see `making.with_most_cuts`."""
        return with_most_cuts(self._read.dataset, cuts)

    @cached_property
    def baselines(self) -> FittedBaselines:
        """Results of the task's baselines by name; fitted when they are first asked for."""
        return self.prepared.fit_baselines(BASELINES_LIMIT_S)

    @cached_property
    def space(self) -> SearchSpace:
        """The search space for these data."""
        return SearchSpace(
            self.sections.space,
            self.dataset.signature,
            self.config.training.full_epochs,
            batch_steps=self._batch_steps,
        )

    @property
    def _batch_steps(self) -> int:
        """The most steps that a batch of training has."""
        return _batch_steps(self.dataset, self.config.training.truncation)

    @property
    def budget(self) -> Budget:
        """When the search is complete."""
        budget = self.config.budget
        return Budget(
            budget.most_evaluations,
            train_s=budget.train_s,
            wall_s=budget.wall_s,
            flat_share=budget.stop_when_flat,
        )

    def warm_start(self) -> WarmStart:
        """Returns what a new run takes over from earlier ones, which are read for that.

        Raises:
            ConfigError: An earlier run cannot be used, or none of its networks fits the space.
        """
        return begin_warm(self.config.warm_start, self.space)

    def strategy(
        self, run: Run | None = None, *, warm_start: WarmStart = COLD_START
    ) -> Strategy[StrategyOptions]:
        """Returns a strategy that has not asked for anything yet.

        Args:
            run: The run that it searches; one that exists says with which networks of earlier runs it began, and its
                first budget decides options that were left out. None for a search that is not kept.
            warm_start: What a new run takes over from earlier ones.
        """
        if run is not None and run.exists:
            begun, founders = as_begun(self.config, run.config), run.founders
        else:
            begun, founders = following_budget(self.config), founders_of(warm_start.founders)
        return STRATEGIES[self.config.strategy["kind"]](
            self.space,
            Sections.of(begun).strategy,
            seed=self.config.seed,
            epochs=self.config.training.full_epochs,
            fitness=self.config.fitness,
            cuts=self.config.validation.cuts,
            founders=self._with_seeds(founders),
            inbox=EmptyInbox() if run is None else run.inbox,
        )

    def _with_seeds(self, founders: Sequence[Founder]) -> list[Founder]:
        """Returns networks of earlier runs and then the founders of the space, no architecture twice."""
        known = {self.space.canonical_hash(each.genome) for each in founders}
        seeds = [
            Founder(*named)
            for named in self.space.seeds()
            if self.space.canonical_hash(named[1]) not in known
        ]
        return [*founders, *seeds]

    def is_complete(self, run: Run) -> bool:
        """Whether ``run`` exists and has spent the budget of this experiment.

        Raises:
            ConfigChangedError: The run was started with another configuration.
            DataChangedError: The run was started on other data.
        """
        if not run.exists:
            return False
        run.require_same(self.config, self.fingerprint)
        return run.is_spent(self.config.budget)

    @contextmanager
    def open(
        self,
        run: Run,
        *,
        executor: ExecutorKind = "ray",
        accept_data_loss: bool = False,
        verdict_trainings: float = 0.0,
        warm_start: WarmStart | None = None,
    ) -> Iterator[Search]:
        """Starts or resumes ``run`` and yields its search, ready to continue.

        Args:
            run: An existing run, or an empty place for a new one.
            executor: Where candidates are trained.
            accept_data_loss: Whether to resume although committed evaluations are damaged or missing.
            verdict_trainings: Full trainings one after another for which a budget of minutes leaves time.
            warm_start: What a new run takes over from earlier ones; read from them by default.

        Raises:
            RunError: The place cannot be used, or another process is searching this run.
            ConfigChangedError: The run was started with another configuration.
            ConfigError: The workers lack a device that the configuration names, or its memory does not exist.
            ExecutionError: Workers cannot be started.
        """
        settled = self.settled(run)
        with ExitStack() as stack:
            if not run.exists and warm_start is None:
                run.check_vacant()
                warm_start = settled.warm_start()
            yield settled._opened(
                run, stack, executor, accept_data_loss, verdict_trainings, warm_start or COLD_START
            )

    def _opened(
        self,
        run: Run,
        stack: ExitStack,
        executor: ExecutorKind,
        accept_data_loss: bool,  # noqa: FBT001 - only `open` calls this
        verdict_trainings: float,
        warm_start: WarmStart,
    ) -> Search:
        kind = STRATEGIES[self.config.strategy["kind"]]
        shared = SharedWeights(run, self.config.fitness, trains_long=kind.trains_long)
        if run.exists:
            run.require_same(self.config, self.fingerprint)
            strategy = self.strategy(run)
            # Claimed before the workers start: a run that another process searches is refused at once.
            ledger = stack.enter_context(
                run.open_ledger(
                    self.config,
                    accept_data_loss=accept_data_loss,
                    # A manager may search for weeks, so it must not keep the history in memory.
                    keep=executor != "cluster",
                    describe=self._describe,
                )
            )
            workers = self._workers(executor, run, shared, stack)
        else:
            run.check_vacant()
            # A strategy that cannot serve the space says so before anything starts.
            strategy = self.strategy(run, warm_start=warm_start)
            # Nothing is written for a new run before its workers have started.
            workers = self._workers(executor, run, shared, stack)
            ledger = stack.enter_context(self._created(run, warm_start))
        if kind.takes_suggestions:
            run.inbox.keep_space(self.space, batch_steps=self._batch_steps)
        budget = replace(self.budget, verdict_trainings=verdict_trainings)
        # In this process nothing may depend on how long a commit takes: the same seed gives the same search.
        beside = executor != "inline"
        committer = stack.enter_context((BackgroundCommitter if beside else ImmediateCommitter)(ledger))
        # Before the candidates in flight are trained again: what they keep must not count as left behind.
        keeper = shared.keeper(strategy.wanted_weights)
        believers = () if keeper is None else (keeper,)
        search = Search.resumed(
            strategy, workers, ledger, budget=budget, committer=committer, believers=believers
        )
        if keeper is not None:
            keeper()
        return search

    def _created(self, run: Run, warm_start: WarmStart) -> Ledger:
        return run.create_ledger(
            following_budget(self.config), self.fingerprint, describe=self._describe, warm_start=warm_start
        )

    def _describe(self, genome: tuple[int, ...]) -> str:
        return self.space.to_json(genome)

    def _workers(self, kind: ExecutorKind, run: Run, shared: SharedWeights, stack: ExitStack) -> Executor:
        """Returns the executor, started and behind the memory if there is one; ``stack`` closes it."""
        started = stack.enter_context(self._with_memory(self._executor(kind, shared), kind, run))
        stack.callback(shared.close)
        return started

    def _with_memory(self, executor: Executor, kind: ExecutorKind, run: Run) -> Executor:
        place = self.config.fitness.memory
        if place is None:
            return executor
        self.check_memory(kind)
        memory = Memory.at(place, self.config, self.fingerprint, own=run)
        return RememberingExecutor(executor, memory.recall)

    def check_memory(self, kind: ExecutorKind) -> None:
        """Checks, without reading data or results, that the place of the memory is there, if there is one.

        Raises:
            ConfigError: It is not.
        """
        place = self.config.fitness.memory
        if place is None:
            return
        if kind == "cluster":
            _check_reachable("fitness.memory is", place)
        remembered_runs(place)

    def check_warm_start(self, kind: ExecutorKind) -> None:
        """Checks, without reading any, that the places of earlier runs mean the same where the search lives.

        Raises:
            ConfigError: A path is relative, and the search lives in a cluster.
        """
        if kind == "cluster":
            for place in self.config.warm_start.runs:
                _check_reachable("warm_start.runs has", place)

    def check_earlier_runs(self) -> None:
        """Checks that a new run has networks to begin with at each place of ``warm_start``, before data are read.

        Raises:
            ConfigError: A place has no finished run with a trained network.
        """
        for place in self.config.warm_start.runs:
            networks_at(place, count=1, weights=False)

    def _executor(self, kind: ExecutorKind, shared: SharedWeights) -> Executor:
        from evo_nas.training.evaluator import EvaluatorFactory  # noqa: PLC0415 - checking options needs no torch

        training, workers = self.config.training, self.config.workers
        factory = EvaluatorFactory(
            self.space,
            self.dataset,
            training,
            lanes=workers.lanes,
            gpu_share=workers.gpus,
            memory_bytes=workers.memory_bytes,
            fitness=self.config.fitness,
        )
        if kind == "inline":
            weights, bank = shared.here()
            return InlineExecutor(
                replace(factory, weights=weights, bank=bank), time_limit_s=training.time_limit_s
            )
        from evo_nas.execution.ray_pool import RayOptions, RayPool  # noqa: PLC0415 - inline runs need no Ray

        def equip() -> EvaluatorFactory:
            weights, bank = shared.on_ray(is_cluster=kind == "cluster")
            return replace(factory, weights=weights, bank=bank)

        return RayPool(
            factory,
            RayOptions(
                workers=workers.most,
                lanes=workers.lanes,
                min_workers=workers.fewest,
                memory_per_worker=workers.memory_bytes,
                startup_timeout_s=None if kind == "cluster" else STARTUP_S,
                cpus_per_worker=workers.cpus,
                gpus_per_worker=workers.gpus,
                attempts=workers.attempts,
                time_limit_s=training.time_limit_s,
            ),
            equip=equip,
        )


def _task_of(dataset: Dataset, config: SearchConfig) -> InMemoryTask:
    kind = config.task["kind"]
    if kind != InMemoryTask.kind:
        raise ConfigError(
            f"task.kind is {kind}, but a dataset is given; leave the section task out, or leave the dataset out"
        )
    return InMemoryTask.of(dataset)


def _check_reachable(named: str, place: str) -> None:
    if "://" not in place and not Path(place).is_absolute():
        raise ConfigError(
            f"{named} {place}; must be an absolute path or a URI such as s3://bucket/runs, since the search lives on a "
            "machine where a relative path leads elsewhere"
        )


def _batch_steps(dataset: Dataset, truncation: int | None) -> int:
    """Returns the most steps that a batch of training has."""
    train = dataset.train
    steps = train.steps if isinstance(train, Stream) else steps_of(train)
    return steps if truncation is None else min(steps, truncation)
