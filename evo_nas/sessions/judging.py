"""Judges the champion of a run: once, by the process that owns the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import FencedError
from evo_nas.sessions.events import Judged, Working
from evo_nas.tasks.baselines.fitting import scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evo_nas.champion.retrain import Retrain
    from evo_nas.experiment import Experiment
    from evo_nas.runs import Run
    from evo_nas.sessions.events import Event


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
