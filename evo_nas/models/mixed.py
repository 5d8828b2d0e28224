"""`MixedRecurrence`: all cells of a search space in one, with the weights that they share.

A node of the cell owns one matrix for every earlier value that a linear node there may read, one bias, and one vector
for each op with a weight a unit. Run as a mixture (DARTS; Liu, Simonyan and Yang, ICLR 2019), each input of a node is
the mean of all earlier values and each value that of all ops, weighted by their shares. Run as a single cell
(one-shot; Bender et al., ICML 2018), only what it needs is computed, with the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.cgp import GENES_PER_NODE, OP_CHOICES
from evo_nas.genome.op_row import MAX_LINEAR_INPUTS, UnitWeight
from evo_nas.genome.ops import Op
from evo_nas.models.eager import OPERATIONS, run_steps, unrolled
from evo_nas.models.recurrence import Linear, Recurrence, draw_unit_weight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.genome.cgp import CellCode
    from evo_nas.genome.gene import Genome
    from evo_nas.models.relaxation import Mixture

LARGEST = 3.0
"""A node of a mixture has no larger value. Products of states beyond 1 feed on themselves, and every mixture has some:
without a bound most explode within a hundred steps. Gated cells stay far below it."""


@dataclass(frozen=True, slots=True)
class SingleCell:
    """One cell of a space, node by node as its genes spell it, so that it can find its weights.

    Attributes:
        graph: Its live nodes; then one that nothing reads for each delay of the space, so that all cells of a space
            carry the same values from step to step.
        nodes: For each live node its number among those of the genes.
        inputs: For each live node what it reads, by the references of the genes.
    """

    graph: CellGraph
    nodes: tuple[int, ...]
    inputs: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, code: CellCode, genes: Genome) -> SingleCell:
        """Returns the cell that ``genes`` spell."""
        active, first = set(code.active(genes)), 1 + code.states
        nodes = [number for number in range(code.nodes) if GENES_PER_NODE * number in active]
        places = {first + number: first + place for place, number in enumerate(nodes)}
        spelled = [code.node(genes, number) for number in nodes]
        outputs = [
            1 + genes[GENES_PER_NODE * code.nodes + state]
            if GENES_PER_NODE * code.nodes + state in active
            else 1 + state
            for state in range(code.states)
        ]
        graph = CellGraph(
            code.states,
            (
                *(
                    Node(node.op, tuple(places.get(each, each) for each in node.inputs), node.bias)
                    for node in spelled
                ),
                *delays_of(code),
            ),
            tuple(places.get(output, output) for output in outputs),
        )
        return cls(graph, tuple(nodes), tuple(node.inputs for node in spelled))


def delays_of(code: CellCode) -> list[Node]:
    """Returns a node for each delay of each state that a cell may read."""
    ops = [choice.op for name in code.ops if (choice := OP_CHOICES[name]).op.row.delay]
    return [Node(op, (state,)) for op in ops for state in range(1, 1 + code.states)]


class MixedRecurrence(Recurrence):
    """Runs what `choose` was given last: a mixture of all cells, or one of them.

    Args:
        code: How genes spell a cell.
        inputs: Features of its input.
        width: Units of each state.
        bidirectional: Whether a second cell reads sequences backwards.
    """

    backend_name = "mixed"

    def __init__(self, code: CellCode, inputs: int, width: int, *, bidirectional: bool = False) -> None:
        states = tuple(range(1, 1 + code.states))
        # It has no weights of its own: those of all cells are added below.
        self._frame = CellGraph(code.states, tuple(delays_of(code)), states)
        super().__init__(self._frame, inputs, width, bidirectional=bidirectional)
        self._code = code
        self._chosen: Mixture | SingleCell | None = None
        choices = dict.fromkeys(OP_CHOICES[name].op for name in code.ops)
        self._unit_ops = [op for op in choices if op.row.unit_weight is not None]
        for suffix in ("", "_reverse") if bidirectional else ("",):
            for node in range(code.nodes):
                self._add_node(node, suffix)

    @classmethod
    def supports(cls, cell: CellGraph, *, device: str = "cpu") -> bool:  # noqa: ARG003 - the contract's signature
        """Returns False: no network of its own has it."""
        return False

    def choose(self, chosen: Mixture | SingleCell) -> None:
        """Lets the next passes run ``chosen``."""
        self._chosen = chosen
        self.cell = chosen.graph if isinstance(chosen, SingleCell) else self._frame

    def matrices(self) -> list[tuple[int, str]]:
        """Returns none: no weights are dropped while they are shared."""
        return []

    def linear(self, index: int, suffix: str) -> Linear:
        """Returns those of the shared parameters that a linear node of the single cell has."""
        assert isinstance(self._chosen, SingleCell), "a mixture has no nodes of its own"
        node = self._chosen.nodes[index]
        weight: Tensor = getattr(self, f"weight_{node}{suffix}")
        columns = [weight[:, self._columns(reference)] for reference in self._chosen.inputs[index]]
        bias: Tensor | None = getattr(self, f"bias_{node}{suffix}") if self.cell.nodes[index].bias else None
        return Linear(torch.cat(columns, dim=1) if len(columns) > 1 else columns[0], bias)

    def unit_weight(self, index: int, suffix: str) -> Tensor:
        """Returns the vector ``(width,)`` of a node of the single cell."""
        assert isinstance(self._chosen, SingleCell), "a mixture has no nodes of its own"
        return self.shared_unit_weight(self._chosen.nodes[index], self.cell.nodes[index].op, suffix)

    def shared_unit_weight(self, node: int, op: Op, suffix: str) -> Tensor:
        """Returns what ``op`` scales by or is at a node of the genes, ``(width,)``."""
        weight: Tensor = getattr(self, f"unit_{node}_{op.row.number}{suffix}")
        return torch.sigmoid(weight) if op.row.unit_weight is UnitWeight.BOUNDED else weight

    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states``, as `Recurrence.forward_from` says."""
        return self._run(inputs, states, None)

    def _scan(self, inputs: Tensor, valid: Tensor | None, *, suffix: str) -> Tensor:
        return self._run(inputs, self.zero_states(inputs), valid, suffix=suffix)[0]

    def _scan_to_states(self, inputs: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        return self._run(inputs, self.zero_states(inputs), valid)

    def _run(
        self, inputs: Tensor, carried: Tensor, valid: Tensor | None, *, suffix: str = ""
    ) -> tuple[Tensor, Tensor]:
        assert self._chosen is not None, "nothing was chosen"
        if isinstance(self._chosen, SingleCell):
            return run_steps(self, inputs, carried, valid, suffix=suffix)
        step = _MixedStep(self, self._code, self._chosen, inputs, suffix=suffix)
        return unrolled(self._frame, step, carried, valid, steps=inputs.shape[1])

    def _columns(self, reference: int) -> slice:
        if reference == X:
            return slice(0, self.inputs)
        start = self.inputs + (reference - 1) * self.width
        return slice(start, start + self.width)

    def _add_node(self, node: int, suffix: str) -> None:
        # As large as for a linear node of the most inputs, since so many a single cell has at most.
        bound = max(self.width, (self.inputs + (MAX_LINEAR_INPUTS - 1) * self.width) / 2) ** -0.5
        references = self._code.states + node
        weight = torch.empty(self.width, self.inputs + references * self.width)
        for name, tensor in (("weight", weight), ("bias", torch.empty(self.width))):
            self.register_parameter(
                f"{name}_{node}{suffix}", nn.Parameter(nn.init.uniform_(tensor, -bound, bound))
            )
        for op in self._unit_ops:
            unit = nn.Parameter(torch.empty(self.width))
            draw_unit_weight(unit, op)
            self.register_parameter(f"unit_{node}_{op.row.number}{suffix}", unit)


class _MixedStep:
    """One step of a mixture; what does not depend on the states is computed once for all steps.

    Where a single cell reads a set of values, as the linear node does, the share of a value is the chance that at least
    one of the inputs reads it: with shares of 0 and 1 a mixture computes what the single cell does, below `LARGEST`.
    """

    def __init__(
        self,
        recurrence: MixedRecurrence,
        code: CellCode,
        mixture: Mixture,
        inputs: Tensor,
        *,
        suffix: str,
    ) -> None:
        self._mixture = mixture
        self._width = width = recurrence.width
        self._choices = [OP_CHOICES[name] for name in code.ops]
        self._weights, self._biases, from_x = [], [], []
        self._rows: list[Tensor] = []
        self._units: list[dict[Op, Tensor]] = []
        # For each node the shares of the states, which a delay reads, and where the delayed values are.
        self._of_states: list[Tensor] = []
        self._delayed: dict[Op, list[int]] = {}
        for index, delay in enumerate(delays_of(code)):
            self._delayed.setdefault(delay.op, []).append(index)
        places = torch.arange(code.states + code.nodes + 1, device=inputs.device)
        for node, shares in enumerate(mixture.inputs):
            weight: Tensor = getattr(recurrence, f"weight_{node}{suffix}")
            is_read = _any(shares)
            factors = torch.cat([is_read[:1].expand(recurrence.inputs), is_read[1:].repeat_interleave(width)])
            weight = weight * factors
            from_x.append(weight[:, : recurrence.inputs])
            self._weights.append(weight[:, recurrence.inputs :].t())
            self._biases.append(getattr(recurrence, f"bias_{node}{suffix}"))
            # What may not read x reads h.
            of_values = torch.cat([shares[:, :1] + shares[:, 1:2], shares[:, 2:]], dim=1)
            of_set = _any(of_values)
            self._rows.append(torch.cat([of_values, (of_set / of_set.sum())[None]]))
            self._units.append(
                {
                    choice.op: recurrence.shared_unit_weight(node, choice.op, suffix)
                    for choice in self._choices
                    if choice.op.row.unit_weight is not None
                }
            )
            if self._delayed:
                state = (places[: shares.shape[1]] - 1) % code.states
                self._of_states.append(shares.new_zeros(code.states).index_add(0, state, shares[0]))
        # (time, nodes, batch, width)
        of_x = torch.einsum("bti,nwi->tnbw", inputs, torch.stack(from_x))
        self._from_x = [step.unbind(0) for step in of_x.unbind(0)]

    def __call__(self, time: int, states: list[Tensor], delayed: Mapping[int, Tensor]) -> list[Tensor]:
        """Returns the states after a step, each ``(batch, width)``."""
        values = torch.cat(states, dim=1)  # (batch, references * width)
        for node, from_x in enumerate(self._from_x[time]):
            linear = torch.addmm(from_x, values, self._weights[node])
            # The three inputs, and the mean of the set of them.
            read = torch.matmul(self._rows[node], values.view(len(values), -1, self._width)).unbind(1)
            results = [
                linear + self._biases[node]
                if choice.bias
                else linear
                if choice.op is Op.LINEAR
                else self._result(choice.op, node, read, delayed)
                for choice in self._choices
            ]
            value = (torch.stack(results, dim=-1) @ self._mixture.ops[node]).clamp(-LARGEST, LARGEST)
            values = torch.cat([values, value], dim=1)
        new = torch.matmul(self._mixture.outputs, values.view(len(values), -1, self._width))
        return list(new.unbind(1))

    def _result(self, op: Op, node: int, read: tuple[Tensor, ...], delayed: Mapping[int, Tensor]) -> Tensor:
        if op.row.delay:
            older = torch.stack([delayed[index] for index in self._delayed[op]], dim=-1)
            return older @ self._of_states[node]
        if op.row.reads_a_set:
            return read[-1]
        operands = list(read[: op.row.genotype_inputs])
        if op in self._units[node]:
            operands.append(self._units[node][op].expand_as(read[0]))
        return OPERATIONS[op](operands)


def _any(shares: Tensor) -> Tensor:
    """Returns the chance that at least one input reads each reference, ``(inputs, references) -> (references,)``."""
    return 1.0 - (1.0 - shares).prod(0)
