"""Published cells in the language of `CellGraph`, by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

C = 2
"""Reference to LSTM's previous cell state."""


class _Sketch:
    """Collects nodes in the order in which they are written; each call returns the reference of its result."""

    def __init__(self, states: int = 1) -> None:
        self._states = states
        self._nodes: list[Node] = []

    def __call__(self, op: Op, *inputs: int) -> int:
        self._nodes.append(Node(op, inputs, bias=False))
        return self._states + len(self._nodes)

    def affine(self, *inputs: int) -> int:
        """Adds a linear node with a bias."""
        self._nodes.append(Node(Op.LINEAR, inputs, bias=True))
        return self._states + len(self._nodes)

    def gate(self, *inputs: int) -> int:
        """Adds ``sigmoid(affine(inputs))``."""
        return self(Op.SIGMOID, self.affine(*inputs))

    def cell(self, *outputs: int) -> CellGraph:
        return CellGraph(self._states, tuple(self._nodes), outputs)


def _elman(activation: Op) -> CellGraph:
    """Returns ``h' = activation(W x + U h + b)`` (Elman 1990)."""
    sketch = _Sketch()
    return sketch.cell(sketch(activation, sketch.affine(X, H)))


def _gru() -> CellGraph:
    """Returns the GRU of Cho et al. (2014) as torch has it, the reset gate after the product with ``h``."""
    sketch = _Sketch()
    reset = sketch.gate(X, H)
    update = sketch.gate(X, H)
    recalled = sketch(Op.MUL, reset, sketch.affine(H))
    proposal = sketch(Op.TANH, sketch(Op.ADD, sketch.affine(X), recalled))
    return sketch.cell(sketch(Op.BLEND, update, H, proposal))


def _lstm() -> CellGraph:
    """Returns the LSTM of Hochreiter and Schmidhuber (1997) with a forget gate, as torch has it."""
    sketch = _Sketch(states=2)
    written = sketch(Op.MUL, sketch.gate(X, H), sketch(Op.TANH, sketch.affine(X, H)))
    kept = sketch(Op.MUL, sketch.gate(X, H), C)
    memory = sketch(Op.ADD, kept, written)
    output = sketch(Op.MUL, sketch.gate(X, H), sketch(Op.TANH, memory))
    return sketch.cell(output, memory)


def _mgu() -> CellGraph:
    """Returns the minimal gated unit: ``h' = (1 - f) h + f tanh(W x + U (f h) + b)`` (Zhou et al. 2016)."""
    sketch = _Sketch()
    forget = sketch.gate(X, H)
    proposal = sketch(Op.TANH, sketch.affine(X, sketch(Op.MUL, forget, H)))
    return sketch.cell(sketch(Op.BLEND, forget, proposal, H))


def _ugrnn() -> CellGraph:
    """Returns the update-gate RNN of Collins et al. (2017): ``h' = g h + (1 - g) tanh(W x + U h + b)``."""
    sketch = _Sketch()
    gate = sketch.gate(X, H)
    return sketch.cell(sketch(Op.BLEND, gate, H, sketch(Op.TANH, sketch.affine(X, H))))


def _mingru() -> CellGraph:
    """Returns the minGRU of Feng et al. (2024): ``h' = (1 - z) h + z (W x + b)``, gate without ``h``."""
    sketch = _Sketch()
    return sketch.cell(sketch(Op.BLEND, sketch.gate(X), sketch.affine(X), H))


def darts_cell(
    recurrent: Sequence[tuple[Op, int]], concat: Sequence[int], *, first: Op = Op.TANH
) -> CellGraph:
    """Returns the cell of an ENAS or DARTS genotype (Pham et al. 2018, Liu et al. 2019).

    Step ``i`` turns its predecessor ``s`` into ``s + sigmoid(c) * (activation(h) - s)``, where ``c`` and
    ``h`` are linear in ``s`` without bias; step 0 reads ``x`` and ``h``.

    Args:
        recurrent: For steps 1, 2, ... the activation and the predecessor.
        concat: Steps whose mean is the output.
        first: Activation of step 0; ENAS chooses it, for DARTS it is tanh.
    """
    sketch = _Sketch()

    def step(activation: Op, inputs: tuple[int, ...], carried: int) -> int:
        gate = sketch(Op.SIGMOID, sketch(Op.LINEAR, *inputs))
        return sketch(Op.BLEND, gate, sketch(activation, sketch(Op.LINEAR, *inputs)), carried)

    steps = [step(first, (X, H), H)]
    for activation, predecessor in recurrent:
        source = steps[predecessor]
        steps.append(step(activation, (source,), source))
    return sketch.cell(sketch(Op.MEAN, *(steps[index] for index in concat)))


_ENAS = (
    *((Op.TANH, 0), (Op.TANH, 1), (Op.RELU, 1), (Op.TANH, 3), (Op.TANH, 3), (Op.RELU, 3)),
    *((Op.RELU, 4), (Op.RELU, 7), (Op.RELU, 8), (Op.RELU, 8), (Op.RELU, 8)),
)
_DARTS_V2 = (
    *((Op.SIGMOID, 0), (Op.RELU, 1), (Op.RELU, 1), (Op.IDENTITY, 1)),
    *((Op.TANH, 2), (Op.SIGMOID, 5), (Op.TANH, 3), (Op.RELU, 5)),
)

NAMED_CELLS: Mapping[str, CellGraph] = MappingProxyType(
    {
        "rnn_tanh": _elman(Op.TANH),
        "rnn_sigmoid": _elman(Op.SIGMOID),
        "gru": _gru(),
        "lstm": _lstm(),
        "mgu": _mgu(),
        "ugrnn": _ugrnn(),
        "mingru": _mingru(),
        "enas": darts_cell(_ENAS, concat=(2, 5, 6, 9, 10, 11)),
        "darts_v2": darts_cell(_DARTS_V2, concat=range(1, 9)),
    }
)
_SPOKEN = {
    "rnn_tanh": "tanh-RNN",
    "rnn_sigmoid": "sigmoid-RNN",
    "gru": "GRU",
    "lstm": "LSTM",
    "mgu": "MGU",
    "ugrnn": "UGRNN",
    "mingru": "minGRU",
    "enas": "ENAS cell",
    "darts_v2": "DARTS cell",
}
_NAMES = {canonical(cell): name for name, cell in NAMED_CELLS.items()}


def cell_name(cell: CellGraph) -> str | None:
    """Returns the name of the published cell that ``cell`` is, however it is written down."""
    return _NAMES.get(canonical(cell))


def spoken_name(cell: CellGraph) -> str | None:
    """Returns the name of the published cell that ``cell`` is, as people write it."""
    name = cell_name(cell)
    return None if name is None else _SPOKEN[name]
