"""Published cells in the language of `CellGraph`, by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import H, X
from evo_nas.genome.elementwise_cells import (
    brc,
    gilr,
    hgrn,
    indrnn,
    lru,
    mingru,
    minlstm,
    qrnn,
    rg_lru,
    rwkv4,
    sru,
)
from evo_nas.genome.gated_cells import delta_rnn, gru_d, lstm, nbrc, peephole_lstm, slim_lstm, slstm
from evo_nas.genome.ops import Op
from evo_nas.genome.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.genome.cell import CellGraph


def _elman(activation: Op) -> CellGraph:
    """Returns ``h' = activation(W x + U h + b)`` (Elman 1990)."""
    sketch = Sketch()
    return sketch.cell(sketch(activation, sketch.affine(X, H)))


def _gru() -> CellGraph:
    """Returns the GRU of Cho et al. (2014) as torch has it, the reset gate after the product with ``h``."""
    sketch = Sketch()
    reset = sketch.gate(X, H)
    update = sketch.gate(X, H)
    recalled = sketch(Op.MUL, reset, sketch.affine(H))
    proposal = sketch(Op.TANH, sketch(Op.ADD, sketch.affine(X), recalled))
    return sketch.cell(sketch(Op.BLEND, update, H, proposal))


def _mgu() -> CellGraph:
    """Returns the minimal gated unit: ``h' = (1 - f) h + f tanh(W x + U (f h) + b)`` (Zhou et al. 2016)."""
    sketch = Sketch()
    forget = sketch.gate(X, H)
    proposal = sketch(Op.TANH, sketch.affine(X, sketch(Op.MUL, forget, H)))
    return sketch.cell(sketch(Op.BLEND, forget, proposal, H))


def _ugrnn() -> CellGraph:
    """Returns the update-gate RNN of Collins et al. (2017): ``h' = g h + (1 - g) tanh(W x + U h + b)``."""
    sketch = Sketch()
    gate = sketch.gate(X, H)
    return sketch.cell(sketch(Op.BLEND, gate, H, sketch(Op.TANH, sketch.affine(X, H))))


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
    sketch = Sketch()

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
        "lstm": lstm(),
        "mgu": _mgu(),
        "ugrnn": _ugrnn(),
        "mingru": mingru(),
        "enas": darts_cell(_ENAS, concat=(2, 5, 6, 9, 10, 11)),
        "darts_v2": darts_cell(_DARTS_V2, concat=range(1, 9)),
        "lstm_peephole": peephole_lstm(),
        "lstm_slim1": slim_lstm(1),
        "lstm_slim2": slim_lstm(2),
        "lstm_slim3": slim_lstm(3),
        "slstm": slstm(),
        "gru_d": gru_d(),
        "brc": brc(),
        "nbrc": nbrc(),
        "delta_rnn": delta_rnn(),
        "indrnn": indrnn(),
        "sru": sru(),
        "qrnn": qrnn(),
        "gilr": gilr(),
        "minlstm": minlstm(),
        "hgrn": hgrn(),
        "lru": lru(),
        "rg_lru": rg_lru(),
        "rwkv4": rwkv4(),
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
    "lstm_peephole": "peephole LSTM",
    "lstm_slim1": "SLIM LSTM 1",
    "lstm_slim2": "SLIM LSTM 2",
    "lstm_slim3": "SLIM LSTM 3",
    "slstm": "sLSTM",
    "gru_d": "GRU-D",
    "brc": "BRC",
    "nbrc": "nBRC",
    "delta_rnn": "delta-RNN",
    "indrnn": "IndRNN",
    "sru": "SRU",
    "qrnn": "QRNN",
    "gilr": "GILR",
    "minlstm": "minLSTM",
    "hgrn": "HGRN",
    "lru": "LRU",
    "rg_lru": "RG-LRU",
    "rwkv4": "RWKV-4",
}
_NAMES = {canonical(cell): name for name, cell in NAMED_CELLS.items()}


def cell_name(cell: CellGraph) -> str | None:
    """Returns the name of the published cell that ``cell`` is, however it is written down."""
    return _NAMES.get(canonical(cell))


def spoken_name(cell: CellGraph) -> str | None:
    """Returns the name of the published cell that ``cell`` is, as people write it."""
    name = cell_name(cell)
    return None if name is None else _SPOKEN[name]
