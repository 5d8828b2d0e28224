"""`LocalSession`: a search in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from evo_nas.champion.trial_settings import cost_of
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import ConfigError, ExecutionError
from evo_nas.experiment import ExecutorKind, Experiment
from evo_nas.runs import Run
from evo_nas.runs.warm_start import COLD_START
from evo_nas.sessions.events import (
    Baselines,
    Completed,
    Founded,
    Judged,
    Loaded,
    Started,
    Stopped,
    Working,
)
from evo_nas.sessions.judging import judge
from evo_nas.sessions.narrator import Narrator
from evo_nas.sessions.planning import Planner, affordable_epochs
from evo_nas.sessions.retrainer import retrainer_for
from evo_nas.sessions.session import Session

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterator

    from evo_nas.config import SearchConfig
    from evo_nas.loop import Search
    from evo_nas.progress import Progress
    from evo_nas.sessions.events import Event
    from evo_nas.tasks.baselines.fitting import FittedBaselines
    from evo_nas.tasks.dataset import Dataset

START_S = 20.0
"""Seconds of trainings one after another that workers hardly spare, since they take some to start."""


class LocalSession(Session):
    """Runs a search in this process, inside `events`: the search pauses between two events.

    Args:
        place: Directory or URI of the run.
        executor: Where candidates are trained, and the networks of the verdict.
        accept_data_loss: Whether to resume although committed evaluations are damaged or missing.
        dataset: Data in memory, for the task ``in_memory``.
    """

    outlives = False

    def __init__(
        self,
        place: str | os.PathLike[str],
        *,
        executor: ExecutorKind = "ray",
        accept_data_loss: bool = False,
        dataset: Dataset | None = None,
    ) -> None:
        self.run = Run.at(place)
        super().__init__(str(place))
        self._executor = executor
        self._accept_data_loss = accept_data_loss
        self._dataset = dataset
        self._experiment: Experiment | None = None
        self._search: Search | None = None
        self._running: Generator[Event, None, None] | None = None
        self._stopping: float | None = None
        self._complete = False
        self._full_s = 0.0

    def start(self, config: SearchConfig) -> None:
        """Checks the configuration; the search itself is run by `events`."""
        if self._executor not in get_args(ExecutorKind):
            raise ConfigError(
                f"executor is {self._executor!r}; must be one of {', '.join(get_args(ExecutorKind))}"
            )
        self._experiment = Experiment.of(config, dataset=self._dataset)

    def attach(self) -> None:
        """Raises an error: a search in another process of this machine cannot be followed."""
        raise ExecutionError(
            f"no address is given; {self.place} can be followed where it is searched in a cluster (--address)"
        )

    def stop(self, *, drain_s: float = 0.0) -> None:
        """Ends the search after the current turn, or the verdict after the current training."""
        self._stopping = drain_s
        if self._search is not None:
            self._search.stop(drain_s=drain_s)

    def leave(self) -> None:
        """Stops the search, since it ends with this process."""
        self.stop()

    def events(self) -> Generator[Event, None, None]:
        """Runs the search and yields its events."""
        self._running = self._run()
        return self._running

    def close(self) -> None:
        """Ends a search that is not run to its end: its workers, and its hold of the run."""
        if self._running is not None:
            self._running.close()

    def _run(self) -> Generator[Event, None, None]:
        experiment = self._started()
        # The totals of a damaged run can be read only after its loss was accepted, which `Experiment.open` does.
        complete = not self._accept_data_loss and experiment.is_complete(self.run)
        if not complete:
            # What is wrong with the place is said before data are read and anything of them is kept there.
            if self.run.exists:
                self.run.require_same(experiment.config, experiment.fingerprint)
            else:
                self.run.check_vacant()
            experiment.check_memory(self._executor)
            experiment.check_warm_start(self._executor)
            if not self.run.exists:  # one that exists needs the earlier runs no more
                experiment.check_earlier_runs()
            baselines = yield from self._read_data(experiment)
            experiment = self._experiment = yield from self._measured(experiment)
            if self._stopping is not None:
                yield self._stopped()
                return
            progress = yield from self._run_search(experiment, baselines)
            if not progress.finished:
                yield self._stopped()
                return
            if progress.ending is not None:
                self.run.keep_ending(progress.ending, told=progress.told, budget=experiment.config.budget)
        self._complete = True
        yield self._completed(experiment)
        # A verdict that was made already is shown, whoever made it.
        if experiment.config.verdict.at_end or stored_verdict(self.run) is not None:
            yield from self._judge(experiment)
        else:
            yield self._stopped()

    def standing(self) -> Stopped | None:
        """Returns how many evaluations are committed; None if no run was started."""
        return self._stopped() if self.run.exists else None

    def _stopped(self) -> Stopped:
        return Stopped(
            run=self.place,
            told=self.run.totals().told if self.run.exists else 0,
            evaluations=self._started().budget.evaluations,
            complete=self._complete,
        )

    def _completed(self, experiment: Experiment) -> Completed:
        ending = self.run.ending(experiment.config.budget)
        told = 0 if ending is None else self.run.totals().told
        return Completed(run=self.place, ending=ending, told=told, noise=self.run.noise())

    def _started(self) -> Experiment:
        if self._experiment is None:
            raise RuntimeError("a session is started before its events are asked for")
        return self._experiment

    def _read_data(self, experiment: Experiment) -> Generator[Event, None, FittedBaselines]:
        yield Working(doing="loading the data")
        metric = experiment.dataset.metric.name
        yield Loaded(remarks=experiment.dataset.remarks)
        yield Working(doing="fitting the baselines")
        baselines = self.run.baselines(metric, lambda: experiment.baselines)
        yield Baselines(metric=metric, results=dict(baselines))
        return baselines

    def _measured(self, experiment: Experiment) -> Generator[Event, None, Experiment]:
        """Chooses the epochs of a new run by the time of one, if the configuration leaves them to its minutes."""
        config = experiment.config
        if self.run.exists or config.training.epochs is not None or config.budget.wall_s is None:
            return experiment.settled(self.run)
        from evo_nas.training.measuring import measured_epoch_s  # noqa: PLC0415 - it loads torch

        yield Working(doing="measuring an epoch")
        epoch_s = measured_epoch_s(
            experiment.space, experiment.dataset, config.training, on_gpu=config.workers.gpus > 0
        )
        if epoch_s is None:
            return experiment.settled(self.run)
        workers = 1 if self._executor == "inline" else config.workers.most * config.workers.lanes
        epochs = affordable_epochs(
            config, epoch_s=epoch_s, workers=workers, verdict_trainings=self._verdict_trainings
        )
        return experiment.with_epochs(epochs)

    @property
    def _verdict_trainings(self) -> float:
        """How many full trainings the verdict makes one after another."""
        config = self._started().config
        at_once = 1 if self._executor == "inline" else config.workers.most
        return cost_of(config.verdict, at_once=at_once) if config.verdict.at_end else 0.0

    @property
    def _judging_executor(self) -> ExecutorKind:
        """Where the verdict is made: as the search was, or here if that takes no longer than to start workers again."""
        verdict_s = self._full_s * cost_of(self._started().config.verdict)
        return "inline" if self._executor == "ray" and 0 < verdict_s < START_S else self._executor

    def _run_search(
        self, experiment: Experiment, baselines: FittedBaselines
    ) -> Generator[Event, None, Progress]:
        warm_start = COLD_START if self.run.exists else experiment.warm_start()
        if warm_start.founders:
            yield Founded(remarks=warm_start.remarks)
        yield Working(doing="starting the workers")
        with experiment.open(
            self.run,
            executor=self._executor,
            accept_data_loss=self._accept_data_loss,
            verdict_trainings=self._verdict_trainings,
            warm_start=warm_start,
        ) as search:
            self._search = search
            if self._stopping is not None:  # stopped while the workers were starting
                search.stop(drain_s=self._stopping)
            metric, narrator = experiment.dataset.metric, Narrator(experiment)
            planner = Planner(experiment.config)
            # A new run exists only now; what was fitted before is kept with it.
            self.run.keep_baselines(metric.name, baselines)
            yield Started(
                run=self.place,
                name=experiment.config.name,
                metric=metric.name,
                higher_is_better=metric.higher_is_better,
                told=search.progress().told,
            )
            yield narrator.event(search.progress())
            while not search.ended:
                search.step()
                progress = search.progress()
                if (plan := planner.news(progress)) is not None:
                    yield plan
                yield narrator.event(progress)
            self._full_s = search.progress().full_s
            return search.progress()

    def _judge(self, experiment: Experiment) -> Iterator[Event]:
        last = None
        for last in judge(
            self.run,
            experiment,
            open_retrainer=lambda: retrainer_for(experiment.config.workers, executor=self._judging_executor),
            is_stopped=lambda: self._stopping is not None,
        ):
            yield last
        if not isinstance(last, Judged):
            yield self._stopped()
