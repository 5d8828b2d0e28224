"""The verdict of a run as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from evo_nas.champion.comparison import PAIRING_COLUMNS, tests_of
from evo_nas.cli.formatting import figure, pruned
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from evo_nas.champion.verdict import Contestant, Verdict


def verdict_view(verdict: Verdict) -> RenderableType:
    """Returns a table of the champion, its opponents and the baselines, and the verdict in words."""
    title = Text.assemble(
        ("verdict", "bold"),
        f"  champion #{verdict.candidate} of {counted(verdict.evaluations, 'candidate')}",
        "" if verdict.pruned_at is None else f"{pruned(verdict.pruned_at, verdict.epochs)} in the search",
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(Text(verdict.metric, style="dim"))
    for heading in ("parameters", "validation", "test", "of each training", "ms", "seconds"):
        table.add_column(heading, justify="right")
    for contestant in verdict.contestants:
        table.add_row(
            Text(contestant.name),
            _size(contestant),
            figure(contestant.validation),
            figure(contestant.test),
            _of_each(contestant),
            "" if contestant.latency_ms is None else f"{contestant.latency_ms:.2g}",
            f"{contestant.train_s:,.0f}" if contestant.train_s >= 10 else f"{contestant.train_s:.1f}",
        )
    for name, baseline in verdict.baselines.items():
        validation = verdict.baseline_validations.get(name)
        shown = "" if validation is None else figure(validation)
        table.add_row(Text(name), "", shown, figure(baseline), "", "", "")
    return Group(
        Rule(title, align="left", style="cyan"),
        table,
        Text(_what_is_scored(verdict), style="dim"),
        *([Text(f"champion: {verdict.finalists}", style="dim")] if verdict.finalists else []),
        *(_in_words(contestant, verdict.promised_coverage) for contestant in verdict.contestants),
        Text(verdict.sentence, style="bold"),
        *_evidence(verdict),
        *(Text(remark, style="yellow") for remark in verdict.remarks),
    )


def _evidence(verdict: Verdict) -> Iterator[RenderableType]:
    """Yields what is behind the sentence: each comparison, and the tests."""
    if not verdict.comparisons:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in PAIRING_COLUMNS:
        table.add_column(heading, justify="left" if heading == PAIRING_COLUMNS[0] else "right")
    for each in verdict.comparisons:
        table.add_row(*map(Text, each.cells))
    yield table
    yield Text(tests_of(verdict.comparisons), style="dim")


def _what_is_scored(verdict: Verdict) -> str:
    trainings = len(verdict.champion.tests)
    kept = "a single network" if trainings == 1 else f"the mean of {trainings} networks"
    names = ", ".join(each.which for each in verdict.contestants)
    return (
        f"Scored is what is kept and exported (`export --which {names}`), {kept} each; ms is the time of an answer to "
        f"one sequence, seconds are those of all trainings, {counted(verdict.trials, 'trial')} of each included."
        + (_OF_BASELINES if verdict.baseline_validations else "")
    )


_OF_BASELINES = " Baselines with a validation score are kept, too (`export --which baseline:NAME`)."


def _of_each(contestant: Contestant) -> str:
    if len(contestant.tests) < 2:
        return ""
    return f"{figure(contestant.mean)} ± {contestant.spread:.4f}"


def _size(contestant: Contestant) -> str:
    table = contestant.table_parameters
    # On a line of its own, so that the columns keep their place on a terminal of 80 characters.
    return f"{contestant.parameters - table:,}" + (f"\n+ table {table:,}" if table else "")


def _in_words(contestant: Contestant, promised: float | None) -> Text:
    covers = ""
    if contestant.coverage is not None and promised is not None:
        covers = f"; covers {contestant.coverage:.1%} of the test values, where its quantiles promise {promised:.1%}"
    setting = f"; {contestant.setting}, {counted(contestant.epochs, 'epoch')}" if contestant.setting else ""
    lost = f" ({contestant.failures} of its trainings failed)" if contestant.failures else ""
    return Text.assemble(
        (f"{contestant.name}: ", "dim"), contestant.architecture, setting, covers, (lost, "yellow")
    )
