"""The data of a task, as text for people."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from evo_nas.cli.formatting import figure
from evo_nas.cli.sparklines import bar, histogram, series_table
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain
from evo_nas.data.splitting import PARTS
from evo_nas.tasks.dataset import Windows
from evo_nas.views.data import data_fields
from evo_nas.views.data_facts import lengths_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from evo_nas.tasks.baselines.fitting import BaselineResult
    from evo_nas.tasks.dataset import Dataset

MOST_CLASSES = 20
"""Longest table of classes; a longer one would push the samples off the screen."""
_NOT_DRAWN: Mapping[str, str] = MappingProxyType({})


def data_view(dataset: Dataset, baselines: Mapping[str, BaselineResult]) -> RenderableType:
    """Returns the facts about the data, the parts, the classes, some samples, and the baselines."""
    lengths = {name: histogram(lengths_of(part)) for name, part in dataset.parts.items()}
    series = series_table(dataset) if isinstance(dataset.train, Windows) else None
    return fields_view(data_fields(dataset, baselines), lengths=lengths, series=series)


def fields_view(
    fields: Mapping[str, Any],
    *,
    lengths: Mapping[str, str] = _NOT_DRAWN,
    series: RenderableType | None = None,
) -> RenderableType:
    """Returns the same from what `data_fields` gave.

    Args:
        fields: How the data were understood.
        lengths: The histogram of lengths of each part.
        series: The course of each column, where the data are series.
    """
    views: list[RenderableType] = [
        Rule(plain(fields["name"], style="bold"), align="left", style="cyan"),
        *(plain(f"  {remark}") for remark in (*fields["remarks"], *fields["facts"])),
        Text(),
        _parts_table(fields["parts"], lengths),
    ]
    if fields["cuts"]:
        views += [Text(), *(plain(f"  {line}") for line in fields["cuts"])]
    if fields["classes"]:
        views += [Text(), _classes_table(fields["classes"])]
    if series is not None:
        views += [Text(), series]
    views += [Text(), *(plain(f"  {sample}", style="dim") for sample in fields["samples"])]
    if fields["baselines"]:
        views += [Text(), _baselines_table(fields["metric"], fields["baselines"])]
    return Group(*views)


def _parts_table(parts: Mapping[str, Mapping[str, int]], lengths: Mapping[str, str]) -> RenderableType:
    drawn = ("lengths",) if lengths else ()
    table = plain_table("part", right=("examples", "steps"), left=drawn)
    for name, part in parts.items():
        shortest, longest = part["shortest"], part["longest"]
        span = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
        table.add_row(name, f"{part['examples']:,}", span, *(lengths[name] for _ in drawn))
    return table


def _classes_table(counts: Mapping[str, list[int]]) -> RenderableType:
    table = plain_table("class", right=PARTS, left=("in training",))
    most = max(of_class[0] for of_class in counts.values())
    for name in list(counts)[:MOST_CLASSES]:
        numbers = [f"{count:,}" for count in counts[name]]
        table.add_row(plain(name), *numbers, bar(counts[name][0], most))
    if len(counts) > MOST_CLASSES:
        table.add_row(f"and {len(counts) - MOST_CLASSES:,} more")
    return table


def _baselines_table(metric: str, baselines: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    table = plain_table("baseline", right=(f"test {metric}", "CPU s"), left=("",))
    table.columns[-1].no_wrap = False  # a reason is a sentence, of which nothing may be cut off
    for name, result in baselines.items():
        score = "-" if result["score"] is None else figure(result["score"])
        table.add_row(plain(name), score, f"{result['cpu_s']:.1f}", plain(result["note"], style="dim"))
    return table
