"""`LocalSession`: a search in this process."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from evo_nas.champion.reference_lstm import MOST_TRAININGS
from evo_nas.champion.verdict import stored_verdict
from evo_nas.config.objectives import FITNESS
from evo_nas.errors import ConfigError, ExecutionError, FencedError
from evo_nas.experiment import ExecutorKind, Experiment
from evo_nas.genome.describe import describe
from evo_nas.runs import Run
from evo_nas.sessions.events import (
    Baselines,
    Best,
    Completed,
    FrontMember,
    Judged,
    Loaded,
    Progressed,
    Started,
    Stopped,
    Working,
)
from evo_nas.sessions.pace import Pace
from evo_nas.sessions.planning import Planner, affordable_epochs, expected_evaluations
from evo_nas.sessions.session import Session
from evo_nas.strategies.front import cost_of
from evo_nas.tasks.baselines.fitting import scores

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterator

    from evo_nas.champion.retrain import Retrain
    from evo_nas.config import BudgetOptions, SearchConfig
    from evo_nas.loop import Search
    from evo_nas.progress import Progress
    from evo_nas.sessions.events import Event
    from evo_nas.strategies.trials import Trial
    from evo_nas.tasks.dataset import Dataset


class LocalSession(Session):
    """Runs a search in this process, inside `events`: the search pauses between two events.

    Args:
        place: Directory or URI of the run.
        executor: Where candidates are trained.
        accept_data_loss: Whether to resume although committed evaluations are damaged or missing.
        dataset: Data in memory, for the task ``in_memory``.
        retrain: Runs the trainings of the verdict; in this process by default.
        retrains_at_once: How many trainings ``retrain`` makes at the same time.
    """

    outlives = False

    def __init__(
        self,
        place: str | os.PathLike[str],
        *,
        executor: ExecutorKind = "ray",
        accept_data_loss: bool = False,
        dataset: Dataset | None = None,
        retrain: Retrain | None = None,
        retrains_at_once: int = 1,
    ) -> None:
        self.run = Run.at(place)
        super().__init__(str(place))
        self._executor = executor
        self._accept_data_loss = accept_data_loss
        self._dataset = dataset
        self._retrain = retrain
        self._retrains_at_once = retrains_at_once
        self._experiment: Experiment | None = None
        self._search: Search | None = None
        self._running: Generator[Event, None, None] | None = None
        self._stopping: float | None = None
        self._complete = False

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
        yield completed(self.run, experiment.config.budget)
        yield from self._judge(experiment)

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

    def _started(self) -> Experiment:
        if self._experiment is None:
            raise RuntimeError("a session is started before its events are asked for")
        return self._experiment

    def _read_data(self, experiment: Experiment) -> Generator[Event, None, Baselines]:
        yield Working(doing="loading the data")
        metric = experiment.dataset.metric.name
        yield Loaded(remarks=experiment.dataset.remarks)
        yield Working(doing="fitting the baselines")
        baselines = Baselines(metric=metric, results=self.run.baselines(metric, lambda: experiment.baselines))
        yield baselines
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
        return MOST_TRAININGS / self._retrains_at_once

    def _run_search(self, experiment: Experiment, baselines: Baselines) -> Generator[Event, None, Progress]:
        yield Working(doing="starting the workers")
        with experiment.open(
            self.run,
            executor=self._executor,
            accept_data_loss=self._accept_data_loss,
            verdict_trainings=self._verdict_trainings,
        ) as search:
            self._search = search
            if self._stopping is not None:  # stopped while the workers were starting
                search.stop(drain_s=self._stopping)
            metric, narrator = experiment.dataset.metric, _Narrator(experiment)
            planner = Planner(experiment.config)
            # A new run exists only now; what was fitted before is kept with it.
            self.run.keep_baselines(baselines.metric, baselines.results)
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
            return search.progress()

    def _judge(self, experiment: Experiment) -> Iterator[Event]:
        last = None
        for last in judge(
            self.run, experiment, retrain=self._retrain, is_stopped=lambda: self._stopping is not None
        ):
            yield last
        if not isinstance(last, Judged):
            yield self._stopped()


def completed(run: Run, budget: BudgetOptions) -> Completed:
    """Returns the event that says what completed ``run``."""
    ending = run.ending(budget)
    told = 0 if ending is None else run.totals().told
    return Completed(run=str(run), ending=ending, told=told, noise=run.noise())


def judge(
    run: Run,
    experiment: Experiment,
    *,
    retrain: Retrain | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Compares the champion of ``run`` with an LSTM of its size and yields what is done, at last `Judged`.

    It reads no data and trains nothing if the run keeps a verdict on all of its evaluations. Trainings of an
    interrupted attempt are used again.

    Args:
        run: A run that exists.
        experiment: What it is of.
        retrain: Makes the trainings; in this process by default.
        is_stopped: Asked between trainings; if it is true, nothing more is yielded.

    Raises:
        ChampionError: No candidate was scored, or no training succeeded.
        RunError: Another process is searching or judging the run.
    """
    verdict = stored_verdict(run)
    if verdict is None:
        # A verdict is made once, by the process that owns the run: two would remove each other's trainings.
        with run.owned() as check_owned:
            for event in _contest(run, experiment, retrain, check_owned=check_owned):
                if is_stopped():
                    return
                if event is not None:
                    yield event
            verdict = stored_verdict(run)
    if verdict is None:
        raise FencedError(
            f"{run} has been searched on by another process meanwhile; give the same command again"
        )
    yield Judged(verdict=verdict)


def _contest(
    run: Run, experiment: Experiment, retrain: Retrain | None, *, check_owned: Callable[[], None]
) -> Iterator[Event | None]:
    """Makes the trainings of a verdict and publishes it; yields None while a training goes on elsewhere."""
    from evo_nas.champion.contest import Contest  # noqa: PLC0415 - it loads torch, which a kept verdict spares
    from evo_nas.champion.retrain import retrain_here  # noqa: PLC0415

    baselines = run.baselines(experiment.dataset.metric.name, lambda: experiment.baselines)
    contest = Contest(run, experiment)
    yield Working(doing="retraining the champion beside LSTMs of its size", done=0, total=contest.total)
    for made in contest.hold(retrain or retrain_here):
        done = f"retrained {made.name}" if made is not None else ""
        yield Working(doing=done, done=contest.done, total=contest.total) if done else None
    contest.verdict(scores(baselines), check_owned=check_owned)


class _Narrator:
    """Turns the progress of a loop into events; describes each best architecture only once."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._pace = Pace()
        self._best: Best | None = None

    def event(self, progress: Progress) -> Progressed:
        """Returns the event for ``progress``."""
        self._pace.observe(progress)
        return Progressed(
            told=progress.told,
            told_at_start=progress.told_at_start,
            asked=progress.asked,
            evaluations=expected_evaluations(progress),
            train_s=progress.train_s,
            train_s_budget=progress.budget.train_s,
            elapsed_s=progress.elapsed_s,
            per_minute=self._pace.per_minute,
            remaining_s=self._pace.remaining_s(progress),
            by_status=progress.by_status,
            best=self._described(progress.best),
            population=progress.fitness,
            workers=progress.occupancy,
            finished=progress.finished,
            interrupted=progress.interrupted,
            commit_s=progress.commit_s,
            remembered=progress.remembered,
            noise=progress.noise,
            savings=progress.savings,
            front=self._front(progress),
            constant=progress.constant,
            wall_s=progress.wall_s,
            wall_s_budget=progress.budget.wall_s,
            uncounted=progress.uncounted,
        )

    def _front(self, progress: Progress) -> tuple[FrontMember, ...]:
        higher_is_better = self._experiment.dataset.metric.higher_is_better
        costs = [name for name in self._experiment.config.fitness.objectives if name != FITNESS]
        return tuple(
            FrontMember(
                id=trial.main.candidate.id,
                value=trial.fitness if higher_is_better else -trial.fitness,
                costs={name: cost for name in costs if (cost := cost_of(trial, name)) is not None},
            )
            for trial in progress.front
            if trial.fitness is not None
        )

    def _described(self, best: Trial | None) -> Best | None:
        if best is None or best.fitness is None:
            return None
        metric, candidate = self._experiment.dataset.metric, best.main.candidate
        value = best.fitness if metric.higher_is_better else -best.fitness
        if self._best is None or self._best.id != candidate.id:
            self._best = Best(
                id=candidate.id,
                value=value,
                fitness=best.fitness,
                parameters=best.outcome.parameters,
                table_parameters=best.outcome.table_parameters,
                operator=candidate.operator,
                parents=candidate.parents,
                canonical_hash=candidate.canonical_hash,
                architecture=describe(self._experiment.space.decode(candidate.genome)),
                trainings=best.trainings,
                epochs=best.outcome.epochs,
                budget=candidate.budget,
            )
        elif self._best.fitness != best.fitness:
            # It was trained again, or another cut is known better.
            self._best = replace(self._best, value=value, fitness=best.fitness, trainings=best.trainings)
        return self._best
