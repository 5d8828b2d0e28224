"""The view that a terminal redraws while a search runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from evo_nas.cli.display import Display, Subject
from evo_nas.cli.wording import duration, failures, origin, trained, workers

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from evo_nas.evaluation import Evaluation
    from evo_nas.loop import Progress


class LiveDisplay(Display):
    """Progress, pace, the best so far in words, the population, the workers and what failed."""

    def __init__(self, subject: Subject, console: Console) -> None:
        self._described: tuple[int, str] = (-1, "")
        self._view: RenderableType = ""
        self._note = ""
        live = Live(console=console, refresh_per_second=4, get_renderable=self._picture)
        super().__init__(subject, console, frame=live)

    def note_stop(self, text: str) -> None:
        """Shows ``text`` below the view until the search has stopped."""
        self._note = text

    def _show(self, progress: Progress) -> None:
        self._view = self.view(progress)
        if progress.interrupted:
            self._note = ""

    def _picture(self) -> RenderableType:
        """The last line is short, so that what the terminal echoes of Ctrl-C breaks no line and tears nothing."""
        return Group(self._view, Text(self._note, style="yellow"))

    def view(self, progress: Progress) -> RenderableType:
        """Returns the picture of ``progress``."""
        title = Text.assemble((self._subject.name, "bold"), "  ", (str(self._subject.run), "dim"))
        rows = Table.grid(padding=(0, 2))
        rows.add_column(style="dim", no_wrap=True)
        rows.add_column()
        rows.add_row("best", self._best(progress.best))
        rows.add_row("population", self._population(progress))
        rows.add_row("workers", workers(progress))
        rows.add_row("failures", failures(progress.by_status))
        return Group(Rule(title, align="left", style="cyan"), self._bar(progress), rows)

    def _bar(self, progress: Progress) -> RenderableType:
        done, total = progress.told, progress.budget.evaluations
        timing = f"{self._pace.per_minute:,.0f}/min  {duration(progress.elapsed_s)}"
        if not progress.finished:
            timing += f"  ETA {duration(self._pace.remaining_s(progress))}"
        bar = Table.grid(padding=(0, 2), expand=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True, justify="right")
        counts = Text.assemble((f"{done:,}", "bold"), f"/{total:,}{trained(progress)}  ", (timing, "cyan"))
        bar.add_row(ProgressBar(total=total, completed=done), counts)
        return bar

    def _best(self, best: Evaluation | None) -> RenderableType:
        if best is None:
            return Text("none scored yet", style="dim")
        scale = self._subject.scale
        figures = Text.assemble(
            (scale.text(best.fitness), "bold green"),
            f" validation {scale.metric}, {best.outcome.parameters:,} parameters, ",
            (f"#{best.candidate.id} ({origin(best.candidate.operator, best.candidate.parents)})", "dim"),
        )
        return Group(figures, Text(self._in_words(best)))

    def _in_words(self, best: Evaluation) -> str:
        if self._described[0] != best.candidate.id:
            self._described = best.candidate.id, self._subject.describe(best.candidate.genome)
        return self._described[1]

    def _population(self, progress: Progress) -> str:
        fitness, scale = progress.fitness, self._subject.scale
        if not fitness.get("size"):
            return "nobody yet"
        return (
            f"{fitness['size']:,.0f} alive: mean {scale.text(fitness['mean'])} ± {fitness['std']:.4f}, "
            f"best {scale.text(fitness['max'])}, worst {scale.text(fitness['min'])}"
        )
