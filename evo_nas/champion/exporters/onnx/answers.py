"""From the outputs of a network to answers, as `evo_nas.tasks.answers` gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.builder import DOUBLE, FLOAT, STRING
from evo_nas.champion.exporters.onnx.steps import chosen, reshaped, sliced, squeezed
from evo_nas.models.ensemble import Link
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.metrics import MEDIAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value

    Answers = ClassAnswers | NumberAnswers
    Sizes = Sequence[int | str]


def write_answers(
    graph: GraphBuilder, outputs: Value, sizes: Sizes, answers: Answers | None, link: Link
) -> None:
    """Makes the answers outputs of a graph: probabilities and labels of classes, or numbers and their quantiles.

    Args:
        graph: Where they are written.
        outputs: Outputs of the network, ``(batch, outputs)`` or ``(batch, time, outputs)``.
        sizes: Their sizes.
        answers: What they become; None if the task does not say, so that they stay on the scale of the network.
        link: That scale.
    """
    match answers:
        case ClassAnswers():
            _write_classes(graph, outputs, sizes, answers)
        case NumberAnswers():
            _write_numbers(graph, outputs, answers)
        case None:
            graph.output(outputs, "outputs", FLOAT, sizes)
            if link is not Link.VALUES:
                function = "Softmax" if link is Link.CLASSES else "Sigmoid"
                graph.output(graph.node(function, outputs), "probabilities", FLOAT, sizes)


def _write_classes(graph: GraphBuilder, outputs: Value, sizes: Sizes, answers: ClassAnswers) -> None:
    probabilities = graph.node("Softmax", outputs, axis=-1)
    likeliest = graph.node("ArgMax", outputs, axis=-1, keepdims=0)
    names = graph.constant(np.array(answers.classes, dtype=object), "classes")
    label = graph.node("Gather", names, likeliest)
    # What cannot be prepared has no class.
    unknown = graph.node("IsNaN", squeezed(sliced(probabilities, -1, 0, 1), -1))
    graph.output(probabilities, "probabilities", FLOAT, sizes)
    graph.output(
        chosen(unknown, graph.constant(np.array("", dtype=object)), label), "label", STRING, sizes[:-1]
    )


def _write_numbers(graph: GraphBuilder, outputs: Value, answers: NumberAnswers) -> None:
    levels, targets = len(answers.quantiles), len(answers.mean)
    sizes: list[int | str] = [*([answers.horizon] if answers.horizon else []), targets]
    values = reshaped(outputs, -1, *(int(size) for size in sizes), max(levels, 1))
    if levels > 1:
        # Quantiles that cross are sorted, as every metric sorts them.
        values, _ = graph.nodes("TopK", values, np.array([levels]), count=2, axis=-1, largest=0, sorted=1)
    exact = graph.node("Cast", values, to=DOUBLE)
    numbers = exact * np.array(answers.scale)[:, None] + np.array(answers.mean)[:, None]
    if levels:
        graph.output(numbers, "quantiles", DOUBLE, ["batch", *sizes, levels])
    if not levels or MEDIAN in answers.quantiles:
        at = answers.middle
        graph.output(squeezed(sliced(numbers, -1, at, at + 1), -1), "numbers", DOUBLE, ["batch", *sizes])
