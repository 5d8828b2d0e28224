"""Shows the networks that no other beats in all objectives: in a sentence, as a table and as a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from evo_nas.cli.formatting import figure
from evo_nas.cli.tables import plain_table, score_of
from evo_nas.config.objectives import COSTS, FITNESS
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe
from evo_nas.views.fronts import costs_of
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from evo_nas.runs import Row
    from evo_nas.sessions.events import Progressed

WIDTH, HEIGHT = 48, 10
"""Characters of the picture."""
WIDE = 10.0
"""Costs whose largest is so many times the smallest are drawn on a logarithmic scale."""


def front_in_words(event: Progressed) -> str:
    """Returns how many networks no other beats, and what each cost of them ranges over; empty with one objective."""
    constant = constant_in_words(event.constant)
    if not event.front:
        return constant
    ranges = []
    for name in event.front[0].costs:
        costs = [member.costs[name] for member in event.front]
        ranges.append(f"{COSTS[name].heading} {_cost(min(costs))} to {_cost(max(costs))}")
    words = f"{counted(len(event.front), 'network')} that no other beats in all: {', '.join(ranges)}"
    return f"{words}; {constant}" if constant else words


def constant_in_words(names: Sequence[str]) -> str:
    """Returns which objectives decide nothing, since all networks are equal in them; empty if there are none."""
    if not names:
        return ""
    verb = "is" if len(names) == 1 else "are"
    decide = "decides" if len(names) == 1 else "decide"
    return f"{' and '.join(names)} {verb} the same for all networks so far and {decide} nothing"


def front_view(rows: Sequence[Row], objectives: Sequence[str]) -> RenderableType:
    """Returns a picture and a table of ``rows``, the fittest first."""
    if not rows:
        return Text("no network was trained to the end yet", style="dim")
    names = [name for name in objectives if name != FITNESS]
    metric = rows[0]["metric"].removeprefix("validation_").replace("_", " ")
    table = plain_table("id", right=(metric, *(COSTS[name].heading for name in names)))
    table.add_column("network")  # wrapped, and not cut
    for row in rows:
        costs = costs_of(row, objectives)
        words = describe(from_json(row["architecture"]))
        table.add_row(f"#{row['id']}", score_of(row), *(_cost(costs[name]) for name in names), words)
    points = [(costs_of(row, objectives)[names[0]], _value(row)) for row in rows]
    return Group(Text(picture(points, across=COSTS[names[0]].heading, up=metric), style="cyan"), table)


def picture(points: Sequence[tuple[float, float]], *, across: str, up: str) -> str:
    """Returns points as ``o`` in a field of text, the first coordinate from left to right; empty for fewer than two.

    Args:
        points: Pairs of a cost and a metric.
        across: Name of the cost.
        up: Name of the metric.
    """
    costs, values = ([point[place] for point in points] for place in (0, 1))
    if len(points) < 2:
        return ""
    is_wide = min(costs) > 0 and max(costs) > WIDE * min(costs)
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for cost, value in points:
        column = _place(cost, costs, WIDTH, is_log=is_wide)
        rows[HEIGHT - 1 - _place(value, values, HEIGHT, is_log=False)][column] = "o"
    high, low = figure(max(values)), figure(min(values))
    margin = max(len(high), len(low))
    labels = [high.rjust(margin), *[" " * margin] * (HEIGHT - 2), low.rjust(margin)]
    lines = [f"{label} |{''.join(row).rstrip()}" for label, row in zip(labels, rows, strict=True)]
    left, right = _cost(min(costs)), _cost(max(costs))
    scale = f"{across}, logarithmic" if is_wide else across
    ends = f"{left} {scale.center(max(0, WIDTH - len(left) - len(right) - 2))} {right}"
    blank = " " * margin
    return "\n".join((up, *lines, f"{blank} +{'-' * WIDTH}", f"{blank}  {ends}", ""))


def _place(value: float, among: Sequence[float], places: int, *, is_log: bool) -> int:
    low, high = min(among), max(among)
    if low == high:
        return 0
    share = math.log(value / low) / math.log(high / low) if is_log else (value - low) / (high - low)
    return round(share * (places - 1))


def _value(row: Row) -> float:
    metrics: dict[str, float] = dict(row["metrics"])
    return metrics[row["metric"]]


def _cost(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
