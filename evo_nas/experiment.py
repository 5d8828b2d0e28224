"""The composition root: from a configuration to a wired search; the only place that picks concrete classes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, get_args

from evo_nas.config import SearchConfig, checked, nearest
from evo_nas.errors import ConfigChangedError, ConfigError, DataChangedError
from evo_nas.execution.executor import InlineExecutor
from evo_nas.genome.codec import to_json
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import Ledger, RunRecord, check_vacant, holds_run, read_config, read_record, read_totals
from evo_nas.loop import Budget, Search
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.tasks.registry import TASKS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any, Self

    from pydantic import BaseModel

    from evo_nas.execution.executor import Executor
    from evo_nas.strategies.strategy import Strategy
    from evo_nas.tasks.task import Dataset, Task

ExecutorKind = Literal["ray", "cluster", "inline"]
"""Workers of a Ray on this machine; of the cluster that this process is part of, however long they take to come;
or none, with training in this process."""
STARTUP_S = 120.0
Kind = TypeVar("Kind")


class _Sections(NamedTuple):
    """The options of the sections that each kind checks itself."""

    strategy: BaseModel
    space: SpaceOptions
    task: BaseModel

    @classmethod
    def of(cls, config: SearchConfig, *, base: Path | None = None) -> Self:
        """Checks them; relative data paths start from ``base``, or stay as they are."""
        strategy_class = _chosen(STRATEGIES, config.strategy, section="strategy")
        strategy = checked(strategy_class.Options, _options(config.strategy), at="strategy")
        space = checked(SpaceOptions, config.space, at="space", base=config.base_dir)
        task_class = _chosen(TASKS, config.task, section="task")
        return cls(strategy, space, checked(task_class.Options, _options(config.task), at="task", base=base))


def check_options(config: SearchConfig) -> BaseModel:
    """Checks every section as far as that needs no data, and returns the task's options as they were written.

    Raises:
        ConfigError: Something in the configuration is wrong.
    """
    return _Sections.of(config).task


@dataclass(frozen=True)
class Experiment:
    """Everything that a configuration means, checked, with the data loaded; no run directory touched yet.

    Attributes:
        config: What was asked for, every option spelled out.
        task: What the networks learn.
        dataset: Its data.
        space: What may evolve, for that data.
        strategy_options: Options of the strategy that ``config.strategy`` names.
    """

    config: SearchConfig
    task: Task
    dataset: Dataset
    space: SearchSpace
    strategy_options: BaseModel

    @classmethod
    def of(cls, config: SearchConfig) -> Self:
        """Checks every section, loads the data and builds the search space.

        Raises:
            ConfigError: Something in the configuration is wrong.
            DataError: The data cannot be used.
        """
        sections = _Sections.of(config, base=config.base_dir)
        task = TASKS[config.task["kind"]](sections.task)
        dataset = task.load()
        _check_direction(sections.space, dataset)
        space = SearchSpace(sections.space, dataset.signature, config.training.epochs)
        return cls(_spelled_out(config), task, dataset, space, sections.strategy)

    @classmethod
    def of_run(cls, run: str | os.PathLike[str]) -> Self:
        """Returns the experiment that the run at ``run`` records.

        Raises:
            DataChangedError: Its files hold something else now.
        """
        experiment = cls.of(checked(SearchConfig, read_config(run)))
        experiment._refuse_changes(run, read_record(run))
        return experiment

    @cached_property
    def baselines(self) -> Mapping[str, float]:
        """Test metric of the task's trivial opponents by name, fitted when first asked for."""
        return self.task.baselines()

    @property
    def budget(self) -> Budget:
        """When the search is complete."""
        minutes = self.config.budget.train_minutes
        return Budget(self.config.budget.evaluations, None if minutes is None else 60 * minutes)

    def strategy(self) -> Strategy:
        """Returns a fresh strategy."""
        return STRATEGIES[self.config.strategy["kind"]](
            self.space, self.strategy_options, seed=self.config.seed, epochs=self.config.training.epochs
        )

    def is_complete(self, run: str | os.PathLike[str]) -> bool:
        """Whether the run at ``run`` exists, is this experiment's and has spent the budget.

        Raises:
            ConfigChangedError: The run was started with another configuration.
        """
        if not holds_run(run):
            return False
        self._refuse_changes(run, read_record(run))
        totals = read_totals(run)
        return not totals.in_flight and self.budget.is_spent(asked=totals.told, train_s=totals.train_s)

    @contextmanager
    def open(
        self, run: str | os.PathLike[str], *, executor: ExecutorKind = "ray", accept_data_loss: bool = False
    ) -> Iterator[Search]:
        """Starts the run at ``run``, or resumes it, and yields the search, ready to go on.

        Nothing is written for a new run before its workers have started.

        Args:
            run: Directory of the run.
            executor: Where candidates are trained.
            accept_data_loss: Whether to go on without committed evaluations that are damaged or missing.

        Raises:
            RunError: The directory cannot be used, or another process is searching this run.
            ConfigChangedError: The run was started with another configuration.
            ConfigError: The workers lack a device that was asked for.
            ExecutionError: Workers cannot be started.
        """
        with ExitStack() as stack:
            if holds_run(run):
                ledger = stack.enter_context(self._resumed(run, accept_data_loss=accept_data_loss))
                workers = stack.enter_context(self._executor(executor))
            else:
                check_vacant(run)
                workers = stack.enter_context(self._executor(executor))
                ledger = stack.enter_context(self._started(run))
            yield Search(self.strategy(), workers, ledger, budget=self.budget)

    def _resumed(self, run: str | os.PathLike[str], *, accept_data_loss: bool) -> Ledger:
        self._refuse_changes(run, read_record(run))
        return Ledger.open(
            run,
            accept_data_loss=accept_data_loss,
            settings=self.config.model_dump(mode="json", include={"budget", "workers"}),
            describe=self._describe,
        )

    def _started(self, run: str | os.PathLike[str]) -> Ledger:
        config = self.config.model_dump(mode="json")
        record = RunRecord.new(
            self.config.name, seed=self.config.seed, config=config, data=self.task.fingerprint()
        )
        return Ledger.create(run, record, describe=self._describe)

    def _describe(self, genome: tuple[int, ...]) -> str:
        return to_json(self.space.decode(genome))

    def _refuse_changes(self, run: str | os.PathLike[str], record: RunRecord) -> None:
        data = self.task.fingerprint()
        same_files = bool(data) and data == record.data
        started = _spelled_out(checked(SearchConfig, record.config))
        changes = started.changes(self.config, same_files=same_files)
        if changes:
            raise ConfigChangedError(
                f"{run} was started with another configuration. Only budget and workers may change; undo these "
                "changes or give another directory with --run:\n"
                + "\n".join(f"  {change}" for change in changes)
            )
        if record.data and not same_files:
            names = dict.fromkeys((*record.data, *data))
            raise DataChangedError(
                f"{run} was started on other data, and results on both cannot be compared. Restore the files, or "
                "give another directory with --run:\n"
                + "\n".join(
                    f"  {name}: SHA-256 was {record.data.get(name, 'none')}, is {data.get(name, 'none')}"
                    for name in names
                    if record.data.get(name) != data.get(name)
                )
            )

    def _executor(self, kind: ExecutorKind) -> Executor:
        if kind not in get_args(ExecutorKind):
            raise ConfigError(f"executor is {kind!r}; must be one of {', '.join(get_args(ExecutorKind))}")
        from evo_nas.training.evaluate import EvaluatorFactory  # noqa: PLC0415 - checking options needs no torch

        training, workers = self.config.training, self.config.workers
        factory = EvaluatorFactory(
            self.space,
            self.dataset,
            device=training.device,
            time_limit_s=training.time_limit_s,
            schedule=training.schedule,
            precision=training.precision,
            lanes=workers.lanes,
            gpu_share=workers.gpus,
            memory_bytes=workers.memory_bytes,
        )
        if kind == "inline":
            return InlineExecutor(factory, time_limit_s=training.time_limit_s)
        from evo_nas.execution.ray_pool import RayOptions, RayPool  # noqa: PLC0415 - inline runs need no Ray

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
        )


def _spelled_out(config: SearchConfig) -> SearchConfig:
    """Returns ``config`` with the options that it leaves open, so that a default is equal to its spelling."""
    options = _Sections.of(config)._asdict()
    return config.model_copy(
        update={
            section: getattr(config, section) | model.model_dump(mode="json")
            for section, model in options.items()
        }
    )


def _check_direction(options: SpaceOptions, dataset: Dataset) -> None:
    if dataset.causal and options.bidirectional:
        raise ConfigError(
            f"space.bidirectional is true, but the task is {dataset.name}, where a layer that reads backwards "
            "would see what is to be predicted; set it to false"
        )


def _chosen(registry: Mapping[str, Kind], options: Mapping[str, Any], *, section: str) -> Kind:
    kind = options["kind"]
    if kind not in registry:
        raise ConfigError(f"{section}.kind is {kind}; {nearest(kind, sorted(registry))}")
    return registry[kind]


def _options(section: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key != "kind"}
