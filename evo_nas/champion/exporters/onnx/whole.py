"""The graph that reads whole sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.builder import FLOAT, INT, GraphBuilder
from evo_nas.champion.exporters.onnx.networks import write_model
from evo_nas.champion.exporters.onnx.steps import Steps, batch_of, time_of

if TYPE_CHECKING:
    import onnx

    from evo_nas.champion.exporters.onnx.builder import Value
    from evo_nas.models.ensemble import Model

ALL = np.array([np.iinfo(np.int64).max])
"""The length that stands for all steps: the default of the input ``lengths``."""


def whole_model(model: Model) -> onnx.ModelProto:
    """Returns the graph from prepared ``inputs`` and their ``lengths``, which may be left out, to ``outputs``."""
    graph, signature = GraphBuilder(), model.signature
    steps = ["batch", "time"]
    inputs = (
        graph.input("inputs", INT, steps)
        if signature.vocabulary
        else graph.input("inputs", FLOAT, [*steps, signature.features])
    )
    outputs = write_model(graph, model, Steps(inputs, _lengths(graph, inputs)))
    of_each = steps if signature.per_step else steps[:1]
    graph.output(outputs, "outputs", FLOAT, [*of_each, signature.outputs])
    return graph.model("network", "A recurrent network for prepared inputs.", {})


def _lengths(graph: GraphBuilder, inputs: Value) -> Value:
    """Returns the length of each sequence: those that are given, which end with the inputs, or that of the inputs."""
    given = graph.input("lengths", INT, ["sequences"], default=ALL)
    return graph.node("Expand", graph.node("Min", given, time_of(inputs)), batch_of(inputs))
