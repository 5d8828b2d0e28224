"""What is told of the data of a task: how they were understood, their parts, some samples, and the baselines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.tasks.dataset import Objective, Stream, Windows
from evo_nas.views.data_facts import class_counts, lengths_of
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import BaselineResult
    from evo_nas.tasks.dataset import Dataset, Part

SAMPLES = 3
SAMPLE_TOKENS, SAMPLE_VALUES = 60, 8


def data_fields(dataset: Dataset, baselines: Mapping[str, BaselineResult]) -> dict[str, Any]:
    """Returns how the data were understood, as plain values for JSON."""
    return {
        "name": dataset.name,
        "metric": dataset.metric.name,
        "higher_is_better": dataset.metric.higher_is_better,
        "features": dataset.signature.features,
        "outputs": dataset.signature.outputs,
        "vocabulary": dataset.signature.vocabulary,
        "per_step": dataset.signature.per_step,
        "remarks": list(dataset.remarks),
        "facts": facts_of(dataset),
        "quantiles": list(dataset.quantiles),
        "missing": dict(dataset.missing),
        "groups": {part: list(names) for part, names in dataset.groups.items()},
        "parts": {name: _part_fields(part) for name, part in dataset.parts.items()},
        "cuts": cut_lines(dataset),
        "classes": class_counts(dataset) if dataset.classes else {},
        "samples": samples_of(dataset),
        "baselines": {name: asdict(result) for name, result in baselines.items()},
    }


def facts_of(dataset: Dataset) -> list[str]:
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


def cut_lines(dataset: Dataset) -> list[str]:
    """Returns what is in each further cut, one line each."""
    return [f"cut {number}: {cut.said}" for number, cut in enumerate(dataset.cuts, start=1)]


def _part_fields(part: Part) -> dict[str, int]:
    lengths = lengths_of(part)
    return {"examples": len(part), "shortest": int(lengths.min()), "longest": int(lengths.max())}


def samples_of(dataset: Dataset) -> list[str]:
    """Returns some examples of training, one line each: what is read and what is to be told."""
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
