"""One step of each block that is no layer, with the names and shapes of the states of `evo_nas.models.streaming`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.builder import FLOAT
from evo_nas.champion.exporters.onnx.fronts import (
    embedded,
    kernel_of,
    ngram_vectors,
    summed_rows,
    with_differences,
    with_spellings,
)
from evo_nas.champion.exporters.onnx.hashing import hashed_ngrams
from evo_nas.champion.exporters.onnx.shortcuts import applied
from evo_nas.champion.exporters.onnx.steps import (
    array_of,
    chosen,
    joined,
    linear,
    reshaped,
    sliced,
    squeezed,
    transposed,
    unsqueezed,
)
from evo_nas.genome.architecture import Forecast
from evo_nas.genome.blocks import FrontKind, ShortcutKind
from evo_nas.models.hashing import NO_NGRAM
from evo_nas.models.head import Attention, LastStep, MaxOverTime
from evo_nas.models.shortcuts import LinearShortcut, NgramTable, SharedLine
from evo_nas.models.stems import Convolution
from evo_nas.models.token_stems import NgramVectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from evo_nas.champion.exporters.onnx.builder import GraphBuilder, Value
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.genome.blocks import Front, Ngrams
    from evo_nas.models.fronts import FrontEnd

    States = Mapping[str, Value]
    Stepped = tuple[Value, dict[str, Value]]
    """What a step gives, and the states after it."""


def front_step(module: FrontEnd, front: Front, inputs: Value, states: States) -> Stepped:
    """Returns what the first layer reads of a step, float ``(batch, features)`` or ids int64 ``(batch,)``."""
    values, stem = inputs if module.embedding is None else embedded(module.embedding, inputs), module.stem
    match front.kind:
        case FrontKind.NONE:
            return values, {}
        case FrontKind.SUBWORDS:
            return with_spellings(module, inputs, values), {}
        case FrontKind.DIFFERENCES:
            before = chosen(squeezed(states["begun"], 0) > 0.0, squeezed(states["last"], 0), values)
            begun = states["begun"] * 0.0 + 1.0
            return with_differences(values, before), {"last": unsqueezed(values, 0), "begun": begun}
        case FrontKind.NGRAMS:
            assert front.ngrams is not None
            assert isinstance(stem, NgramVectors)
            rows, after = _ngram_rows(inputs, front.ngrams, states)
            return joined(values, ngram_vectors(values.graph, stem, rows)), after
        case FrontKind.CONVOLUTION | FrontKind.SEGMENTS:
            assert isinstance(stem, Convolution)
            window = joined(states["steps"], unsqueezed(values, 0), axis=0)  # (size, batch, features)
            kernel = kernel_of(stem, front.size)
            flat = reshaped(transposed(window, 1, 2, 0), -1, kernel.shape[1] * front.size)
            found = values.graph.node("Relu", linear(flat, stem.kernel, "kernel"))
            return found, {"steps": sliced(window, 0, 1)}


def pooling_step(pooling: nn.Module | None, values: Value, states: States) -> Stepped:
    """Returns what the steps so far are pooled to, from the present one ``(batch, features)``."""
    if pooling is None or isinstance(pooling, LastStep):
        return values, {}
    if isinstance(pooling, MaxOverTime):
        return _running_max(values, states)
    if not isinstance(pooling, Attention):
        return _running_mean(values, states)
    graph = values.graph
    score = unsqueezed(linear(values, pooling.score, "score"), 0)  # (1, batch, 1)
    largest = graph.node("Max", states["largest"], score)
    kept, weight = graph.node("Exp", states["largest"] - largest), graph.node("Exp", score - largest)
    weights = kept * states["weights"] + weight
    weighted = kept * states["weighted"] + weight * values
    after = {"largest": largest, "weights": weights, "weighted": weighted}
    return squeezed(weighted / weights, 0), after


def shortcut_step(
    graph: GraphBuilder,
    module: LinearShortcut | NgramTable,
    network: tuple[Architecture, Signature],
    inputs: Value,
    states: States,
) -> Stepped:
    """Returns what is added to the outputs for the steps so far ``(batch, outputs)``, as `write_shortcut` does."""
    architecture, signature = network
    shortcut, relative = architecture.shortcut, architecture.forecast is not Forecast.VALUE
    if isinstance(module, NgramTable):
        assert shortcut.ngrams is not None
        return _ngram_step(module, shortcut.ngrams, inputs, states, per_step=signature.per_step)
    if isinstance(module, SharedLine):
        own = graph.node("Gather", inputs, array_of(module.columns), axis=1)
        window, after = _window_step(own, states, relative=relative)
        read = transposed(window, 1, 2, 0)
    elif shortcut.kind is ShortcutKind.FULL:
        window, after = _window_step(inputs, states, relative=relative)
        read = reshaped(transposed(window, 1, 0, 2), -1, signature.steps * signature.features)
    elif shortcut.kind is ShortcutKind.FLAT:
        places = np.arange(signature.steps, dtype=np.float32)[:, None, None]
        is_now = graph.node("Equal", places, unsqueezed(states["position"], 2))
        steps = chosen(is_now, inputs, states["steps"])
        after = {"steps": steps, "position": states["position"] + 1.0}
        read = reshaped(transposed(steps, 1, 0, 2), -1, signature.steps * signature.features)
    else:
        mean, of_mean = _running_mean(inputs, states)
        largest, of_max = _running_max(inputs, states)
        read, after = joined(mean, largest), of_mean | of_max
    return applied(graph, module, read, signature), after


def _running_mean(values: Value, states: States) -> Stepped:
    total, count = states["sum"] + values, states["count"] + 1.0
    return squeezed(total / count, 0), {"sum": total, "count": count}


def _running_max(values: Value, states: States) -> Stepped:
    largest = values.graph.node("Max", states["largest"], values)
    return squeezed(largest, 0), {"largest": largest}


def _window_step(values: Value, states: States, *, relative: bool) -> Stepped:
    """Returns the last steps ``(steps, batch, features)``, less the present one if ``relative``."""
    window = joined(sliced(states["window"], 0, 1), unsqueezed(values, 0), axis=0)
    if not relative:
        return window, {"window": window}
    earlier = sliced(states["seen"], 0, 1)
    now = sliced(states["seen"], 0, 0, 1) * 0.0 + 1.0
    seen = joined(earlier, now, axis=0)
    read = chosen(unsqueezed(seen, 2) > 0.0, window - values, 0.0)
    return read, {"window": window, "seen": seen}


def _ngram_rows(tokens: Value, ngrams: Ngrams, states: States) -> Stepped:
    """Returns the rows ``(batch, orders)`` of the n-grams that end at the present token of each sequence."""
    now = unsqueezed(tokens + 1, 1)
    if ngrams.longest == 1:
        return squeezed(hashed_ngrams(now, ngrams), 1), {}
    marked = joined(transposed(states["tokens"], 1, 0), now, axis=1)
    after = {"tokens": transposed(sliced(marked, 1, 1), 1, 0)}
    return squeezed(hashed_ngrams(marked, ngrams), 1), after


def _ngram_step(
    module: NgramTable, ngrams: Ngrams, tokens: Value, states: States, *, per_step: bool
) -> Stepped:
    graph = tokens.graph
    rows, after = _ngram_rows(tokens, ngrams, states)
    found = summed_rows(graph, array_of(module.table), rows, "shortcut.table")
    if per_step:
        return found, after
    is_ngram = graph.node("Cast", graph.node("Greater", rows, NO_NGRAM), to=FLOAT)
    sums = states["sums"] + found
    runs = states["runs"] + graph.node("ReduceSum", is_ngram, np.array([1]), keepdims=0)
    count = unsqueezed(graph.node("Sqrt", graph.node("Max", runs, 1.0)), 2)
    return squeezed(sums / count, 0), after | {"sums": sums, "runs": runs}
