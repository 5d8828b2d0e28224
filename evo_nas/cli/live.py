"""The view of a running search in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from evo_nas.cli.display import TextDisplay
from evo_nas.cli.formatting import (
    Scale,
    duration,
    evaluated,
    failures,
    mean_of,
    origin,
    pruned,
    remembered,
    savings_in_words,
    size,
    surrogate_in_words,
    trained,
    workers,
    working_in_words,
)
from evo_nas.cli.front_view import front_in_words
from evo_nas.cli.noise_view import noise_in_words
from evo_nas.cli.terminal import plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from evo_nas.sessions.events import Best, Progressed, Started, Working
    from evo_nas.sessions.session import Session


class LiveDisplay(TextDisplay):
    """Redraws progress, pace, the best candidate, the population, the workers and the failures."""

    def __init__(self, console: Console, session: Session) -> None:
        super().__init__(console, session)
        self._live: Live | None = None
        self._view: RenderableType = ""
        self._note = ""

    def note_stop(self, text: str) -> None:
        """Shows ``text`` below the view until the search has stopped."""
        self._note = text

    def close(self) -> None:
        """Stops redrawing; the last view stays on the screen."""
        super().close()
        self._live = None

    def _show_progress(self, event: Progressed, started: Started) -> None:
        if event.interrupted:
            self._note = ""
        self._draw(self.view(event, started))

    def _show_working(self, event: Working) -> None:
        if self._live is not None:
            self.close()
        # A spinner takes the place of the view, whose last state stays on the screen.
        self._stack.close()
        self._stack.enter_context(self._console.status(plain(working_in_words(event))))

    def _draw(self, view: RenderableType) -> None:
        self._view = view
        if self._live is None:
            self._stack.close()
            # The live view fetches the picture itself, so that a note from a signal handler appears without an event.
            self._live = Live(console=self._console, refresh_per_second=4, get_renderable=self._picture)
            self._stack.enter_context(self._live)

    def _picture(self) -> RenderableType:
        """Returns the view with a short last line: the ``^C`` that a terminal echoes there cannot wrap a line."""
        return Group(self._view, Text(self._note, style="yellow"))

    def view(self, event: Progressed, started: Started) -> RenderableType:
        """Returns the view of ``event``."""
        scale = Scale(started.metric, higher_is_better=started.higher_is_better)
        title = Text.assemble(plain(started.name, "bold"), "  ", plain(started.run, "dim"))
        rows = Table.grid(padding=(0, 2))
        rows.add_column(style="dim", no_wrap=True)
        rows.add_column()
        rows.add_row("best", _best(event.best, scale))
        if front := front_in_words(event):
            rows.add_row("front", Text(front))
        if noise := noise_in_words(event.noise, scale.metric):
            rows.add_row("noise", Text(noise))
        rows.add_row("population", _population(event, scale))
        if surrogate := surrogate_in_words(event.population):
            rows.add_row("surrogate", surrogate)
        rows.add_row("workers", plain(workers(event)))
        rows.add_row("failures", failures(event.by_status, uncounted=event.uncounted))
        if spared := savings_in_words(event.savings):
            rows.add_row("rungs", spared)
        return Group(Rule(title, align="left", style="cyan"), _bar(event), rows)


def _bar(event: Progressed) -> RenderableType:
    done, total = float(event.told), float(event.evaluations)
    timing = f"{event.per_minute:,.0f}/min  {duration(event.elapsed_s)}"
    if not event.finished:
        timing += f"  ETA {duration(event.remaining_s)}"
    bar = Table.grid(padding=(0, 2), expand=True)
    bar.add_column(ratio=1)
    bar.add_column(no_wrap=True, justify="right")
    counts = Text.assemble(
        (evaluated(event), "bold"),
        f"{remembered(event.remembered, event.told)}{trained(event)}  ",
        (timing, "cyan"),
    )
    if event.wall_s_budget is not None:
        done, total = event.wall_s, event.wall_s_budget
    bar.add_row(ProgressBar(total=total, completed=done), counts)
    return bar


def _best(best: Best | None, scale: Scale) -> RenderableType:
    if best is None:
        return Text("none scored yet", style="dim")
    figures = Text.assemble(
        (scale.text(best.fitness), "bold green"),
        f" validation {scale.metric}{mean_of(best.trainings)}{pruned(best.epochs, best.budget)}, ",
        f"{size(best.parameters, best.table_parameters)}, ",
        (f"#{best.id} ({origin(best.operator, best.parents)})", "dim"),
    )
    return Group(figures, Text(best.architecture))


def _population(event: Progressed, scale: Scale) -> str:
    fitness = event.population
    if not fitness.get("size"):
        return "none yet"
    return (
        f"{fitness['size']:,.0f} alive: mean {scale.text(fitness['mean'])} ± {fitness['std']:.4f}, "
        f"best {scale.text(fitness['max'])}, worst {scale.text(fitness['min'])}"
    )
