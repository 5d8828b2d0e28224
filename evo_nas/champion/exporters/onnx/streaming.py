"""The graph of one step: states in, states out, and the answers for the sequence so far."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch

from evo_nas.champion.exporters.onnx.answers import write_answers
from evo_nas.champion.exporters.onnx.builder import FLOAT, INT, GraphBuilder
from evo_nas.champion.exporters.onnx.contexts import AttentionWriter
from evo_nas.champion.exporters.onnx.heads import outputs_of
from evo_nas.champion.exporters.onnx.layers import LayerWriter
from evo_nas.champion.exporters.onnx.networks import with_skip, write_mean
from evo_nas.champion.exporters.onnx.preparation import prepared_step, raw_features, states_of
from evo_nas.champion.exporters.onnx.step_blocks import front_step, pooling_step, shortcut_step
from evo_nas.champion.exporters.onnx.steps import array_of, chosen, joined, sliced, squeezed, unsqueezed
from evo_nas.champion.exporters.onnx.whole import facts_of
from evo_nas.errors import ChampionError, GenomeError
from evo_nas.models.ensemble import Link
from evo_nas.models.network import Network
from evo_nas.models.recurrent_layer import RecurrentLayer
from evo_nas.models.streaming import StreamingModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

    from evo_nas.champion.exporters.onnx.builder import Array, Value
    from evo_nas.champion.exporters.onnx.step_blocks import States, Stepped
    from evo_nas.genome.architecture import Layer
    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.preparation import Preparation

AFTER = "next."
"""What the name of a state begins with where it is an output."""
LEAST = float(np.finfo(np.float32).min)
"""Stands for minus infinity in initial states, since JSON has no infinity."""


def step_model(
    model: Model,
    preparation: Preparation | None = None,
    *,
    link: Link = Link.VALUES,
    name: str = "network",
    graph: GraphBuilder | None = None,
) -> onnx.ModelProto:
    """Returns the graph of one step, whose states have the names, shapes and order of `StreamingModel`.

    Its inputs are ``inputs`` ``(batch, ...)``, one step of each sequence, and the states; its outputs are the answers
    for the steps so far, and the states after this one, whose names begin with `AFTER`. The entry ``states`` of its
    metadata has the shape and the initial value of each state.

    Args:
        model: A network or an ensemble.
        preparation: As for `whole_model`.
        link: As for `whole_model`.
        name: Name of the graph.
        graph: An empty graph with settings of its own.

    Raises:
        ChampionError: A part of the model, or of the preparation, needs the whole sequence.
    """
    graph, signature = graph or GraphBuilder(), model.signature
    raw, answers = (preparation and preparation.of_values) or (None, None)
    given = (
        graph.input("inputs", INT, ["batch"])
        if signature.vocabulary
        else graph.input("inputs", FLOAT, ["batch", raw_features(signature, raw)])
    )
    initial = _initial_states(model, preparation)
    sizes = {key: [state.shape[0], "batch", *state.shape[2:]] for key, state in initial.items()}
    kinds = {key: INT if state.dtype == np.int64 else FLOAT for key, state in initial.items()}
    states = {key: graph.input(key, kinds[key], sizes[key]) for key in initial}
    read, after = prepared_step(given, raw, states)
    outputs, of_model = _model_step(graph, model, read, states)
    after |= of_model
    write_answers(graph, outputs, ["batch", signature.outputs], answers, link)
    for key in initial:
        graph.output(after[key], AFTER + key, kinds[key], sizes[key])
    told = [
        {"name": key, "shape": sizes[key], "initial": max(float(state.flat[0]), LEAST)}
        for key, state in initial.items()
    ]
    facts = facts_of(preparation) | {"states": json.dumps(told)}
    return graph.model(name, "One step of a recurrent network; states go in and out.", facts)


def _initial_states(model: Model, preparation: Preparation | None) -> dict[str, Array]:
    """Returns the states before the first step of one sequence, those of the preparation first."""
    try:
        streaming = StreamingModel(model)
    except GenomeError as error:
        raise ChampionError(f"the champion has no streaming form: {error}") from error
    plain = preparation and preparation.of_values
    found = states_of(plain[0]) if plain else {}
    with torch.no_grad():
        return found | {key: array_of(state) for key, state in streaming.zero_states(1).items()}


def _model_step(graph: GraphBuilder, model: Model, inputs: Value, states: States) -> Stepped:
    if isinstance(model, Network):
        return _network_step(graph, model, inputs, states)
    outputs: list[Value] = []
    after: dict[str, Value] = {}
    for number, member in enumerate(model.members):
        assert isinstance(member, Network)
        prefix = f"member{number}"
        with graph.scope(prefix):
            output, state = _network_step(graph, member, inputs, _under(prefix, states))
        outputs.append(output)
        after |= _named(prefix, state)
    return write_mean(graph, model, outputs), after


def _network_step(graph: GraphBuilder, network: Network, inputs: Value, states: States) -> Stepped:
    architecture = network.architecture
    with graph.scope("front"):
        read, state = front_step(network.front, architecture.front, inputs, _under("front", states))
    after, values = _named("front", state), [read]
    for index, (settings, layer) in enumerate(zip(architecture.layers, network.layers, strict=True)):
        assert isinstance(layer, RecurrentLayer)
        part = f"layer{index}"
        with graph.scope(part):
            writer = LayerWriter(graph, layer, settings)
            output, state = _layer_step(
                writer, settings, with_skip(values, settings.skip), _under(part, states)
            )
        values.append(output)
        after |= _named(part, state)
    with graph.scope("head"):
        features = with_skip(values, architecture.head.skip)
        pooled, state = pooling_step(network.head.pooling, features, _under("head", states))
        outputs = outputs_of(graph, network.head, pooled)
    after |= _named("head", state)
    if network.shortcut is not None:
        of_task = (architecture, network.signature)
        added, state = shortcut_step(graph, network.shortcut, of_task, inputs, _under("shortcut", states))
        outputs = outputs + added
        after |= _named("shortcut", state)
    if network.residual is not None:
        # Only forecasts of the change stream, and their last value is the present one.
        outputs = outputs + graph.node("Gather", inputs, array_of(network.residual.columns), axis=1)
    return outputs, after


def _layer_step(writer: LayerWriter, settings: Layer, values: Value, states: States) -> Stepped:
    entered, period = writer.enter(values), settings.period
    if period == 1:
        output, after = _update(writer, entered, states)
        return writer.leave(output, values), after
    read, position = states["read"] + entered, states["position"] + 1.0
    is_whole = position > period - 0.5  # (1, batch)
    is_due = unsqueezed(is_whole, 2)
    output, updated = _update(writer, squeezed(read / float(period), 0), states)
    held = chosen(is_due, output, states["held"])
    after = {
        # What attention has seen has no units.
        key: chosen(is_whole if key == "seen" else is_due, state, states[key])
        for key, state in updated.items()
    }
    after |= {"read": chosen(is_due, 0.0, read), "held": held, "position": chosen(is_whole, 0.0, position)}
    return writer.leave(squeezed(held, 0), values), after


def _update(writer: LayerWriter, entered: Value, states: States) -> Stepped:
    """Returns the output of an update of a layer ``(batch, width)``, and the states after it."""
    (direction,) = writer.directions
    cell = direction.cell
    carried = [squeezed(sliced(states["cell"], 0, at, at + 1), 0) for at in range(len(direction.carried))]
    carried = cell.step(cell.products(entered), carried)
    after = {"cell": joined(*(unsqueezed(each, 0) for each in carried), axis=0)}
    context, output = direction.context, carried[0]
    if context is None:
        return output, after
    step = context.step_of_past if isinstance(context, AttentionWriter) else context.step
    added, of_context = step(output, states)
    return output + added, after | of_context


def _under(part: str, states: States) -> dict[str, Value]:
    return {
        key.removeprefix(f"{part}."): state for key, state in states.items() if key.startswith(f"{part}.")
    }


def _named(part: str, states: Mapping[str, Value]) -> dict[str, Value]:
    return {f"{part}.{key}": state for key, state in states.items()}
