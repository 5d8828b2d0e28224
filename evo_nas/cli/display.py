"""Shows the events of a search as JSON lines, as plain lines for logs, or as a view that is redrawn."""

from __future__ import annotations

import shlex
import sys
from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar, Self

from rich.text import Text

from evo_nas.budgets import Ending
from evo_nas.cli.formatting import (
    Scale,
    baselines_in_words,
    duration,
    evaluated,
    failures,
    mean_of,
    out_of,
    planned_in_words,
    pruned,
    remembered,
    savings_in_words,
    surrogate_in_words,
    trained,
    workers,
    working_in_words,
)
from evo_nas.cli.front_view import constant_in_words
from evo_nas.cli.noise_view import noise_in_words
from evo_nas.cli.stopping import write_past_buffers
from evo_nas.cli.terminal import plain, plain_console
from evo_nas.cli.verdict_view import verdict_view
from evo_nas.sessions.events import (
    Baselines,
    Completed,
    Founded,
    Judged,
    Loaded,
    Planned,
    Progressed,
    Started,
    Stopped,
    Working,
    event_to_json,
)
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from evo_nas.sessions.events import Best, Event
    from evo_nas.sessions.session import Session


class Display(ABC):
    """Shows the events of one session; a context manager.

    Args:
        console: The console to write to.
        session: The session whose events are shown.
    """

    def __init__(self, console: Console, session: Session) -> None:
        self._console = console
        self._session = session

    @abstractmethod
    def show(self, event: Event, *, stopped_by: str = "") -> None:
        """Shows ``event``.

        Args:
            event: An event of the session.
            stopped_by: Name of the signal that this process has received; empty if there was none.
        """

    def note_stop(self, text: str) -> None:
        """Shows that a signal was received; the signal handler calls it at any moment."""
        write_past_buffers(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends a view that is being redrawn."""


class JsonDisplay(Display):
    """Prints one JSON object per line, for machines; progress at most once per second."""

    EVERY_S: ClassVar[float] = 1.0
    _due_s = 0.0

    def show(self, event: Event, *, stopped_by: str = "") -> None:  # noqa: ARG002 - machines get the exit code
        """Prints ``event``."""
        if isinstance(event, Progressed) and not (event.finished or event.interrupted):
            if event.elapsed_s < self._due_s:
                return
            self._due_s = event.elapsed_s + self.EVERY_S
        self._console.out(event_to_json(event), highlight=False)


class TextDisplay(Display):
    """Shows events as text for people; subclasses show the progress."""

    def __init__(self, console: Console, session: Session) -> None:
        super().__init__(console, session)
        self._stack = ExitStack()
        self._started: Started | None = None

    def show(self, event: Event, *, stopped_by: str = "") -> None:
        """Draws ``event``."""
        if isinstance(event, Progressed):
            if self._started is not None:
                self._show_progress(event, self._started)
            return
        if isinstance(event, Working):
            self._show_working(event)
            return
        self.close()
        if isinstance(event, Started):
            self._show_started(event)
        elif isinstance(event, Loaded | Founded | Baselines):
            self._show_data(event)
        elif isinstance(event, Planned):
            self._show_plan(event)
        elif isinstance(event, Completed):
            self._show_completed(event)
        elif isinstance(event, Stopped):
            self._print(self._how_to_go_on(event, stopped_by))
        elif isinstance(event, Judged):
            self._console.print(verdict_view(event.verdict))

    def close(self) -> None:
        """Ends a view that is being redrawn."""
        self._stack.close()

    @abstractmethod
    def _show_progress(self, event: Progressed, started: Started) -> None: ...

    @abstractmethod
    def _show_working(self, event: Working) -> None: ...

    def _show_data(self, event: Loaded | Founded | Baselines) -> None:
        if isinstance(event, Baselines):
            self._print(f"baselines, by test {event.metric}: {baselines_in_words(event.results)}")
            return
        for remark in event.remarks:
            self._console.print(plain(f"  {remark}", style="dim"), soft_wrap=True)

    def _show_plan(self, event: Planned) -> None:
        self._print(planned_in_words(event))
        for hint in event.hints:
            self._console.print(plain(f"  {hint}", style="dim"), soft_wrap=True)

    def _show_started(self, event: Started) -> None:
        self._started = event
        if self._session.outlives:
            where = "" if self._session.address is None else " in the cluster"
            self._print(f"watching the search of {event.run}{where}; it goes on when this command ends")

    def _show_completed(self, event: Completed) -> None:
        self._print(f"{event.run} is complete{_ended_by(event)}")
        metric = self._started.metric if self._started else ""
        if noise := noise_in_words(event.noise, metric):
            self._print(noise)

    def _how_to_go_on(self, event: Stopped, stopped_by: str) -> str:
        done = f"{out_of(event.told, event.evaluations, between=' of ')} evaluations are safe"
        if self._session.outlives:
            again = self._session.typed("resume")
            done = f"{done}, and only the verdict is missing" if event.complete else done
            return f"{event.run} is stopped: {done}; go on with {again}"
        again = f"evo-nas resume {shlex.quote(event.run)}"
        reason = f"stopped by {stopped_by}" if stopped_by else "stopped"
        if event.complete:
            # Where nothing stopped it, its configuration leaves the verdict to the person.
            judging = again if stopped_by else f"evo-nas champion {shlex.quote(event.run)}"
            return f"{reason}: the search is complete; judge it with\n  {judging}"
        return f"{reason}: {done}; go on with\n  {again}"

    def _print(self, text: str) -> None:
        # Not through `plain`, which would put a command on a line of its own into this one.
        self._console.print(Text(text), soft_wrap=True)


class LineDisplay(TextDisplay):
    """Prints a plain line every 10 seconds, for logs."""

    EVERY_S: ClassVar[float] = 10.0
    _due_s = 0.0
    _constant: tuple[str, ...] = ()

    def _show_progress(self, event: Progressed, started: Started) -> None:
        if event.constant and event.constant != self._constant:
            self._constant = event.constant
            self._console.out(constant_in_words(event.constant), highlight=False)
        if event.elapsed_s >= self._due_s or event.finished or event.interrupted:
            self._due_s = event.elapsed_s + self.EVERY_S
            self._console.out(self.line(event, started), highlight=False)

    def _show_working(self, event: Working) -> None:
        if event.total is not None:
            self._console.out(working_in_words(event), highlight=False)

    @staticmethod
    def line(event: Progressed, started: Started) -> str:
        """Returns ``event`` as one line."""
        known = remembered(event.remembered, event.told)
        scale = Scale(started.metric, higher_is_better=started.higher_is_better)
        return "  ".join(
            (
                f"{evaluated(event)} evaluated{known}{trained(event)}",
                f"{event.per_minute:,.0f}/min",
                f"ETA {duration(event.remaining_s)}",
                _best(event.best, scale),
                *([f"front: {counted(len(event.front), 'network')}"] if event.front else []),
                f"workers: {workers(event)}",
                f"failures: {failures(event.by_status, uncounted=event.uncounted)}",
                *([f"rungs: {spared}"] if (spared := savings_in_words(event.savings)) else []),
                *([f"surrogate: {says}"] if (says := surrogate_in_words(event.population)) else []),
            )
        )


def _best(best: Best | None, scale: Scale) -> str:
    if best is None:
        return "none scored"
    what_it_is = f"#{best.id}{mean_of(best.trainings)}{pruned(best.epochs, best.budget)}"
    return f"best {scale.metric} {scale.text(best.fitness)} ({what_it_is})"


def display_for(session: Session, *, as_json: bool, console: Console | None = None) -> Display:
    """Returns the display for standard output: JSON, a live view in a terminal, or plain lines."""
    console = console or plain_console(file=sys.stdout)
    if as_json:
        return JsonDisplay(console, session)
    if console.is_terminal:
        from evo_nas.cli.live import LiveDisplay

        return LiveDisplay(console, session)
    return LineDisplay(console, session)


def _ended_by(event: Completed) -> str:
    """Returns why a run ended before its number of evaluations did; empty otherwise."""
    if event.ending is Ending.FLAT:
        return f" after {event.told:,} evaluations: nothing better was found for a stated share of the budget"
    if event.ending is Ending.MINUTES:
        return f" after {event.told:,} evaluations: the rest of its minutes is for the verdict"
    return ""
