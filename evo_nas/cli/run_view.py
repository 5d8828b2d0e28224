"""A recorded run as ``show`` gives it: for people, and as plain values for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from evo_nas.cli.recorded import metric_of
from evo_nas.cli.tables import best_table, lineage_table
from evo_nas.cli.wording import failures, figure, origin
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe, equations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from evo_nas.cli.recorded import RecordedRun, Row
    from evo_nas.genome.architecture import Architecture


def run_fields(run: RecordedRun, best: Sequence[Row], line: Sequence[Row]) -> dict[str, Any]:
    """Returns the run, its best candidates and the lineage of one as plain values."""
    return {
        "run": run.location,
        "evaluations": len(run),
        "budget": run.config.budget.evaluations,
        "by_status": dict(run.by_status),
        "best": [_plain(row) for row in best],
        "lineage": [_plain(row) for row in line],
    }


def _plain(row: Row) -> Row:
    return {**row, "metrics": dict(row["metrics"]), "architecture": json.loads(row["architecture"])}


def run_view(run: RecordedRun, best: Sequence[Row], line: Sequence[Row]) -> RenderableType:
    """Returns the run, its best candidates, and one candidate with its lineage ``line``."""
    title = Text.assemble((run.config.name, "bold"), "  ", (run.location, "dim"))
    evaluated = f"{len(run):,} of {run.config.budget.evaluations:,} evaluated"
    metric = metric_of(best[0]) if best else None
    ranked = f"; ranked by {metric[0].replace('_', ' ')}" if metric else ""
    summary = Text(f"{evaluated}; failures: {failures(run.by_status)}{ranked}", style="dim")
    parts: list[RenderableType] = [_rule(title), summary, best_table(best)]
    if line:
        parts += _candidate(line)
    return Group(*parts)


def _candidate(line: Sequence[Row]) -> Iterator[RenderableType]:
    row = line[0]
    architecture = from_json(row["architecture"])
    yield _rule(
        Text.assemble((f"candidate #{row['id']}", "bold"), f"  {origin(row['operator'], row['parents'])}")
    )
    yield Text(describe(architecture))
    yield from _cells(architecture)
    facts = Table.grid(padding=(0, 2))
    for label, text in _facts(row):
        facts.add_row(Text(label, style="dim"), text)
    yield facts
    if row["parents"]:
        yield _rule(Text("lineage", style="bold"))
        yield lineage_table(line)


def _cells(architecture: Architecture) -> Iterator[RenderableType]:
    """The equations of each different cell, under the layers that it is in."""
    layers: dict[Any, list[str]] = {}
    for number, layer in enumerate(architecture.layers, start=1):
        layers.setdefault(layer.cell, []).append(str(number))
    for cell, numbers in layers.items():
        lines = "\n".join(equations(cell))
        yield Text(f"cell of layer{'s' if len(numbers) > 1 else ''} {' and '.join(numbers)}", style="dim")
        yield Padding(Text(lines, style="cyan"), (0, 0, 0, 2))


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    if row["metrics"]:
        yield (
            "metrics",
            ", ".join(f"{name.replace('_', ' ')} {figure(value)}" for name, value in row["metrics"]),
        )
    if row["curve"]:
        yield "curve", " ".join(figure(value) for value in row["curve"])
    if row["error"]:
        yield row["status"].replace("_", " "), row["error"]
    yield "size", f"{row['parameters']:,} parameters"
    yield (
        "training",
        f"{row['epochs']} of {row['budget']} epochs in {row['train_s']:.2f} s, seed {row['seed']}",
    )
    if row["backends"]:
        yield "backends", ", ".join(row["backends"])
    yield "worker", f"{row['worker'] or '-'} on {row['node'] or '-'}, attempt {row['attempt']}"
    yield "identity", row["canonical_hash"]


def _rule(title: Text) -> Rule:
    return Rule(title, align="left", style="cyan")
