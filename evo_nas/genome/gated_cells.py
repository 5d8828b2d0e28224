"""Published cells in which a matrix multiplies a state, besides those of torch.

``*`` is elementwise, and ``w`` stands for learned vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome.cell import H, X
from evo_nas.genome.elementwise_cells import bistable_update
from evo_nas.genome.ops import Op
from evo_nas.genome.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.genome.cell import CellGraph

C = 2
"""Reference to LSTM's previous cell state."""


def lstm(gate: Callable[[Sketch], int] = lambda sketch: sketch.gate(X, H)) -> CellGraph:
    """Returns the LSTM of Hochreiter and Schmidhuber (1997) with a forget gate, as torch has it.

    Args:
        gate: Adds one of the three gates.
    """
    sketch = Sketch(states=2)
    written = sketch(Op.MUL, gate(sketch), sketch(Op.TANH, sketch.affine(X, H)))
    kept = sketch(Op.MUL, gate(sketch), C)
    memory = sketch(Op.ADD, kept, written)
    output = sketch(Op.MUL, gate(sketch), sketch(Op.TANH, memory))
    return sketch.cell(output, memory)


def slim_lstm(variant: int) -> CellGraph:
    """Returns an LSTM whose gates do not read ``x`` (Salem 2018).

    Args:
        variant: 1 for gates ``sigmoid(U h + b)``, 2 for ``sigmoid(U h)``, 3 for ``sigmoid(b)``.
    """
    gates: dict[int, Callable[[Sketch], int]] = {
        1: lambda sketch: sketch.gate(H),
        2: lambda sketch: sketch(Op.SIGMOID, sketch(Op.LINEAR, H)),
        3: lambda sketch: sketch(Op.SIGMOID, sketch(Op.CONSTANT)),
    }
    return lstm(gates[variant])


def peephole_lstm() -> CellGraph:
    """Returns the LSTM whose gates also see the memory, ``sigmoid(W x + U h + w * c + b)`` (Gers and Schmidhuber 2000).

    The output gate sees the new memory.
    """
    sketch = Sketch(states=2)

    def gate(memory: int) -> int:
        return sketch(Op.SIGMOID, sketch(Op.ADD, sketch.affine(X, H), sketch(Op.SCALE, memory)))

    written = sketch(Op.MUL, gate(C), sketch(Op.TANH, sketch.affine(X, H)))
    memory = sketch(Op.ADD, sketch(Op.MUL, gate(C), C), written)
    return sketch.cell(sketch(Op.MUL, gate(memory), sketch(Op.TANH, memory)), memory)


def nbrc() -> CellGraph:
    """Returns the nBRC of Vecoven et al. (2021): `brc` whose two gates have a matrix for ``h``."""
    sketch = Sketch()
    feedback = sketch(Op.ONE_MINUS, sketch(Op.TANH, sketch.affine(X, H)))
    return sketch.cell(bistable_update(sketch, feedback, sketch.gate(X, H)))


def gru_d() -> CellGraph:
    """Returns the GRU-D of Che et al. (2018) for inputs that hold the mask and the time since the last value.

    A GRU, its reset gate before the product with ``h``, that reads ``d * h`` instead of ``h``, where
    ``d = exp(-max(0, W x + b))``; the weights of ``d`` have the other sign here.
    """
    sketch = Sketch()
    gap = sketch.affine(X)
    decay = sketch(Op.EXP, sketch(Op.SUBTRACT, gap, sketch(Op.RELU, gap)))  # the exponent is min(0, gap)
    faded = sketch(Op.MUL, decay, H)
    reset, update = sketch.gate(X, faded), sketch.gate(X, faded)
    proposal = sketch(Op.TANH, sketch.affine(X, sketch(Op.MUL, reset, faded)))
    return sketch.cell(sketch(Op.BLEND, update, proposal, faded))


def slstm() -> CellGraph:
    """Returns the sLSTM of Beck et al. (2024) with one head.

    ``c' = f * c + i * tanh(W x + U h + b)``, ``n' = f * n + i`` and ``h' = o * c' / n'``, with an exponential gate
    ``i`` and sigmoids ``f`` and ``o``. ``i`` and ``f`` are kept relative to the largest exponent, the fourth state.
    """
    sketch, normaliser, top = Sketch(states=4), 3, 4
    proposal, write = sketch(Op.TANH, sketch.affine(X, H)), sketch.affine(X, H)
    forget, output = sketch.affine(X, H), sketch.gate(X, H)
    log_forget = sketch(Op.SUBTRACT, forget, sketch(Op.SOFTPLUS, forget))
    kept = sketch(Op.ADD, log_forget, top)
    highest = sketch(Op.MAX, kept, write)
    writes = sketch(Op.EXP, sketch(Op.SUBTRACT, write, highest))
    keeps = sketch(Op.EXP, sketch(Op.SUBTRACT, kept, highest))
    memory = sketch(Op.ADD, sketch(Op.MUL, keeps, C), sketch(Op.MUL, writes, proposal))
    weight = sketch(Op.ADD, sketch(Op.MUL, keeps, normaliser), writes)
    return sketch.cell(sketch(Op.MUL, output, sketch(Op.DIVIDE, memory, weight)), memory, weight, highest)


def delta_rnn() -> CellGraph:
    """Returns the delta-RNN of Ororbia et al. (2017), as EXAMM has it.

    ``h' = tanh(r * h + (1 - r) * tanh(w * (V h) * (W x) + w * (V h) + w * (W x) + b))`` with ``r = sigmoid(W x + b)``;
    ``W x`` is the same everywhere.
    """
    sketch = Sketch()
    recalled, seen = sketch(Op.LINEAR, H), sketch(Op.LINEAR, X)
    total = sketch(Op.SCALE, sketch(Op.MUL, recalled, seen))
    for term in (sketch(Op.SCALE, recalled), sketch(Op.SCALE, seen), sketch(Op.CONSTANT)):
        total = sketch(Op.ADD, total, term)
    proposal = sketch(Op.TANH, total)
    keep = sketch(Op.SIGMOID, sketch(Op.ADD, seen, sketch(Op.CONSTANT)))
    return sketch.cell(sketch(Op.TANH, sketch(Op.BLEND, keep, H, proposal)))
