"""What leads from the input of a network to its first layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from evo_nas.champion.exporters.onnx.hashing import hashed_ngrams
from evo_nas.champion.exporters.onnx.steps import (
    Steps,
    array_of,
    chosen,
    joined,
    positions,
    sliced,
    taken,
    time_of,
    transposed,
    unsqueezed,
)
from evo_nas.genome.blocks import FrontKind
from evo_nas.models.hashing import NO_NGRAM
from evo_nas.models.layers import TiedEmbedding
from evo_nas.models.stems import Convolution
from evo_nas.models.token_stems import NgramVectors, Subwords

if TYPE_CHECKING:
    from torch import nn

    from evo_nas.champion.exporters.onnx.builder import Array, GraphBuilder, Value
    from evo_nas.genome.blocks import Front, Ngrams
    from evo_nas.models.fronts import FrontEnd


def write_front(graph: GraphBuilder, module: FrontEnd, front: Front, inputs: Steps) -> Steps:
    """Returns what the first layer reads.

    Args:
        graph: Where it is written.
        module: The front end.
        front: Its settings.
        inputs: float ``(batch, time, features)``, or ids int64 ``(batch, time)``.
    """
    values = inputs.values if module.embedding is None else embedded(module.embedding, inputs.values)
    steps = inputs.with_values(values)
    match front.kind:
        case FrontKind.NONE:
            return steps
        case FrontKind.DIFFERENCES:
            earlier = joined(sliced(values, 1, 0, 1), sliced(values, 1, 0, -1), axis=1)
            return steps.with_values(with_differences(values, earlier))
        case FrontKind.SEGMENTS | FrontKind.CONVOLUTION:
            assert isinstance(module.stem, Convolution)
            return _convolved(module.stem, front, steps)
        case FrontKind.NGRAMS:
            assert front.ngrams is not None
            assert isinstance(module.stem, NgramVectors)
            rows = rows_of_ngrams(inputs, front.ngrams)
            return steps.with_values(joined(values, ngram_vectors(graph, module.stem, rows)))
        case FrontKind.SUBWORDS:
            return steps.with_values(with_spellings(module, inputs.values, values))


def embedded(embedding: nn.Embedding, tokens: Value) -> Value:
    """Returns the vectors ``(..., width)`` of int64 ``tokens`` ``(...)``."""
    graph = tokens.graph
    vectors = graph.node("Gather", graph.constant(array_of(embedding.weight), "embedding.weight"), tokens)
    return vectors * embedding.embedding_dim**0.5 if isinstance(embedding, TiedEmbedding) else vectors


def with_differences(values: Value, earlier: Value) -> Value:
    """Returns steps ``(..., features)`` joined to their differences from ``earlier`` ones."""
    return joined(values, values - earlier)


def with_spellings(module: FrontEnd, tokens: Value, values: Value) -> Value:
    """Returns embeddings ``values`` ``(..., width)`` of ``tokens`` ``(...)``, with what their spellings add."""
    stem = module.stem
    assert isinstance(stem, Subwords)
    with torch.no_grad():
        # The spelling of a token is always the same, and so is the mean of its n-grams.
        vectors = array_of(stem.vectors(stem.spellings))
    return values + values.graph.node("Gather", values.graph.constant(vectors, "spellings"), tokens)


def rows_of_ngrams(tokens: Steps, ngrams: Ngrams) -> Value:
    """Returns the rows of the n-grams of ids ``(batch, time)``, int64 ``(batch, time, orders)``, none at padding."""
    graph, reach = tokens.values.graph, ngrams.longest - 1
    marked = tokens.values + 1
    if reach:
        marked = graph.node("Pad", marked, np.array([0, reach, 0, 0]))
    return chosen(unsqueezed(tokens.valid, 2), hashed_ngrams(marked, ngrams), NO_NGRAM)


def ngram_vectors(graph: GraphBuilder, module: NgramVectors, rows: Value) -> Value:
    """Returns the sums ``(..., width)`` of the vectors of n-grams ``(..., n)``; `NO_NGRAM` adds nothing."""
    vectors = array_of(module.vectors.weight).copy()
    vectors[NO_NGRAM] = 0.0
    return summed_rows(graph, vectors, rows, "vectors")


def summed_rows(graph: GraphBuilder, table: Array, rows: Value, name: str) -> Value:
    """Returns the sums ``(..., width)`` of ``rows`` ``(..., n)`` of a table."""
    found = graph.node("Gather", graph.constant(table, name), rows)
    return graph.node("ReduceSum", found, np.array([-2]), keepdims=0)


def kernel_of(module: Convolution, size: int) -> Array:
    """Returns the weights of a convolution, ``(width, features, size)``."""
    weight = array_of(module.kernel.weight)
    return weight.reshape(len(weight), -1, size)


def _convolved(module: Convolution, front: Front, steps: Steps) -> Steps:
    """Returns a step for each place of a convolution; the last one is at the last step, whatever the stride."""
    graph, stride = steps.values.graph, front.shortens
    aligned = steps if stride == 1 else _aligned(steps, stride)
    found = graph.node(
        "Conv",
        transposed(aligned.values, 0, 2, 1),
        graph.constant(kernel_of(module, front.size), "kernel.weight"),
        graph.constant(array_of(module.kernel.bias), "kernel.bias"),
        strides=[stride],
        pads=[front.size - stride, 0],
    )
    return aligned.with_values(transposed(graph.node("Relu", found), 0, 2, 1))


def _aligned(steps: Steps, multiple: int) -> Steps:
    """Returns sequences that are filled up with zeros in front to a multiple of steps, and their lengths in multiples.

    As `evo_nas.models.stems` has it: each sequence moves by itself.
    """
    after = (time_of(steps.values) + (multiple - 1)) / multiple * multiple
    lengths = (steps.lengths + (multiple - 1)) / multiple
    source = positions(after) - unsqueezed(lengths * multiple - steps.lengths, 1)  # (batch, after)
    graph = source.graph
    places = graph.node("Min", graph.node("Max", source, 0), time_of(steps.values) - 1)
    moved = taken(steps.values, places)
    return Steps(chosen(unsqueezed(source < 0, 2), 0.0, moved), lengths)
