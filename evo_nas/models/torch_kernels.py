"""The backend for LSTM, GRU and tanh-RNN cells: the kernels behind torch's own recurrent layers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import torch

from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.ops import Op
from evo_nas.models.eager import run_steps
from evo_nas.models.isomorphism import find_isomorphism
from evo_nas.models.recurrence import Recurrence

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

H = 1
"""Reference of state 0; `X` is that of the input."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A recurrence that torch computes in one call.

    Attributes:
        template: The cell as a graph.
        gates: For each gate, in torch's order of rows, references of the linear nodes that read ``x`` and
            ``h``; often one node reads both.
        call: Torch's function; its first result is the outputs.
    """

    template: CellGraph
    gates: tuple[tuple[int, int], ...]
    call: Callable[..., tuple[Tensor, ...]]


def _affine(*inputs: int) -> Node:
    return Node(Op.LINEAR, inputs, bias=True)


TANH = Kernel(
    CellGraph(states=1, nodes=(_affine(X, H), Node(Op.TANH, (2,))), outputs=(3,)),
    gates=((2, 2),),
    call=torch.rnn_tanh,
)
GRU = Kernel(
    CellGraph(
        states=1,
        nodes=(
            _affine(X, H),  # 2: reset gate
            _affine(X, H),  # 3: update gate
            _affine(X),  # 4
            _affine(H),  # 5
            Node(Op.SIGMOID, (2,)),
            Node(Op.SIGMOID, (3,)),
            Node(Op.MUL, (6, 5)),
            Node(Op.ADD, (4, 8)),
            Node(Op.TANH, (9,)),
            Node(Op.BLEND, (7, H, 10)),
        ),
        outputs=(11,),
    ),
    gates=((2, 2), (3, 3), (4, 5)),
    call=torch.gru,
)
LSTM = Kernel(
    CellGraph(
        states=2,
        nodes=(
            _affine(X, H),  # 3: input gate
            _affine(X, H),  # 4: forget gate
            _affine(X, H),  # 5: cell input
            _affine(X, H),  # 6: output gate
            Node(Op.SIGMOID, (3,)),
            Node(Op.SIGMOID, (4,)),
            Node(Op.TANH, (5,)),
            Node(Op.SIGMOID, (6,)),
            Node(Op.MUL, (8, 2)),
            Node(Op.MUL, (7, 9)),
            Node(Op.ADD, (11, 12)),
            Node(Op.TANH, (13,)),
            Node(Op.MUL, (10, 14)),
        ),
        outputs=(15, 13),
    ),
    gates=((3, 3), (4, 4), (5, 5), (6, 6)),
    call=torch.lstm,
)
KERNELS = (TANH, GRU, LSTM)


def _matching_kernel(cell: CellGraph) -> tuple[Kernel, dict[int, int]] | None:
    """Returns the kernel that computes ``cell`` and the cell's reference for each of the template's."""
    for kernel in KERNELS:
        roles = find_isomorphism(kernel.template, cell)
        if roles is not None:
            return kernel, roles
    return None


class TorchRecurrence(Recurrence):
    """Runs the cells that torch has kernels for (oneDNN or MKL on CPUs, cuDNN on GPUs).

    Every call assembles the flat weights that the kernels want from the shared parameters, so that gradients reach
    the parameters. A bias that the graph lacks, such as LSTM's second one, is zero and stays zero.
    """

    backend_name = "torch"

    def __init__(self, cell: CellGraph, inputs: int, width: int, *, bidirectional: bool = False) -> None:
        super().__init__(cell, inputs, width, bidirectional=bidirectional)
        matching = _matching_kernel(cell)
        if matching is None:
            raise ValueError(f"torch has no kernel for {cell}; use `backends.backend_for`")
        self._kernel, roles = matching
        self._gates = [
            (roles[x] - cell.first_node, roles[h] - cell.first_node) for x, h in self._kernel.gates
        ]

    @classmethod
    def supports(cls, cell: CellGraph, *, device: str = "cpu") -> bool:  # noqa: ARG003 - torch has them for all
        """Returns whether ``cell`` is an LSTM, a GRU or a tanh-RNN, as torch defines them."""
        return _matching_kernel(cell) is not None

    def _scan(self, inputs: Tensor, valid: Tensor | None, *, suffix: str) -> Tensor:  # noqa: ARG002 - padding comes last
        return self._run(inputs, self.zero_states(inputs), suffix=suffix)[0]

    def _scan_to_states(self, inputs: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        states = self.zero_states(inputs)
        if valid is None:
            return self._run(inputs, states, suffix="")
        # The kernels run on through the padding, and give the states of the last step only.
        return run_steps(self, inputs, states, valid)

    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states``, as `Recurrence.forward_from` says."""
        return self._run(inputs, states, suffix="")

    def _run(self, inputs: Tensor, states: Tensor, *, suffix: str) -> tuple[Tensor, Tensor]:
        """Runs one direction; shapes are those of `forward_from`."""
        place, dtype = inputs.device.type, inputs.dtype
        # Autocast treats these kernels differently on each device, so it is off and the casts are made here.
        if torch.is_autocast_enabled(place):
            dtype = torch.get_autocast_dtype(place)
        first, *further = torch.split(states.to(dtype), 1)
        with torch.autocast(place, enabled=False):
            outputs, *after = self._kernel.call(
                inputs.to(dtype),
                (first, *further) if further else first,
                self._flat_weights(suffix, dtype),
                has_biases=True,
                num_layers=1,
                dropout=0.0,
                # Nothing is dropped here; cuDNN has a backward pass only for what was run to train.
                train=self.training or torch.is_grad_enabled(),
                bidirectional=False,
                batch_first=True,
            )
        return outputs.to(inputs.dtype), torch.cat(after).to(states.dtype)

    def _flat_weights(self, suffix: str, dtype: torch.dtype | None = None) -> list[Tensor]:
        """Returns torch's ``weight_ih, weight_hh, bias_ih, bias_hh``, with the gates stacked along rows.

        Their shapes are ``(gates * width, inputs)``, ``(gates * width, width)`` and twice ``(gates * width,)``.
        """
        input_weights = [self._columns(node, X, suffix) for node, _ in self._gates]
        hidden_weights = [self._columns(node, H, suffix) for _, node in self._gates]
        input_biases = [self._bias(node, suffix) for node, _ in self._gates]
        # Torch adds two biases to each gate; where one node reads both x and h, its only bias is the first.
        hidden_biases = [
            torch.zeros_like(bias) if read_x == read_h else self._bias(read_h, suffix)
            for bias, (read_x, read_h) in zip(input_biases, self._gates, strict=True)
        ]
        blocks = [*input_weights, *hidden_weights, *input_biases, *hidden_biases]
        # One buffer that holds all four in this order: cuDNN would otherwise copy them in every call.
        buffer = torch.cat([block.flatten() for block in blocks]).to(dtype)
        rows = len(self._gates) * self.width
        shapes = ((rows, self.inputs), (rows, self.width), (rows,), (rows,))
        pieces = torch.split(buffer, [prod(shape) for shape in shapes])
        return [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def _columns(self, node: int, reference: int, suffix: str) -> Tensor:
        """Returns the part of a node's weight that multiplies ``reference``."""
        position = self.cell.nodes[node].inputs.index(reference)
        return torch.split(self.linear(node, suffix).weight, self.input_widths(node), dim=1)[position]

    def _bias(self, node: int, suffix: str) -> Tensor:
        linear = self.linear(node, suffix)
        return linear.weight.new_zeros(self.width) if linear.bias is None else linear.bias
