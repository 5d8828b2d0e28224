"""Counts the trainable parameters of an architecture without building its network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome.architecture import Norm, Pooling
from evo_nas.genome.blocks import (
    ATTENTION_HEADS,
    ATTENTION_WINDOW,
    LONGEST_SPELLING,
    MEMORY_SLOTS,
    NGRAM_WIDTH,
    Columns,
    Context,
    FrontKind,
    ShortcutKind,
    attention_width,
    memory_width,
)
from evo_nas.genome.cell import X
from evo_nas.genome.columns import network_signature, targets_of
from evo_nas.genome.decoder import DecoderShape
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Head, Layer, Signature
    from evo_nas.genome.cell import CellGraph


def count_parameters(architecture: Architecture, signature: Signature) -> int:
    """Returns the trainable parameters of ``architecture`` for a task with ``signature``.

    A linear node has one matrix over all its inputs, and a bias vector if it has one: an LSTM
    has one bias a gate.
    """
    read = network_signature(architecture, signature)
    total = read.vocabulary * (architecture.embedding or 0) + _count_front(architecture, read)
    widths = [front_width(architecture, read)]
    for layer in architecture.layers:
        total += _count_layer(layer, width_into(widths, layer.skip))
        widths.append(layer.output_width)
    pooled = width_into(widths, architecture.head.skip)
    shape = DecoderShape.of(architecture, read, pooled=pooled)
    if shape is None:
        total += _count_head(architecture, pooled, read)
    else:
        inputs = width_into(widths[:-1], architecture.layers[-1].skip)
        targets = len(targets_of(signature)) if architecture.columns is Columns.APART else 0
        total += _count_queries(shape, inputs, targets) + _count_decoder(architecture.head, pooled, shape)
    return total + _count_shortcut(architecture, signature)


def _count_shortcut(architecture: Architecture, signature: Signature) -> int:
    outputs, steps, features = signature.outputs, signature.steps, signature.features
    match architecture.shortcut.kind:
        case ShortcutKind.SHARED:
            return signature.horizon * steps + outputs
        case ShortcutKind.FULL | ShortcutKind.FLAT:
            return outputs * (steps * features + 1)
        case ShortcutKind.POOLED:
            return outputs * (2 * features + 1)
        case ShortcutKind.NGRAMS:
            return _count_shortcut_table(architecture, signature)
        case ShortcutKind.NONE:
            return 0


def count_spellings(architecture: Architecture, signature: Signature) -> int:
    """Returns how many numbers that are not trained a network stores: which character n-grams each token has."""
    front = architecture.front
    if front.ngrams is None or front.kind is not FrontKind.SUBWORDS:
        return 0
    return signature.vocabulary * LONGEST_SPELLING * front.ngrams.orders


def front_width(architecture: Architecture, signature: Signature) -> int:
    """Returns the features of each step that the first layer reads."""
    read = architecture.embedding or signature.features
    match architecture.front.kind:
        case FrontKind.DIFFERENCES:
            return 2 * read
        case FrontKind.SEGMENTS | FrontKind.CONVOLUTION:
            return architecture.layers[0].width
        case FrontKind.NGRAMS:
            return read + NGRAM_WIDTH
        case _:
            return read


def _count_front(architecture: Architecture, signature: Signature) -> int:
    front = architecture.front
    read = architecture.embedding or signature.features
    if front.size:
        return architecture.layers[0].width * (front.size * read + 1)
    return _count_front_table(architecture, signature)


def _count_front_table(architecture: Architecture, signature: Signature) -> int:
    front = architecture.front
    if front.ngrams is None:
        return 0
    read = architecture.embedding or signature.features
    return front.ngrams.rows * (NGRAM_WIDTH if front.kind is FrontKind.NGRAMS else read)


def count_tables(architecture: Architecture, signature: Signature) -> int:
    """Returns how many of the parameters are in tables of hashed n-grams.

    Of a table a text reads a few rows, so that its parameters compare with those of no matrix.
    """
    return _count_front_table(architecture, signature) + _count_shortcut_table(architecture, signature)


def _count_shortcut_table(architecture: Architecture, signature: Signature) -> int:
    ngrams = architecture.shortcut.ngrams
    return 0 if ngrams is None else ngrams.rows * signature.outputs


def width_into(widths: list[int], skip: int | None) -> int:
    """Returns the features that a layer reads, given the widths of all below it and which of them its skip adds."""
    return widths[-1] + (0 if skip is None else widths[skip])


def _count_layer(layer: Layer, input_width: int) -> int:
    cell = count_cell_parameters(layer.cell, input_width, layer.width)
    directions = (cell + _count_context(layer)) * (1 + layer.bidirectional)
    return directions + _count_norm(layer, input_width) + _count_residual(layer, input_width)


def _count_norm(layer: Layer, input_width: int) -> int:
    if layer.norm is Norm.BEFORE:
        return 2 * input_width if input_width > 1 else 0  # a single feature is not normalised
    return 2 * layer.output_width if layer.norm is Norm.LAYER else 0


def _count_residual(layer: Layer, input_width: int) -> int:
    is_projected = layer.residual and input_width != layer.output_width
    return input_width * layer.output_width if is_projected else 0


def _count_context(layer: Layer) -> int:
    """Returns the parameters of one direction of a layer's context."""
    match layer.context:
        case Context.NONE:
            return 0
        case Context.ATTENTION:
            return 4 * layer.width * attention_width(layer.width) + ATTENTION_HEADS * ATTENTION_WINDOW
        case Context.MEMORY:
            addresses = (MEMORY_SLOTS + 1) * (layer.width + 1)  # and the gate
            return 4 * layer.width * memory_width(layer.width) + addresses


def count_cell_parameters(cell: CellGraph, input_width: int, width: int) -> int:
    """Returns the trainable parameters of one direction of a layer with ``cell``."""
    total = 0
    for node in cell.nodes:
        if node.op is Op.LINEAR:
            columns = sum(input_width if source == X else width for source in node.inputs)
            total += width * (columns + node.bias)
        elif node.op.row.unit_weight is not None:
            total += width
    return total


def _count_queries(shape: DecoderShape, input_width: int, targets: int) -> int:
    of_target = input_width // 2 if targets else 0
    return shape.segments * (input_width - of_target) + targets * of_target


def _count_decoder(head: Head, pooled: int, shape: DecoderShape) -> int:
    """Returns the parameters of a head that decodes segments."""
    attention = pooled if head.pooling is Pooling.ATTENTION else 0
    return attention + _count_outputs(head, shape.features, shape.outputs)


def _count_head(architecture: Architecture, features: int, signature: Signature) -> int:
    head = architecture.head
    attends = head.pooling is Pooling.ATTENTION and not signature.per_step
    total = features if attends else 0
    if not architecture.tied:
        return total + _count_outputs(head, features, signature.outputs)
    # The weights of tied outputs are counted with the embedding; the bias and the projection are not.
    read, width = head.hidden or features, architecture.embedding or 0
    total += head.hidden * (features + 1) + signature.outputs
    return total + (read * width if read != width else 0)


def _count_outputs(head: Head, features: int, outputs: int) -> int:
    return head.hidden * (features + 1) + outputs * ((head.hidden or features) + 1)
