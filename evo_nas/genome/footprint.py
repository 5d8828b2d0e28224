"""Counts the bytes that a network keeps: from step to step when it runs, and for the way back when it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome.architecture import Forecast, Pooling
from evo_nas.genome.blocks import (
    ATTENTION_BLOCK,
    ATTENTION_HEADS,
    ATTENTION_WINDOW,
    MEMORY_SLOTS,
    Context,
    FrontKind,
    ShortcutKind,
    attention_width,
    memory_width,
)
from evo_nas.genome.columns import network_signature, networks_per_sequence
from evo_nas.genome.parameters import count_parameters, front_width, width_into

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Layer, Signature

FLOAT_BYTES = 4
TOKEN_BYTES = 8
COPIES = 4
"""Numbers kept for every parameter: value, gradient, the optimizer's state, and the value of the best epoch."""


def state_bytes(architecture: Architecture, signature: Signature) -> int:
    """Returns the bytes that a network keeps between two steps of one sequence, weights aside.

    They are the states of the cells, the older ones that delays read, the windows of attention and slots of memory, the
    steps that a convolution reads again, sums of slower layers and of pooling, and the last tokens of n-grams. A part
    that needs the whole sequence keeps all that it reads: a layer that reads backwards its input, and a map from all
    steps, or one of inputs less their last step, the input of the network. Numbers have 4 bytes, tokens 8.
    """
    read = network_signature(architecture, signature)
    numbers = _front_state(architecture, read)
    widths = [front_width(architecture, read)]
    steps = architecture.front.steps(signature.steps)
    for layer in architecture.layers:
        inputs = width_into(widths, layer.skip)
        numbers += _layer_state(layer, inputs) + layer.bidirectional * steps * inputs
        widths.append(layer.output_width)
    if not signature.per_step:
        numbers += _pooling_state(architecture.head.pooling, width_into(widths, architecture.head.skip))
    numbers *= networks_per_sequence(architecture, signature)
    numbers += _kept_input(architecture, signature)
    return FLOAT_BYTES * numbers + TOKEN_BYTES * _tokens(architecture)


def training_bytes(architecture: Architecture, signature: Signature, *, rows: int, steps: int) -> int:
    """Returns a lower bound in bytes of what training needs in addition to the data: parameters and activations."""
    parameters = FLOAT_BYTES * COPIES * count_parameters(architecture, signature)
    return parameters + activation_bytes(architecture, signature, rows=rows, steps=steps)


def activation_bytes(architecture: Architecture, signature: Signature, *, rows: int, steps: int) -> int:
    """Returns the fewest bytes that a training step keeps of a batch for the way back.

    These are the outputs of every layer at every step, and the weights of its context; a backend may keep more.

    Args:
        architecture: The network.
        signature: Shapes of the task.
        rows: Sequences of a batch.
        steps: Steps of each of them.
    """
    after_front = architecture.front.steps(steps)
    values = sum(
        after_front * layer.output_width + _context_values(layer, after_front // layer.period)
        for layer in architecture.layers
    )
    return FLOAT_BYTES * rows * networks_per_sequence(architecture, signature) * values


def _context_values(layer: Layer, updates: int) -> int:
    """Returns the fewest numbers that the context of a layer keeps for each sequence of so many updates."""
    match layer.context:
        case Context.NONE:
            return 0
        case Context.ATTENTION:
            # Weights of each head for all steps of a block and of the window before it.
            seen = updates if updates <= ATTENTION_WINDOW else ATTENTION_WINDOW + ATTENTION_BLOCK
            kept = ATTENTION_HEADS * seen + 3 * attention_width(layer.width)
        case Context.MEMORY:
            # Shares of slots that are written, left and read.
            kept = 3 * MEMORY_SLOTS + 3 * memory_width(layer.width)
    return (1 + layer.bidirectional) * updates * kept


def _front_state(architecture: Architecture, signature: Signature) -> int:
    front = architecture.front
    read = architecture.embedding or signature.features
    match front.kind:
        case FrontKind.DIFFERENCES:
            return read + 1  # the last step, and whether there was one
        case FrontKind.SEGMENTS | FrontKind.CONVOLUTION:
            return (front.size - 1) * read
        case _:
            return 0


def _layer_state(layer: Layer, inputs: int) -> int:
    """Returns the numbers that one direction of a layer carries on."""
    numbers = len(layer.cell.carried) * layer.width
    if layer.period > 1:
        numbers += inputs + layer.width + 1  # the sum of the chunk, the output that is held, the position
    match layer.context:
        case Context.NONE:
            return numbers
        case Context.ATTENTION:
            return numbers + ATTENTION_WINDOW * (layer.width + 1)  # steps, and whether there were any
        case Context.MEMORY:
            return numbers + MEMORY_SLOTS * 2 * memory_width(layer.width)


def _pooling_state(pooling: Pooling, features: int) -> int:
    match pooling:
        case Pooling.LAST:
            return 0
        case Pooling.MEAN:
            return features + 1  # the sum, and the number of steps
        case Pooling.MAX:
            return features
        case Pooling.ATTENTION:
            return features + 2  # the weighted sum, the largest score, the sum of the weights


def _kept_input(architecture: Architecture, signature: Signature) -> int:  # noqa: PLR0911 - one for each kind
    """Returns the numbers that are kept for maps from all steps, and for inputs less their last step."""
    steps, features = signature.steps, signature.features
    if architecture.forecast is Forecast.RELATIVE:
        return steps * features
    # Of a window less its last step it must be known which steps are there.
    seen = steps if architecture.forecast is not Forecast.VALUE else 0
    match architecture.shortcut.kind:
        case ShortcutKind.SHARED:
            return steps * len(set(signature.last_values)) + seen
        case ShortcutKind.FULL:
            return steps * features + seen
        case ShortcutKind.FLAT:
            return steps * features + 1  # and the place of the next step
        case ShortcutKind.POOLED:
            return 2 * features + 1  # sum and maximum, and the number of steps
        case ShortcutKind.NGRAMS if not signature.per_step:
            return signature.outputs + 1  # the sum of all runs, and their number
        case _:
            return 0


def _tokens(architecture: Architecture) -> int:
    """Returns how many of the last tokens are kept for runs of several."""
    front = architecture.front
    # A spelling belongs to one token.
    runs = (None if front.kind is FrontKind.SUBWORDS else front.ngrams, architecture.shortcut.ngrams)
    return sum(run.longest - 1 for run in runs if run is not None)
