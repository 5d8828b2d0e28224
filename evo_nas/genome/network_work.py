"""Counts the work of a whole network, part by part, without building it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evo_nas.genome.architecture import Forecast, Norm, Pooling
from evo_nas.genome.blocks import (
    ATTENTION_HEADS,
    ATTENTION_WINDOW,
    MEMORY_SLOTS,
    NGRAM_WIDTH,
    Context,
    FrontKind,
    ShortcutKind,
    attention_width,
    memory_width,
)
from evo_nas.genome.columns import network_signature, networks_per_sequence
from evo_nas.genome.decoder import DecoderShape
from evo_nas.genome.parameters import front_width, width_into
from evo_nas.genome.work import Work, affine, cell_work, layer_norm, softmax

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.genome.architecture import Architecture, Head, Layer, Signature
    from evo_nas.genome.blocks import Ngrams


def steps_of(architecture: Architecture, signature: Signature) -> int:
    """Returns how many steps an example has: those of the longest sequence of training.

    Of a stream, which has no end, it is a stretch after which all layers are again where they were.
    """
    if signature.steps:
        return signature.steps
    return math.lcm(architecture.front.shortens, *(layer.period for layer in architecture.layers))


def work_of(architecture: Architecture, signature: Signature) -> dict[str, Work]:
    """Returns the work of one example by part: the forward pass over `steps_of` steps, with one output or one a step.

    The parts are ``front``, ``layer1`` and so on, of which ``layer1.context``, ``layer1.norm`` and
    ``layer1.residual`` are told apart, ``decoder``, ``head``, ``last values`` and ``shortcut``; those that an
    architecture does not have are left out.
    """
    steps = steps_of(architecture, signature)
    networks = networks_per_sequence(architecture, signature)
    parts = {name: work.times(networks) for name, work in _network(architecture, signature, steps)}
    parts |= {
        "last values": _last_values(architecture, signature, steps),
        "shortcut": _shortcut(architecture, signature, steps),
    }
    return {name: work for name, work in parts.items() if work != Work()}


def flops_a_step(architecture: Architecture, signature: Signature) -> float:
    """Returns the floating-point operations of an example, head and shortcut included, divided by its steps."""
    flops = sum(work.flops for work in work_of(architecture, signature).values())
    return flops / steps_of(architecture, signature)


def _network(architecture: Architecture, signature: Signature, steps: int) -> Iterator[tuple[str, Work]]:
    """Yields the work of front end, layers and head of one network."""
    read = network_signature(architecture, signature)
    after_front = architecture.front.steps(steps)
    yield "front", _front(architecture, read, steps)
    widths = [front_width(architecture, read)]
    for number, layer in enumerate(architecture.layers, start=1):
        inputs = width_into(widths, layer.skip)
        for part, work in _layer(layer, inputs, after_front, endless=not signature.steps):
            yield f"layer{number}{part}", work
        widths.append(layer.output_width)
    pooled = width_into(widths, architecture.head.skip)
    shape = DecoderShape.of(architecture, read, pooled=pooled)
    head = architecture.head
    if read.per_step:
        yield "head", _outputs(architecture, pooled, read.outputs).times(after_front)
    elif shape is None:
        yield "head", _pooling(head, pooled, after_front) + _outputs(architecture, pooled, read.outputs)
    else:
        top, inputs = architecture.layers[-1], width_into(widths[:-1], architecture.layers[-1].skip)
        queries = Work(words=inputs) + _one_more_step(top, inputs)
        yield "decoder", queries.times(shape.segments)
        outputs = _outputs(architecture, shape.features, shape.outputs).times(shape.segments)
        yield "head", (_pooling(head, pooled, after_front) if shape.reads_pooled else Work()) + outputs


def _front(architecture: Architecture, signature: Signature, steps: int) -> Work:
    """Returns the work of the embedding and of what else is made of the input."""
    front, width = architecture.front, architecture.layers[0].width
    embedded = architecture.embedding if signature.vocabulary else None
    read = embedded or signature.features
    work = Work()
    if embedded:
        # Tied embeddings are scaled where they are read.
        work += Work(operations=embedded * architecture.tied, words=embedded).times(steps)
    match front.kind:
        case FrontKind.DIFFERENCES:
            work += Work(operations=read, words=2 * read).times(steps)
        case FrontKind.SEGMENTS | FrontKind.CONVOLUTION:
            rectified = affine(front.size * read, width) + Work(operations=width)
            work += rectified.times(front.steps(steps))
        case FrontKind.NGRAMS:
            assert front.ngrams is not None
            orders = front.ngrams.orders
            work += Work(operations=(orders - 1) * NGRAM_WIDTH, words=orders * NGRAM_WIDTH).times(steps)
        case FrontKind.SUBWORDS:
            # The vector of a spelling stays the same, so that each token has one that is looked up.
            work += Work(operations=read, words=read).times(steps)
        case FrontKind.NONE:
            pass
    return work


def _layer(layer: Layer, inputs: int, steps: int, *, endless: bool) -> Iterator[tuple[str, Work]]:
    directions, updates = 1 + layer.bidirectional, steps // layer.period
    # The mean of each chunk is a sum and a product.
    mean = Work(operations=inputs * layer.period if layer.period > 1 else 0)
    cell = cell_work(layer.cell, inputs, layer.width).times(directions)
    yield "", (mean + cell).times(updates)
    if layer.context is not Context.NONE:
        yield ".context", _context(layer, updates, endless=endless).times(directions)
    yield ".norm", _norm(layer, inputs).times(steps)
    yield ".residual", _residual(layer, inputs).times(steps)


def _one_more_step(layer: Layer, inputs: int) -> Work:
    """Returns the work of one step that a decoder adds to the top layer, which has neither pace nor context there."""
    cell = cell_work(layer.cell, inputs, layer.width).times(1 + layer.bidirectional)
    return cell + _norm(layer, inputs) + _residual(layer, inputs)


def _norm(layer: Layer, inputs: int) -> Work:
    if layer.norm is Norm.BEFORE:
        return layer_norm(inputs) if inputs > 1 else Work()  # a single feature is not normalised
    return layer_norm(layer.output_width) if layer.norm is Norm.LAYER else Work()


def _residual(layer: Layer, inputs: int) -> Work:
    if not layer.residual:
        return Work()
    added = Work(operations=layer.output_width)
    return (
        added if inputs == layer.output_width else affine(inputs, layer.output_width, has_bias=False) + added
    )


def _context(layer: Layer, updates: int, *, endless: bool) -> Work:
    """Returns the work of one direction of a layer's context, its addition to the output included."""
    added = Work(operations=layer.width)
    if layer.context is Context.MEMORY:
        return (_memory_step(layer.width) + added).times(updates)
    inner = attention_width(layer.width)
    each_step = (
        layer_norm(layer.width, is_scaled=False)
        + affine(layer.width, 3 * inner, has_bias=False)
        + Work(operations=inner, words=2 * inner)  # queries are scaled; keys and values are kept
        + affine(inner, layer.width, has_bias=False)
        + added
        + softmax(0).times(ATTENTION_HEADS)  # what it costs whatever is seen
    )
    each_seen = Work(
        macs=2 * inner,  # scores, and the sum of values
        operations=5 * ATTENTION_HEADS,  # the bias of the distance, and the rest of the softmax
        functions=ATTENTION_HEADS,
        words=2 * inner + ATTENTION_HEADS,
    )
    return each_step.times(updates) + each_seen.times(_steps_seen(updates, endless=endless))


def _steps_seen(updates: int, *, endless: bool) -> int:
    """Returns how many steps the steps of a sequence see together, each itself and the window before."""
    if endless:
        return updates * ATTENTION_WINDOW
    early = min(updates, ATTENTION_WINDOW)
    return early * (early + 1) // 2 + (updates - early) * ATTENTION_WINDOW


def _memory_step(width: int) -> Work:
    """Returns the work of one step of an external memory: where to write, writing, and reading."""
    inner, slots = memory_width(width), MEMORY_SLOTS
    gate = affine(width, 1) + Work(operations=1, functions=1)
    shares = affine(width, slots) + softmax(slots) + gate + Work(operations=slots)
    # A slot moves towards what is written: difference, product, sum.
    written = Work(operations=3 * slots * 2 * inner, words=2 * slots * 2 * inner)
    read = Work(macs=2 * slots * inner, operations=inner) + softmax(slots)
    return (
        layer_norm(width, is_scaled=False)
        + affine(width, 3 * inner, has_bias=False)
        + shares
        + written
        + read
        + affine(inner, width, has_bias=False)
    )


def _pooling(head: Head, features: int, steps: int) -> Work:
    match head.pooling:
        case Pooling.LAST:
            return Work()
        case Pooling.MEAN:
            return Work(operations=steps * features)
        case Pooling.MAX:
            return Work(operations=(steps - 1) * features)
        case Pooling.ATTENTION:
            scores = affine(features, 1, has_bias=False).times(steps) + softmax(steps)
            return scores + Work(macs=steps * features, words=steps * features)


def _outputs(architecture: Architecture, features: int, outputs: int) -> Work:
    """Returns the work of the hidden layer and the outputs for one vector."""
    work, read = Work(), features
    if architecture.head.hidden:
        read = architecture.head.hidden
        work += affine(features, read) + Work(functions=read)
    width = architecture.embedding
    if architecture.tied and width is not None:
        if read != width:
            work += affine(read, width, has_bias=False)
        read = width
    return work + affine(read, outputs)


def _last_values(architecture: Architecture, signature: Signature, steps: int) -> Work:
    if architecture.forecast is Forecast.VALUE:
        return Work()
    is_relative = architecture.forecast is Forecast.RELATIVE
    return Work(operations=signature.outputs + is_relative * steps * signature.features)


def _shortcut(architecture: Architecture, signature: Signature, steps: int) -> Work:
    """Returns the work of the shortcut and of adding it to the outputs."""
    shortcut, outputs, features = architecture.shortcut, signature.outputs, signature.features
    added = Work(operations=outputs)
    is_relative = architecture.forecast is not Forecast.VALUE
    window = signature.steps
    match shortcut.kind:
        case ShortcutKind.SHARED:
            targets = len(dict.fromkeys(signature.last_values))
            line = affine(window, signature.horizon, has_bias=False).times(targets)
            relative = Work(operations=steps * targets * is_relative)
            return line + relative + Work(operations=outputs, words=outputs) + added
        case ShortcutKind.FULL:
            return (
                affine(window * features, outputs) + Work(operations=steps * features * is_relative) + added
            )
        case ShortcutKind.FLAT:
            return affine(window * features, outputs) + added
        case ShortcutKind.POOLED:
            pools = Work(operations=steps * features + (steps - 1) * features)
            return pools + affine(2 * features, outputs) + added
        case ShortcutKind.NGRAMS:
            assert shortcut.ngrams is not None
            return _ngram_sums(shortcut.ngrams, signature, steps)
        case ShortcutKind.NONE:
            return Work()


def _ngram_sums(ngrams: Ngrams, signature: Signature, steps: int) -> Work:
    outputs = signature.outputs
    if signature.per_step:
        # Those of all lengths that end at a step are added to each other and to the outputs.
        return Work(operations=ngrams.orders * outputs, words=ngrams.orders * outputs).times(steps)
    orders = range(ngrams.shortest, ngrams.longest + 1)
    runs = sum(max(0, steps - order + 1) for order in orders)
    sums = Work(operations=max(0, runs - 1) * outputs, words=runs * outputs)
    # The sum is divided by the root of the number of runs, and added to the outputs.
    return sums + Work(operations=2 * outputs, functions=2)
