"""The data of a task, as text for people and as plain values for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from evo_nas.cli.data_facts import class_counts, lengths_of
from evo_nas.cli.formatting import counted, figure
from evo_nas.cli.sparklines import bar, histogram, series_table
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain
from evo_nas.data.splitting import PARTS
from evo_nas.tasks.dataset import Objective, Stream, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from rich.console import RenderableType

    from evo_nas.tasks.baselines.fitting import BaselineResult
    from evo_nas.tasks.dataset import Dataset, Part

SAMPLES = 3
SAMPLE_TOKENS, SAMPLE_VALUES = 60, 8
MOST_CLASSES = 20
"""Longest table of classes; a longer one would push the samples off the screen."""


def data_view(dataset: Dataset, baselines: Mapping[str, BaselineResult]) -> RenderableType:
    """Returns the facts about the data, the parts, the classes, some samples, and the baselines."""
    lines = [plain(f"  {remark}") for remark in (*dataset.remarks, *_facts(dataset))]
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
    views += [Text(), *(plain(f"  {sample}", style="dim") for sample in _samples(dataset))]
    if baselines:
        views += [Text(), _baselines_table(dataset, baselines)]
    return Group(*views)


def data_fields(dataset: Dataset, baselines: Mapping[str, BaselineResult]) -> dict[str, Any]:
    """Returns the same content as plain values for JSON."""
    return {
        "name": dataset.name,
        "metric": dataset.metric.name,
        "higher_is_better": dataset.metric.higher_is_better,
        "features": dataset.signature.features,
        "outputs": dataset.signature.outputs,
        "vocabulary": dataset.signature.vocabulary,
        "per_step": dataset.signature.per_step,
        "remarks": list(dataset.remarks),
        "facts": _facts(dataset),
        "quantiles": list(dataset.quantiles),
        "missing": dict(dataset.missing),
        "groups": {part: list(names) for part, names in dataset.groups.items()},
        "parts": {name: _part_fields(part) for name, part in dataset.parts.items()},
        "cuts": cut_lines(dataset),
        "classes": class_counts(dataset) if dataset.classes else {},
        "samples": _samples(dataset),
        "baselines": {name: asdict(result) for name, result in baselines.items()},
    }


def _facts(dataset: Dataset) -> list[str]:
    """Returns sentences about shapes, the metric and missing values."""
    signature = dataset.signature
    reads = f"{counted(signature.features, 'value')} per step"
    if signature.vocabulary:
        reads = counted(signature.vocabulary, "kind of token", "kinds of tokens")
    when = "at every step" if signature.per_step else "at the end"
    direction = "higher" if dataset.metric.higher_is_better else "lower"
    return [
        f"networks read {reads} and predict {_predicted(dataset)} {when}",
        f"search optimises {dataset.metric.name}, {direction} is better",
        _holes(dataset),
    ]


def _predicted(dataset: Dataset) -> str:
    outputs = dataset.signature.outputs
    if dataset.objective is Objective.CROSS_ENTROPY:
        return (
            "a token"
            if dataset.signature.predicts_inputs
            else f"one of {counted(outputs, 'class', 'classes')}"
        )
    if dataset.objective is Objective.BINARY_CROSS_ENTROPY:
        return f"yes or no for {counted(outputs, 'key')}"
    if dataset.quantiles:
        levels = ", ".join(f"{level:g}" for level in dataset.quantiles)
        return f"the quantiles {levels} of {counted(outputs // len(dataset.quantiles), 'value')}"
    return counted(outputs, "value")


def _holes(dataset: Dataset) -> str:
    # A task refuses or fills a missing value that it would read.
    found = [f"{name} {count:,}" for name, count in dataset.missing.items() if count]
    targets = "; a target that is missing does not count" if dataset.has_target_holes else ""
    if found:
        return (
            f"missing values: {', '.join(found)}; none that a network reads is missing or infinite{targets}"
        )
    return f"no value{' that a network reads' if targets else ''} is missing or infinite{targets}"


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


def cut_lines(dataset: Dataset) -> list[str]:
    """Returns what is in each further cut, one line each."""
    return [f"cut {number}: {cut.said}" for number, cut in enumerate(dataset.cuts, start=1)]


def _part_fields(part: Part) -> dict[str, int]:
    lengths = lengths_of(part)
    return {"examples": len(part), "shortest": int(lengths.min()), "longest": int(lengths.max())}


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


def _samples(dataset: Dataset) -> list[str]:
    part = dataset.train
    if isinstance(part, Stream):
        return [repr("".join(_spelt(dataset, part.tokens[:SAMPLE_TOKENS])))]
    # Only these few are cut: all windows of a long series need not fit into memory.
    few = part.cut(slice(0, SAMPLES)) if isinstance(part, Windows) else part
    lengths = lengths_of(few)
    return [
        f"{_input(dataset, few.inputs[row, : lengths[row]])} → {_target(dataset, few.targets[row])}"
        for row in range(min(SAMPLES, len(few)))
    ]


def _input(dataset: Dataset, steps: npt.NDArray[np.generic]) -> str:
    if dataset.vocabulary:
        tokens = _spelt(dataset, steps[:SAMPLE_TOKENS])
        # Characters are joined as they were; words need a blank between them.
        joint = "" if all(len(token) == 1 for token in dataset.vocabulary) else " "
        return joint.join(tokens) + ("…" if len(steps) > SAMPLE_TOKENS else "")
    return _numbers(steps[:, 0]) if steps.shape[1] == 1 else "step 1: " + _numbers(steps[0])


def _target(dataset: Dataset, target: npt.NDArray[np.generic]) -> str:
    if not dataset.classes:
        return _numbers(np.ravel(target))
    return " ".join(dataset.classes[int(index)] for index in np.ravel(target)[:SAMPLE_VALUES])


def _spelt(dataset: Dataset, ids: npt.NDArray[np.generic]) -> list[str]:
    return [dataset.vocabulary[int(number)] for number in ids]


def _numbers(values: npt.NDArray[np.generic]) -> str:
    shown = " ".join(f"{float(value):.3g}" for value in values[:SAMPLE_VALUES])
    return f"{shown} …" if len(values) > SAMPLE_VALUES else shown


def _is_stream(dataset: Dataset) -> bool:
    return isinstance(dataset.train, Stream)
