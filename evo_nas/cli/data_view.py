"""The data of a task, as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from evo_nas.cli.formatting import figure
from evo_nas.cli.sparklines import bar, histogram, series_table
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain
from evo_nas.data.splitting import PARTS
from evo_nas.tasks.dataset import Stream, Windows
from evo_nas.views.data import cut_lines, facts_of, samples_of
from evo_nas.views.data_facts import class_counts, lengths_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from evo_nas.tasks.baselines.fitting import BaselineResult
    from evo_nas.tasks.dataset import Dataset

MOST_CLASSES = 20
"""Longest table of classes; a longer one would push the samples off the screen."""


def data_view(dataset: Dataset, baselines: Mapping[str, BaselineResult]) -> RenderableType:
    """Returns the facts about the data, the parts, the classes, some samples, and the baselines."""
    lines = [plain(f"  {remark}") for remark in (*dataset.remarks, *facts_of(dataset))]
    views: list[RenderableType] = [
        Rule(plain(dataset.name, style="bold"), align="left", style="cyan"),
        *lines,
    ]
    views += [Text(), _parts_table(dataset)]
    if dataset.cuts:
        views += [Text(), *(plain(f"  {line}") for line in cut_lines(dataset))]
    if dataset.classes and not _is_stream(dataset):
        views += [Text(), _classes_table(dataset)]
    if isinstance(dataset.train, Windows):
        views += [Text(), series_table(dataset)]
    views += [Text(), *(plain(f"  {sample}", style="dim") for sample in samples_of(dataset))]
    if baselines:
        views += [Text(), _baselines_table(dataset, baselines)]
    return Group(*views)


def _parts_table(dataset: Dataset) -> RenderableType:
    table = plain_table("part", right=("examples", "steps"), left=("lengths",))
    for name, part in dataset.parts.items():
        lengths = lengths_of(part)
        span = (
            f"{lengths.min():,}"
            if lengths.min() == lengths.max()
            else f"{lengths.min():,} to {lengths.max():,}"
        )
        table.add_row(name, f"{len(part):,}", span, histogram(lengths))
    return table


def _classes_table(dataset: Dataset) -> RenderableType:
    table = plain_table("class", right=PARTS, left=("in training",))
    counts = class_counts(dataset)
    most = max(of_class[0] for of_class in counts.values())
    for name in list(counts)[:MOST_CLASSES]:
        numbers = [f"{count:,}" for count in counts[name]]
        table.add_row(plain(name), *numbers, bar(counts[name][0], most))
    if len(counts) > MOST_CLASSES:
        table.add_row(f"and {len(counts) - MOST_CLASSES:,} more")
    return table


def _baselines_table(dataset: Dataset, baselines: Mapping[str, BaselineResult]) -> RenderableType:
    table = plain_table("baseline", right=(f"test {dataset.metric.name}", "CPU s"), left=("",))
    table.columns[-1].no_wrap = False  # a reason is a sentence, of which nothing may be cut off
    for name, result in baselines.items():
        score = "-" if result.score is None else figure(result.score)
        table.add_row(plain(name), score, f"{result.cpu_s:.1f}", plain(result.note, style="dim"))
    return table


def _is_stream(dataset: Dataset) -> bool:
    return isinstance(dataset.train, Stream)
