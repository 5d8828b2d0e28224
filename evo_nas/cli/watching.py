"""Shows a session until its search has ended or a signal stops it."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing, redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, Literal

from evo_nas.champion.verdict import stored_verdict
from evo_nas.cli.display import display_for
from evo_nas.cli.formatting import working_in_words
from evo_nas.cli.stopping import Interrupted, Stopping
from evo_nas.cli.terminal import plain_console
from evo_nas.cluster.names import is_url, typed
from evo_nas.errors import ChampionError, ConfigError, EvoNasError, ExecutionError
from evo_nas.experiment import Experiment
from evo_nas.sessions.events import (
    Completed,
    Failed,
    Judged,
    Progressed,
    Started,
    Stopped,
    Working,
    event_to_json,
)
from evo_nas.sessions.judging import judge
from evo_nas.sessions.retrainer import retrainer_for

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from pathlib import Path

    from evo_nas.champion.verdict import Verdict
    from evo_nas.cli.display import Display
    from evo_nas.runs import Run
    from evo_nas.sessions.events import Event
    from evo_nas.sessions.session import Session


class Watcher:
    """Shows the events of one session and turns signals into an orderly end.

    Args:
        session: A session that is not started yet.
        as_json: Whether to print JSON lines instead of text for people.
        tensorboard: Directory for TensorBoard's scalars; None to write none.
        only_the_end: Whether to show only the end of the search.
    """

    def __init__(
        self,
        session: Session,
        *,
        as_json: bool,
        tensorboard: Path | None = None,
        only_the_end: bool = False,
    ) -> None:
        self._session = session
        self._as_json = as_json
        self._tensorboard = tensorboard
        self._only_the_end = only_the_end
        self._begun = False
        self._last: Event | None = None

    def follow(self, begin: Callable[[], None]) -> None:
        """Calls ``begin``, which starts or finds the search, and shows its events until it has ended.

        Raises:
            SystemExit: A signal was received; the exit code is 128 plus its number.
        """
        with Stopping() as stopping, display_for(self._session, as_json=self._as_json) as display:
            try:
                self._follow(begin, stopping, display)
            except Interrupted as interrupted:
                self._leave(interrupted.signal, display)
            except EvoNasError as error:
                if self._as_json:
                    display.show(Failed(error=str(error)))
                raise

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the search that was followed; None if it was stopped."""
        return self._last.verdict if isinstance(self._last, Judged) else None

    def _follow(self, begin: Callable[[], None], stopping: Stopping, display: Display) -> None:
        with ExitStack() as stack:
            if self._as_json:
                # Ray prints the end of a worker to standard output, where the reader expects only events.
                stack.enter_context(redirect_stdout(sys.stderr))
            begin()
            self._begun = True
            stopping.install()  # Ray replaces the handler of SIGTERM when it connects or starts
            if self._session.outlives:
                stopping.ask(self._session.leave, saying="leaving", announce=display.note_stop)
            record = self._recorder(stack)
            for event in stack.enter_context(closing(self._session.events())):
                self._react(event, stopping, display)
                record(event)
                if not self._only_the_end or isinstance(event, Completed | Stopped | Judged):
                    display.show(event, stopped_by=stopping.received.name if stopping.received else "")
        if stopping.received:
            raise Interrupted(stopping.received)

    def _react(self, event: Event, stopping: Stopping, display: Display) -> None:
        """Sets the effect of the next signal: a search in this process commits, one in a cluster is only left."""
        self._last = event
        if self._session.outlives:
            return
        if isinstance(event, Started):
            # Ray has replaced the handlers again when it started the workers.
            stopping.install()
            stopping.ask(self._session.leave, saying="stopping", announce=display.note_stop)
        elif isinstance(event, Completed | Stopped):
            # Only the verdict is left, which keeps each training: there is nothing to commit.
            stopping.ask_nothing()

    def _leave(self, received: signal.Signals, display: Display) -> None:
        if self._session.outlives:
            self._say_that_it_goes_on()
        elif not isinstance(self._last, Stopped):
            self._say_how_to_go_on(received, display)
        raise SystemExit(128 + received)

    def _say_that_it_goes_on(self) -> None:
        if isinstance(self._last, Stopped | Judged):
            return
        text = "no search was found or started yet; give the same command again"
        if self._begun:
            text = (
                f"the search goes on; watch it with {self._session.typed('attach')}, "
                f"end it with {self._session.typed('stop')}"
            )
        self._say(text)

    def _say_how_to_go_on(self, received: signal.Signals, display: Display) -> None:
        standing = self._session.standing() if self._begun else None
        if standing is not None:
            display.show(standing, stopped_by=received.name)
            return
        display.close()
        self._say(f"stopped by {received.name}: the search had not begun; the same command starts it")

    def _say(self, text: str) -> None:
        """Prints a remark that is no event; with JSON to standard error, since standard output is for events."""
        stream = sys.stderr if self._as_json else sys.stdout
        stream.write(f"{text}\n")

    def _recorder(self, stack: ExitStack) -> Callable[[Event], None]:
        if self._tensorboard is None:
            return lambda _: None
        from evo_nas.cli.tensorboard import TensorBoard

        board = stack.enter_context(TensorBoard(self._tensorboard))
        return lambda event: board(event) if isinstance(event, Progressed) else None


def await_start(session: Session, *, as_json: bool) -> Literal["started", "completed"]:
    """Waits until the search of a started session is under way, and returns whether it was already complete.

    Raises:
        ExecutionError: The session ended before the search was under way.
    """
    for event in session.events():
        if as_json and isinstance(event, Started | Completed):
            sys.stdout.write(f"{event_to_json(event)}\n")
        if isinstance(event, Started | Completed):
            session.leave()
            return "started" if isinstance(event, Started) else "completed"
    raise ExecutionError(
        f"the search of {session.place} ended before it began; look at {session.typed('status')}"
    )


def judged(run: Run, *, workers: int | None = None, inline: bool = False, address: str | None = None) -> None:
    """Judges the champion of ``run`` if there is no verdict on it yet; prints the steps to standard error.

    Args:
        run: The run.
        workers: Trainings at the same time; as many as the run has workers by default.
        inline: Whether they are made in this process.
        address: ``auto`` or ``host:port`` of the cluster in which they are made; None for this machine.

    Raises:
        ConfigError: The address is that of a dashboard.
        ChampionError: The run may be searched elsewhere, or nothing of it can be judged.
    """
    if stored_verdict(run) is not None:  # a stored verdict needs no data
        return
    if not run.has_lock:
        raise ChampionError(
            f"{run} keeps no verdict on what it holds, and judging it from here could end a search of it elsewhere; "
            "`evo-nas resume` goes on to the verdict"
        )
    if address is not None and is_url(address):
        champion = typed("champion", run.location, address)
        raise ConfigError(
            f"{run} has no verdict, and only trainings are sent to a cluster; give {champion} before"
        )
    errors, experiment = plain_console(stderr=True), Experiment.of_run(run)
    at_once = experiment.config.workers.exactly(workers)
    made_by = partial(retrainer_for, at_once, executor="inline" if inline else "ray", address=address)
    for event in judge(run, experiment, open_retrainer=made_by):
        if isinstance(event, Working) and event.total is not None:
            errors.print(working_in_words(event))
