"""Tables of recorded runs and of what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from evo_nas.cli.recorded import RecordedRun, Row, score_of
from evo_nas.cli.wording import origin
from evo_nas.errors import EvoNasError
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from rich.console import RenderableType


def plain_table(first: str, *, right: Sequence[str] = (), left: Sequence[str] = ()) -> Table:
    """Returns an empty table without lines: a column that may wrap, columns of figures, columns of words."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(first, overflow="fold")
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in left:
        table.add_column(heading, no_wrap=True)
    return table


def runs_table(places: Sequence[str | os.PathLike[str]]) -> RenderableType:
    """Returns one row a run; what is wrong with those that cannot be read comes below and hides no other."""
    table = plain_table("run", right=("evaluated", "failed", "best"), left=("task", "last result"))
    complaints = []
    for place in places:
        try:
            table.add_row(str(place), *_summary(RecordedRun(place)))
        except EvoNasError as error:
            complaints.append(Text(str(error), style="red"))
    return Group(table, *complaints)


def _summary(run: RecordedRun) -> tuple[str, ...]:
    best, last = run.best(1), run.last
    return (
        f"{len(run):,}/{run.config.budget.evaluations:,}",
        f"{run.failed:,}",
        score_of(best[0]) if best else "-",
        str(run.config.task["kind"]),
        f"{last['finished_at'].astimezone():%Y-%m-%d %H:%M}" if last else "-",
    )


def best_table(rows: Sequence[Row]) -> Table:
    """Returns the best candidates, best first, each with its architecture on lines of its own."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        figures = Text.assemble(
            (score_of(row), "bold green"),
            f"  {row['parameters']:>9,} parameters  {row['train_s']:>6.2f} s  ",
            (origin(row["operator"], row["parents"]), "dim"),
        )
        table.add_row(f"#{row['id']}", Group(figures, Text(describe(from_json(row["architecture"])))))
    return table


def lineage_table(line: Sequence[Row]) -> Table:
    """Returns a candidate and its forebears, last the founder or a forebear that is lost."""
    table = plain_table("id", right=("score", "gain"), left=("made by",))
    for row, parent in zip(line, [*line[1:], None], strict=True):
        scored = parent and row["fitness"] is not None and parent["fitness"] is not None
        gain = f"{row['fitness'] - parent['fitness']:+.4f}" if parent and scored else ""
        table.add_row(f"#{row['id']}", score_of(row), gain, origin(row["operator"], row["parents"]))
    if lost := line[-1]["parents"]:
        table.add_row(f"#{lost[0]}", "lost", "", "among the evaluations whose loss was accepted")
    return table
