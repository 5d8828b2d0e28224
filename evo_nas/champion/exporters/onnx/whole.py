"""The graph that reads whole sequences, from raw inputs to answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.onnx.answers import write_answers
from evo_nas.champion.exporters.onnx.builder import GraphBuilder
from evo_nas.champion.exporters.onnx.networks import write_model
from evo_nas.champion.exporters.onnx.preparation import write_inputs
from evo_nas.models.ensemble import Link
from evo_nas.tasks.answers import ClassAnswers

if TYPE_CHECKING:
    import onnx

    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.preparation import Preparation

OF_INPUTS = ("columns", "window", "vocabulary", "level", "lower", "max_length")
"""What the metadata of a file say of raw inputs, where it applies."""


def whole_model(
    model: Model,
    preparation: Preparation | None = None,
    *,
    link: Link = Link.VALUES,
    name: str = "network",
    graph: GraphBuilder | None = None,
) -> onnx.ModelProto:
    """Returns the graph from ``inputs`` ``(batch, time, ...)`` and ``lengths``, which may be left out, to answers.

    Args:
        model: A network or an ensemble.
        preparation: What leads from raw inputs to prepared ones and from outputs to answers; None for a graph that
            takes prepared inputs and gives outputs.
        link: The scale of the outputs.
        name: Name of the graph.
        graph: An empty graph with settings of its own.
    """
    graph, signature = graph or GraphBuilder(), model.signature
    raw, answers = (preparation and preparation.of_values) or (None, None)
    outputs = write_model(graph, model, write_inputs(graph, signature, raw))
    of_each = ["batch", "time"] if signature.per_step else ["batch"]
    write_answers(graph, outputs, [*of_each, signature.outputs], answers, link)
    return graph.model(name, "A recurrent network that reads whole sequences.", facts_of(preparation))


def facts_of(preparation: Preparation | None) -> dict[str, str]:
    """Returns what a program wants to know of the inputs and the answers, each as JSON by name."""
    if preparation is None or preparation.of_values is None:
        return {}
    inputs, answers = preparation.of_values
    facts: dict[str, object] = {name: getattr(inputs, name, None) for name in OF_INPUTS}
    if isinstance(answers, ClassAnswers):
        facts["classes"] = answers.classes
    else:
        facts |= {"targets": answers.columns, "horizon": answers.horizon, "quantiles": answers.quantiles}
    return {key: json.dumps(value, ensure_ascii=False) for key, value in facts.items() if value}
