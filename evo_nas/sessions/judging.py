"""Judges the champion of a run: once, by the process that owns the run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import FencedError
from evo_nas.run_clock import trained_s
from evo_nas.sessions.events import Judged, Working
from evo_nas.sessions.retrainer import InlineRetrainer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evo_nas.champion.contest import Contest
    from evo_nas.config import VerdictOptions
    from evo_nas.experiment import Experiment
    from evo_nas.runs import Run
    from evo_nas.sessions.events import Event
    from evo_nas.sessions.retrainer import Retrainer


def judge(
    run: Run,
    experiment: Experiment,
    *,
    options: VerdictOptions | None = None,
    tuned: bool = False,
    open_retrainer: Callable[[], Retrainer] = InlineRetrainer,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Compares the champion of ``run`` with its opponents and yields what is done, at last `Judged`.

    It reads no data and trains nothing if the run keeps a verdict on all of its evaluations, unless ``options`` ask for
    another. Trainings of an interrupted attempt are used again.

    Args:
        run: A run that exists.
        experiment: What it is of.
        options: How much is trained, whatever the run keeps; by default as its configuration says.
        tuned: Whether what `evo-nas tune` has found for all contestants is tried, too; only with ``options``.
        open_retrainer: Makes what trains and scores, if anything has to be; in this process by default.
        is_stopped: Asked between trainings; if it is true, nothing more is yielded.

    Raises:
        ChampionError: No candidate was scored, or no training succeeded.
        RunError: Another process is searching or judging the run.
        ExecutionError: There are no workers, or trainings are lost again and again.
    """
    verdict = stored_verdict(run) if options is None else None
    if verdict is None:
        # A verdict is made once, by the process that owns the run: two would remove each other's trainings.
        with open_retrainer() as retrainer, run.owned() as check_owned:
            for event in _contest(run, experiment, options, retrainer, tuned=tuned, check_owned=check_owned):
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
    run: Run,
    experiment: Experiment,
    options: VerdictOptions | None,
    retrainer: Retrainer,
    *,
    tuned: bool,
    check_owned: Callable[[], None],
) -> Iterator[Event | None]:
    """Makes the trainings of a verdict and publishes it; yields None while a training goes on elsewhere."""
    from evo_nas.champion.contest import Contest  # noqa: PLC0415 - it loads torch; a kept verdict is spared it

    baselines = run.baselines(experiment.dataset.metric.name, lambda: experiment.baselines)
    pace = _Pace(_left_s(run, experiment))
    contest = Contest(run, experiment, options, tuned=tuned, affords=pace.affords)
    yield Working(doing="retraining the champion beside its opponents", done=0, total=contest.total)
    for made in contest.hold(retrainer.retrain, retrainer.assess, retrainer.search):
        pace.observe(contest)
        if made is None:
            yield None
            continue
        yield Working(
            doing=f"made {made.name}",
            done=contest.done,
            total=contest.total,
            remaining_s=pace.seconds(contest.epochs_left),
        )
    contest.verdict(baselines, check_owned=check_owned)


def _left_s(run: Run, experiment: Experiment) -> float | None:
    """Returns the seconds of the run's minutes that its search has left; None if it has no limit."""
    wall_s = experiment.config.budget.wall_s
    return None if wall_s is None else wall_s - trained_s(run.history().told)


class _Pace:
    """How long the trainings of a verdict take.

    Args:
        left_s: Seconds that there are for all of them; None for no limit.
    """

    def __init__(self, left_s: float | None) -> None:
        self._left_s = left_s
        self._began_s = time.monotonic()
        self._epochs = 0
        self._epochs_left: int | None = None

    def observe(self, contest: Contest) -> None:
        """Takes in how far the contest is."""
        if self._epochs_left is not None:
            # More become known as it goes on, and those are no epochs that were made.
            self._epochs += max(0, self._epochs_left - contest.epochs_left)
        self._epochs_left = contest.epochs_left

    def seconds(self, epochs: int) -> float | None:
        """Returns how long so many epochs take; None before the first."""
        if not self._epochs:
            return None
        return (time.monotonic() - self._began_s) * epochs / self._epochs

    def affords(self, epochs: int) -> bool:
        """Whether there is time for so many epochs."""
        needed_s = self.seconds(epochs)
        if self._left_s is None or needed_s is None:
            return True
        return time.monotonic() - self._began_s + needed_s <= self._left_s
