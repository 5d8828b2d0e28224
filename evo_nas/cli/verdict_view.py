"""The verdict of a run as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from evo_nas.cli.formatting import counted, figure, pruned

if TYPE_CHECKING:
    from rich.console import RenderableType

    from evo_nas.champion.verdict import Contestant, Verdict


def verdict_view(verdict: Verdict) -> RenderableType:
    """Returns a table of the champion, the LSTM and the baselines, and the verdict in words."""
    title = Text.assemble(
        ("verdict", "bold"),
        f"  champion #{verdict.candidate} of {counted(verdict.evaluations, 'candidate')}",
        "" if verdict.pruned_at is None else f"{pruned(verdict.pruned_at, verdict.epochs)} in the search",
    )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("parameters", justify="right")
    table.add_column(f"validation {verdict.metric}", justify="right")
    table.add_column(f"test {verdict.metric}", justify="right")
    for contestant in (verdict.champion, verdict.lstm):
        table.add_row(
            contestant.name,
            _size(contestant),
            figure(contestant.validation),
            f"{figure(contestant.test)} ± {contestant.spread:.4f}",
        )
    for name, baseline in verdict.baselines.items():
        table.add_row(name, "", "", figure(baseline))
    return Group(
        Rule(title, align="left", style="cyan"),
        table,
        *(
            _in_words(contestant, verdict.promised_coverage)
            for contestant in (verdict.champion, verdict.lstm)
        ),
        Text(verdict.sentence, style="bold"),
    )


def _size(contestant: Contestant) -> str:
    table = contestant.table_parameters
    # On a line of its own, so that the columns keep their place on a terminal of 80 characters.
    return f"{contestant.parameters - table:,}" + (f"\n+ table {table:,}" if table else "")


def _in_words(contestant: Contestant, promised: float | None) -> Text:
    covers = ""
    if contestant.coverage is not None and promised is not None:
        covers = f"; covers {contestant.coverage:.1%} of the test values, where its quantiles promise {promised:.1%}"
    lost = f" ({contestant.failures} of its trainings failed)" if contestant.failures else ""
    return Text.assemble((f"{contestant.name}: ", "dim"), contestant.architecture, covers, (lost, "yellow"))
