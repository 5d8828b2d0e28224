"""Tables of runs and of their candidates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from evo_nas.cli.formatting import figure, mean_of, origin, out_of, pruned, size
from evo_nas.cli.terminal import plain
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe
from evo_nas.runs import metric_of, standing_of
from evo_nas.views.run_summary import RunSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from evo_nas.runs import Row
    from evo_nas.runs.operators import OperatorTally


@dataclass(frozen=True, slots=True)
class ServedSummary(RunSummary):
    """The summary of a run of a service, which knows its processes.

    Attributes:
        state: Its state, such as ``running``.
    """

    state: str = ""


def plain_table(first: str, *, right: Sequence[str] = (), left: Sequence[str] = ()) -> Table:
    """Returns an empty table without borders: a column that is never cut, then right- and left-aligned ones."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(first, no_wrap=True, overflow="ignore")
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in left:
        table.add_column(heading, no_wrap=True)
    return table


def runs_table(summaries: Sequence[RunSummary]) -> RenderableType:
    """Returns one row for each run; the errors of runs that cannot be read follow below."""
    states = {each.run: each.state for each in summaries if isinstance(each, ServedSummary)}
    headings = ("state",) if states else ()
    table = plain_table(
        "run",
        right=("evaluated", "failed", "best", "test"),
        left=("metric", "task", "last result", *headings),
    )
    for summary in summaries:
        if not summary.error:
            state = (states[summary.run],) if states else ()
            table.add_row(plain(summary.run), *_cells(summary), *state)
    return Group(table, *(plain(summary.error, style="red") for summary in summaries if summary.error))


def operators_table(tallies: Sequence[OperatorTally]) -> Table:
    """Returns one row for each operator: its children, their share, and how many were better than their parents."""
    table = plain_table("operator", right=("children", "share", "better", "failed"))
    for tally in tallies:
        better = f"{tally.better:,} ({tally.better / tally.children:.0%})"
        table.add_row(
            plain(tally.operator), f"{tally.children:,}", f"{tally.share:.0%}", better, f"{tally.failed:,}"
        )
    return table


def _cells(summary: RunSummary) -> tuple[RenderableType, ...]:
    last = datetime.fromisoformat(summary.last_result).astimezone() if summary.last_result else None
    return (
        out_of(summary.evaluated, summary.evaluations),
        f"{summary.failed:,}",
        _best(summary),
        "-" if summary.test is None else figure(summary.test),
        summary.metric or "-",
        plain(summary.task),
        f"{last:%Y-%m-%d %H:%M}" if last else "-",
    )


def _best(summary: RunSummary) -> str:
    if summary.best is None:
        return "-"
    reach = f" at {summary.best_at} epochs" if summary.best_at is not None else ""
    return f"{figure(summary.best)}{reach}"


def score_of(row: Row) -> str:
    """Returns the validation metric of ``row`` as text, or its status if it has no score."""
    metric = metric_of(row)
    return figure(metric[1]) if metric else str(row["status"]).replace("_", " ")


def best_table(rows: Sequence[Row]) -> Table:
    """Returns a table of the candidates in ``rows``, each with its architecture on separate lines."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        trainings = row.get("trainings", 1)
        figures = Text.assemble(
            (score_of(row), "bold green"),
            pruned(row["epochs"], row["budget"]),
            ", from inherited weights" if row["inherited_steps"] else "",
            mean_of(trainings),
            f"  {size(row['parameters'], row['table_parameters']):>20}  {row['train_s']:>6.2f} s  ",
            (origin(row["operator"], row["parents"]), "dim"),
        )
        table.add_row(f"#{row['id']}", Group(figures, Text(describe(from_json(row["architecture"])))))
    return table


def lineage_table(line: Sequence[Row]) -> Table:
    """Returns a candidate and its ancestors; the last one is the founder or a lost ancestor."""
    table = plain_table("id", right=("score", "gain"), left=("made by",))
    # The oldest one has no parent in the list, hence the None.
    for row, parent in zip(line, [*line[1:], None], strict=True):
        reach = pruned(row["epochs"], row["budget"]) if row["fitness"] is not None else ""
        made_by = f"{origin(row['operator'], row['parents'])}{reach}"
        table.add_row(f"#{row['id']}", score_of(row), _gain(row, parent), made_by)
    if lost := line[-1]["parents"]:
        table.add_row(f"#{lost[0]}", "lost", "", "among the evaluations whose loss was accepted")
    return table


def _gain(row: Row, parent: Row | None) -> str:
    """Returns by how much ``row`` is better than its parent; empty if their scores cannot be compared."""
    ours, theirs = standing_of(row), standing_of(parent) if parent else None
    if ours is None or theirs is None or not ours.is_comparable(theirs):
        return ""
    return f"{ours.fitness - theirs.fitness:+.4f}"
