"""Shows a recorded run as ``show`` prints it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from evo_nas.cli.formatting import (
    baselines_in_words,
    failures,
    figure,
    origin,
    out_of,
    remembered,
    savings_in_words,
    size,
)
from evo_nas.cli.front_view import constant_in_words, front_view
from evo_nas.cli.noise_view import noise_in_words
from evo_nas.cli.tables import best_table, lineage_table, operators_table
from evo_nas.cli.terminal import plain
from evo_nas.cli.verdict_view import verdict_view
from evo_nas.errors import RunError
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe
from evo_nas.genome.notation import text_lines
from evo_nas.runs import metric_of
from evo_nas.strategies.promotions import WAITING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from evo_nas.genome.architecture import Architecture
    from evo_nas.runs import Row
    from evo_nas.views.run_view import RunView


def render_front(view: RunView) -> RenderableType:
    """Returns the candidates that no other beats in all objectives, for people.

    Raises:
        RunError: The run has one objective.
    """
    objectives = view.config.fitness.objectives
    if len(objectives) == 1:
        raise RunError(
            f"{view.run} was searched for its fitness alone, so that it has a best candidate and no front; give "
            "fitness.objectives to a new run"
        )
    shown = front_view(view.front, objectives)
    if not view.constant:
        return shown
    return Group(shown, Text(constant_in_words(view.constant), style="yellow"))


def _front_title(view: RunView) -> str:
    return f"front of {', '.join(view.config.fitness.objectives)}"


def render(view: RunView) -> RenderableType:
    """Returns the view for people."""
    title = plain(view.config.name, "bold")
    if view.run != view.config.name:  # as a service names its runs
        title = Text.assemble(title, "  ", plain(view.run, "dim"))
    parts: list[RenderableType] = [_rule(title), Text(_summary(view), style="dim")]
    if view.best:
        parts.append(best_table(view.best))
    if view.operators:
        parts += [Text(), operators_table(view.operators)]
    if len(view.config.fitness.objectives) > 1:
        parts += [_rule(Text(_front_title(view), style="bold")), render_front(view)]
    if spared := savings_in_words(view.savings):
        parts.append(Text(f"rungs: {spared}", style="dim"))
    if noise := noise_in_words(view.noise, view.metric):
        parts.append(Text(noise, style="dim"))
    if view.verdict is not None:
        parts.append(verdict_view(view.verdict))
    elif view.baselines:
        named = baselines_in_words(view.baselines)
        parts.append(Text(f"baselines on the test part: {named}; no verdict yet", style="dim"))
    if view.line:
        parts += _candidate(view.line)
    return Group(*parts)


def _summary(view: RunView) -> str:
    budget = view.config.budget
    spent = f"{out_of(view.totals.told, view.limits.evaluations, between=' of ')} evaluated"
    spent += remembered(view.remembered, view.totals.told)
    if budget.minutes is not None:
        spent += f" in a budget of {budget.minutes:g} min"
    if budget.train_minutes is not None:
        spent += f", {view.totals.train_s / 60:.1f} of {budget.train_minutes:g} min trained"
    state = "complete" if view.complete else "not complete"
    ranked = f"; ranked by {view.metric.replace('_', ' ')}" if view.metric else ""
    return f"{spent}, {state}; failures: {failures(view.by_status, uncounted=view.uncounted)}{ranked}"


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
        facts.add_row(Text(label, style="dim"), plain(text))
    yield facts
    if row["parents"]:
        yield _rule(Text("lineage", style="bold"))
        yield lineage_table(line)


def _cells(architecture: Architecture) -> Iterator[RenderableType]:
    """Yields the equations of each different cell, under the numbers of its layers."""
    layers: dict[Any, list[str]] = {}
    for number, layer in enumerate(architecture.layers, start=1):
        layers.setdefault(layer.cell, []).append(str(number))
    for cell, numbers in layers.items():
        lines = "\n".join(text_lines(cell))
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
    if row["trains"]:
        yield "long training", f"{row['trains']}, within this network"
    if row["findings"]:
        scores = row["finding_scores"]
        yield "found", f"{len(scores)} genomes, scored {figure(min(scores))} to {figure(max(scores))}"
    yield "size", size(row["parameters"], row["table_parameters"])
    yield (
        "training",
        f"{row['epochs']} of {row['budget']} epochs in {row['train_s']:.2f} s, seed {row['seed']}",
    )
    if row["rungs"]:
        yield "rungs", _rungs(row)
    if row["source"]:
        yield "remembered from", row["source"]
    if row["backends"]:
        yield "backends", ", ".join(row["backends"])
    yield "worker", f"{row['worker'] or '-'} on {row['node'] or '-'}, attempt {row['attempt']}"
    yield "identity", row["canonical_hash"]


def _rungs(row: Row) -> str:
    """Returns what was needed at each rung when the candidate was asked, in the units of the metric."""
    metric = metric_of(row)
    sign = -1 if metric and metric[1] != row["fitness"] else 1
    needed = {math.inf: "all are paused", WAITING: "all wait", -math.inf: "none is pruned"}
    return ", ".join(
        f"{rung} epochs: {needed.get(threshold) or figure(sign * threshold) + ' needed'}"
        for rung, threshold in zip(row["rungs"], row["thresholds"], strict=True)
    )


def _rule(title: Text) -> Rule:
    return Rule(title, align="left", style="cyan")
