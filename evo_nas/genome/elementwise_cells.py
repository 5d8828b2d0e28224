"""Published cells without a matrix from state to state: units mix in the next layer, or in an output that is not read.

``f``, ``i``, ``o`` and ``r`` are gates ``sigmoid(W x + b)`` unless they are written out, ``*`` is elementwise, and
``w`` stands for learned vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome.cell import H, X
from evo_nas.genome.ops import Op
from evo_nas.genome.sketch import Sketch

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph


def indrnn() -> CellGraph:
    """Returns the IndRNN of Li et al. (2018): ``h' = relu(W x + b + w * h)``."""
    sketch = Sketch()
    return sketch.cell(sketch(Op.RELU, sketch(Op.ADD, sketch.affine(X), sketch(Op.SCALE, H))))


def brc() -> CellGraph:
    """Returns the bistable recurrent cell of Vecoven et al. (2021).

    ``h' = c * h + (1 - c) * tanh(W x + b + a * h)`` with ``c = sigmoid(W x + b + w * h)`` and
    ``a = 1 + tanh(W x + b + w * h)``; the weights of ``a`` have the other sign here.
    """
    sketch = Sketch()

    def seen() -> int:
        return sketch(Op.ADD, sketch.affine(X), sketch(Op.SCALE, H))

    feedback = sketch(Op.ONE_MINUS, sketch(Op.TANH, seen()))
    keep = sketch(Op.SIGMOID, seen())
    return sketch.cell(bistable_update(sketch, feedback, keep))


def bistable_update(sketch: Sketch, feedback: int, keep: int) -> int:
    """Adds ``keep * h + (1 - keep) * tanh(W x + b + feedback * h)``, which BRC and nBRC share."""
    recalled = sketch(Op.ADD, sketch.affine(X), sketch(Op.MUL, feedback, H))
    return sketch(Op.BLEND, keep, H, sketch(Op.TANH, recalled))


def gilr() -> CellGraph:
    """Returns the GILR of Martin and Cundy (2018): ``h' = f * h + (1 - f) * tanh(W x + b)``."""
    sketch = Sketch()
    return sketch.cell(sketch(Op.BLEND, sketch.gate(X), H, sketch(Op.TANH, sketch.affine(X))))


def mingru() -> CellGraph:
    """Returns the minGRU of Feng et al. (2024): ``h' = (1 - f) * h + f * (W x + b)``."""
    sketch = Sketch()
    return sketch.cell(sketch(Op.BLEND, sketch.gate(X), sketch.affine(X), H))


def minlstm() -> CellGraph:
    """Returns the minLSTM of Feng et al. (2024): ``h' = (f * h + i * (W x + b)) / (f + i)``."""
    sketch = Sketch()
    forget, write = sketch.gate(X), sketch.gate(X)
    share = sketch(Op.DIVIDE, forget, sketch(Op.ADD, forget, write))
    return sketch.cell(sketch(Op.BLEND, share, H, sketch.affine(X)))


def sru() -> CellGraph:
    """Returns the SRU of Lei et al. (2018), with a matrix for ``x`` in its highway since the widths differ.

    ``c' = f * c + (1 - f) * W x`` and ``h' = r * c' + (1 - r) * W x``, with gates ``sigmoid(W x + b + w * c)``.
    """
    sketch, memory = Sketch(states=2), 2

    def gate() -> int:
        return sketch(Op.SIGMOID, sketch(Op.ADD, sketch.affine(X), sketch(Op.SCALE, memory)))

    following = sketch(Op.BLEND, gate(), memory, sketch(Op.LINEAR, X))
    return sketch.cell(sketch(Op.BLEND, gate(), following, sketch(Op.LINEAR, X)), following)


def qrnn() -> CellGraph:
    """Returns the QRNN of Bradbury et al. (2017) with fo-pooling and windows of one step.

    ``c' = f * c + (1 - f) * tanh(W x + b)`` and ``h' = o * c'`` with a gate ``o``.
    """
    sketch, memory = Sketch(states=2), 2
    following = sketch(Op.BLEND, sketch.gate(X), memory, sketch(Op.TANH, sketch.affine(X)))
    return sketch.cell(sketch(Op.MUL, sketch.gate(X), following), following)


def hgrn() -> CellGraph:
    """Returns the recurrence of HGRN (Qin et al. 2023) in real numbers.

    ``h' = f * h + (1 - f) * silu(W x + b)`` with ``f = c + (1 - c) * sigmoid(W x + b)``; the lower bound ``c`` is
    learned.
    """
    sketch = Sketch()
    room = sketch(Op.ONE_MINUS, sketch(Op.BOUNDED_CONSTANT))
    write = sketch(Op.MUL, room, sketch(Op.ONE_MINUS, sketch.gate(X)))
    return sketch.cell(sketch(Op.BLEND, write, sketch(Op.SILU, sketch.affine(X)), H))


def lru() -> CellGraph:
    """Returns the LRU of Orvieto et al. (2023): a diagonal matrix of complex numbers, and a linear output.

    ``s' = l * s + g * (B x)`` and ``y = Re(C s') + D x``. The eigenvalues ``l = r * (u + v i) / |u + v i|`` have the
    absolute values ``r`` between 0 and 1. The norm ``g = sqrt(1 - r * r)`` follows them instead of being trained by
    itself, which ``B`` makes up for.
    """
    sketch, real, imaginary = Sketch(states=3), 2, 3
    rate, across, up = sketch(Op.BOUNDED_CONSTANT), sketch(Op.CONSTANT), sketch(Op.CONSTANT)
    length = sketch(Op.SQRT, sketch(Op.ADD, sketch(Op.MUL, across, across), sketch(Op.MUL, up, up)))
    cosine = sketch(Op.MUL, rate, sketch(Op.DIVIDE, across, length))
    sine = sketch(Op.MUL, rate, sketch(Op.DIVIDE, up, length))
    norm = sketch(Op.SQRT, sketch(Op.ONE_MINUS, sketch(Op.MUL, rate, rate)))
    turned = sketch(Op.SUBTRACT, sketch(Op.MUL, cosine, real), sketch(Op.MUL, sine, imaginary))
    new_real = sketch(Op.ADD, turned, sketch(Op.MUL, norm, sketch(Op.LINEAR, X)))
    turned = sketch(Op.ADD, sketch(Op.MUL, sine, real), sketch(Op.MUL, cosine, imaginary))
    new_imaginary = sketch(Op.ADD, turned, sketch(Op.MUL, norm, sketch(Op.LINEAR, X)))
    return sketch.cell(sketch(Op.LINEAR, X, new_real, new_imaginary), new_real, new_imaginary)


def rg_lru() -> CellGraph:
    """Returns the RG-LRU of De et al. (2024), with the linear layer before it that gives ``v = W x + b``.

    ``h' = a * h + sqrt(1 - a * a) * (i * v)`` with ``a = exp(-8 c r)``; the gates ``r`` and ``i`` read ``v``. The
    positive ``c`` is ``exp(-w)`` of a learned ``w`` instead of the paper's ``softplus(w)``, so that it begins as small
    as there.
    """
    sketch = Sketch()
    value = sketch.affine(X)
    recurrent, write, bounded = sketch.gate(value), sketch.gate(value), sketch(Op.BOUNDED_CONSTANT)
    exponent = sketch(Op.MUL, recurrent, _odds_against(sketch, bounded))
    for _ in range(3):
        exponent = sketch(Op.ADD, exponent, exponent)
    keep = _odds_against(sketch, sketch(Op.SIGMOID, exponent))
    norm = sketch(Op.SQRT, sketch(Op.ONE_MINUS, sketch(Op.MUL, keep, keep)))
    written = sketch(Op.MUL, norm, sketch(Op.MUL, write, value))
    return sketch.cell(sketch(Op.ADD, sketch(Op.MUL, keep, H), written))


def _odds_against(sketch: Sketch, probability: int) -> int:
    """Adds ``(1 - p) / p``, which is ``exp(-a)`` if ``p`` is ``sigmoid(a)``."""
    return sketch(Op.DIVIDE, sketch(Op.ONE_MINUS, probability), probability)


def rwkv4() -> CellGraph:
    """Returns the time mixing of RWKV-4 (Peng et al. 2023) without the shift of tokens before it.

    An average of values ``v`` of all steps so far, weighted by ``exp(k)`` that fades by ``exp(-exp(w))`` a step, where
    the latest has ``exp(w + k)``; then ``h' = W (sigmoid(W x) * average)``. As in the paper's implementation numerator
    and denominator are kept relative to the largest exponent, which is the fourth state.
    """
    sketch, numerator, denominator, top = Sketch(states=4), 2, 3, 4

    def relative(exponent: int, other: int) -> tuple[int, int, int]:
        highest = sketch(Op.MAX, exponent, other)
        of_one, of_other = (sketch(Op.EXP, sketch(Op.SUBTRACT, one, highest)) for one in (exponent, other))
        return of_one, of_other, highest

    key, value = sketch(Op.LINEAR, X), sketch(Op.LINEAR, X)
    past, now, _ = relative(top, sketch(Op.ADD, sketch(Op.CONSTANT), key))
    weighted = sketch(Op.ADD, sketch(Op.MUL, past, numerator), sketch(Op.MUL, now, value))
    average = sketch(Op.DIVIDE, weighted, sketch(Op.ADD, sketch(Op.MUL, past, denominator), now))
    receptance = sketch(Op.SIGMOID, sketch(Op.LINEAR, X))
    output = sketch(Op.LINEAR, sketch(Op.MUL, receptance, average))
    faded = sketch(Op.SUBTRACT, top, sketch(Op.EXP, sketch(Op.CONSTANT)))
    past, now, highest = relative(faded, key)
    return sketch.cell(
        output,
        sketch(Op.ADD, sketch(Op.MUL, past, numerator), sketch(Op.MUL, now, value)),
        sketch(Op.ADD, sketch(Op.MUL, past, denominator), now),
        highest,
    )
