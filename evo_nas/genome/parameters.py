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
    Context,
    FrontKind,
    ShortcutKind,
    attention_width,
    memory_width,
)
from evo_nas.genome.cell import X
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Layer, Signature
    from evo_nas.genome.cell import CellGraph


def count_parameters(architecture: Architecture, signature: Signature) -> int:
    """Returns the trainable parameters of ``architecture`` for a task with ``signature``.

    A linear node has one matrix over all its inputs, and a bias vector if it has one: an LSTM
    has one bias a gate.
    """
    total = signature.vocabulary * (architecture.embedding or 0) + _count_front(architecture, signature)
    widths = [front_width(architecture, signature)]
    for layer in architecture.layers:
        total += _count_layer(layer, _width_into(widths, layer.skip))
        widths.append(layer.output_width)
    total += _count_head(architecture, _width_into(widths, architecture.head.skip), signature)
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


def _width_into(widths: list[int], skip: int | None) -> int:
    return widths[-1] + (0 if skip is None else widths[skip])


def _count_layer(layer: Layer, input_width: int) -> int:
    cell = count_cell_parameters(layer.cell, input_width, layer.width)
    norm = 2 * layer.output_width if layer.norm is Norm.LAYER else 0
    return (cell + _count_context(layer)) * (1 + layer.bidirectional) + norm


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


def _count_head(architecture: Architecture, features: int, signature: Signature) -> int:
    head = architecture.head
    attends = head.pooling is Pooling.ATTENTION and not signature.per_step
    total = features if attends else 0
    if head.hidden:
        total += head.hidden * (features + 1)
    read = head.hidden or features
    if architecture.tied:
        # The weights of tied outputs are counted with the embedding; the bias and the projection are not.
        width = architecture.embedding or 0
        return total + signature.outputs + (read * width if read != width else 0)
    return total + signature.outputs * (read + 1)
