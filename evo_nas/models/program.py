"""A cell graph as a short list of instructions over whole matrices: what the fast backends execute at every step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.ops import Op
from evo_nas.models.instruction import Instruction, Kind, Place
from evo_nas.models.phases import in_phases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Program:
    """A cell, ready to run.

    Attributes:
        states: Number of states.
        linears: Indices in ``cell.nodes`` of the live linear nodes in the order of their columns: first those
            that read ``x``, then others with a bias, then the rest.
        units: Indices in ``cell.nodes`` of the live nodes with a weight a unit.
        carried: What is carried from step to step, as `CellGraph.carried` lists it.
        delays: The state and the number of steps of each place of the kind ``PAST``.
        reads_x: How many of them read ``x``.
        has_bias: How many of them read ``x`` or have a bias.
        buffers: Number of values that are neither a state nor in a linear node's place.
        instructions: One step, sorted by phase; see `in_phases`.
        prologue: Number of instructions that depend on the inputs alone.
        loop: Number of instructions after them that need the step before; those left are needed by no later step.
    """

    states: int
    linears: tuple[int, ...]
    units: tuple[int, ...]
    carried: tuple[tuple[int, int], ...]
    delays: tuple[tuple[int, int], ...]
    reads_x: int
    has_bias: int
    buffers: int
    instructions: tuple[Instruction, ...]
    prologue: int
    loop: int

    @property
    def history(self) -> int:
        """Number of steps before the one before, whose states must be there when a sequence begins."""
        return max(ago for _, ago in self.carried) - 1


def assemble(cell: CellGraph) -> Program:
    """Returns the program of ``cell``.

    Identities cost nothing, products of many are chains of two, every new state is written where the next step
    reads it, an activation overwrites its linear node if nothing else reads that, and linear nodes that read the
    same value are neighbours so that one matrix product serves them.
    """
    return _Assembler(cell).program()


class _Assembler:
    """Places for the values of one cell, and the instructions that fill them."""

    def __init__(self, cell: CellGraph) -> None:
        self._cell = cell
        self._aliases = _aliases(cell)
        self._live = _live_nodes(cell, self._aliases)
        self._uses = Counter(
            self._aliases[reference]
            for reference in (*cell.outputs, *(r for i in self._live for r in cell.nodes[i].inputs))
        )
        self._linears = sorted(
            (index for index in self._live if cell.nodes[index].op is Op.LINEAR), key=self._column_order
        )
        self._units = [index for index in self._live if cell.nodes[index].op.row.unit_weight is not None]
        self._delays: list[tuple[int, int]] = []
        self._places = {1 + state: Place(Kind.BEFORE, state) for state in range(cell.states)}
        self._outputs: dict[int, int] = {}
        self._buffers = 0
        self._instructions: list[Instruction] = []

    def program(self) -> Program:
        """Returns the assembled program."""
        copies = self._claim_outputs()
        for state in range(self._cell.states):
            self._feed_linears(1 + state)
        for index in self._live:
            self._emit_node(index)
        for state, reference in copies:
            target = Place(Kind.AFTER, state)
            self._instructions.append(Instruction(Op.ADD, target, (self._places[reference],)))
        nodes = [self._cell.nodes[index] for index in self._linears]
        phases = in_phases(self._instructions, self._delays)
        return Program(
            states=self._cell.states,
            linears=tuple(self._linears),
            units=tuple(self._units),
            carried=self._cell.carried,
            delays=tuple(self._delays),
            reads_x=sum(X in node.inputs for node in nodes),
            has_bias=sum(X in node.inputs or node.bias for node in nodes),
            buffers=self._buffers,
            instructions=_with_gradient_order(
                [*phases.prologue, *phases.loop, *phases.epilogue],
                states=self._cell.states,
                summed=[
                    *(Place(Kind.UNIT, unit) for unit in range(len(self._units))),
                    *(Place(Kind.PAST, delay) for delay in range(len(self._delays))),
                ],
            ),
            prologue=len(phases.prologue),
            loop=len(phases.loop),
        )

    def _claim_outputs(self) -> list[tuple[int, int]]:
        """Lets nodes write straight into the states they become; returns the other states and their sources.

        Four kinds of states must be copied: a second state of the same node, a state that is an input or an old
        state, delayed or not, one that is a linear node, whose value must stay among its neighbours, and a constant.
        """
        copies = []
        for state, output in enumerate(self._cell.outputs):
            reference = self._aliases[output]
            if reference in self._outputs or not self._chooses_place(reference):
                copies.append((state, reference))
            else:
                self._outputs[reference] = state
        return copies

    def _column_order(self, index: int) -> tuple[int, tuple[int, ...]]:
        """Returns the sort key of a linear node."""
        # Nodes that read x come first, so that one product and one block of columns serve them all; then nodes with
        # a bias. Within a group, nodes that read the same values become neighbours and share products.
        node = self._cell.nodes[index]
        group = 0 if X in node.inputs else 1 if node.bias else 2
        return group, tuple(sorted(self._sources(node)))

    def _sources(self, node: Node) -> list[int]:
        return [self._aliases[reference] for reference in node.inputs if reference != X]

    def _node(self, reference: int) -> Node | None:
        index = reference - self._cell.first_node
        return self._cell.nodes[index] if index >= 0 else None

    def _chooses_place(self, reference: int) -> bool:
        """Returns whether a value is one that may be written anywhere."""
        node = self._node(reference)
        return node is not None and node.op is not Op.LINEAR and bool(node.inputs) and not node.op.row.delay

    def _is_linear(self, reference: int) -> bool:
        node = self._node(reference)
        return node is not None and node.op is Op.LINEAR

    def _new_place(self, reference: int) -> Place:
        if reference in self._outputs:
            return Place(Kind.AFTER, self._outputs[reference])
        self._buffers += 1
        return Place(Kind.BUFFER, self._buffers - 1)

    def _emit_node(self, index: int) -> None:
        node, reference = self._cell.nodes[index], self._cell.first_node + index
        if node.op is Op.LINEAR:
            self._places[reference] = Place(Kind.LINEAR, self._linears.index(index))
        elif node.op.row.delay:
            self._places[reference] = Place(Kind.PAST, len(self._delays))
            self._delays.append((node.inputs[0] - 1, node.op.row.delay))
        else:
            operands = [self._places[self._aliases[source]] for source in node.inputs]
            if node.op.row.unit_weight is not None:
                operands.append(Place(Kind.UNIT, self._units.index(index)))
            self._places[reference] = self._emit(node, reference, operands)
        self._feed_linears(reference)

    def _emit(self, node: Node, reference: int, operands: list[Place]) -> Place:
        """Adds the instructions of a node that is not linear and returns where its value is."""
        match node.op:
            case Op.CONSTANT | Op.BOUNDED_CONSTANT:
                return operands[0]
            case Op.MUL | Op.SCALE | Op.BOUNDED_SCALE:
                return self._emit_product(reference, operands)
            case Op.ADD:
                return self._emit_sum(reference, operands, scale=1.0)
            case Op.MEAN:
                return self._emit_sum(reference, operands, scale=1 / len(operands))
        target = operands[0] if self._may_overwrite(node, reference) else self._new_place(reference)
        self._instructions.append(Instruction(node.op, target, tuple(operands)))
        return target

    def _may_overwrite(self, node: Node, reference: int) -> bool:
        """Returns whether a node may write its value over that of the linear node that it activates.

        It may if it reads nothing else, if no other node reads the linear node, if its gradient needs only its value,
        and if it does not become a state.
        """
        if node.op.row.backward_reads_input:
            return False
        source = self._aliases[node.inputs[0]]
        is_alone = len(node.inputs) == self._uses[source] == 1
        return is_alone and self._is_linear(source) and reference not in self._outputs

    def _emit_sum(self, reference: int, operands: list[Place], *, scale: float) -> Place:
        target = self._new_place(reference)
        for position, operand in enumerate(operands):
            self._instructions.append(
                Instruction(Op.ADD, target, (operand,), scale=scale, accumulates=position > 0)
            )
        return target

    def _emit_product(self, reference: int, operands: list[Place]) -> Place:
        product = operands[0]
        for operand in operands[1:-1]:
            product, factor = self._new_buffer(), product
            self._instructions.append(Instruction(Op.MUL, product, (factor, operand)))
        target = self._new_place(reference)
        self._instructions.append(Instruction(Op.MUL, target, (product, operands[-1])))
        return target

    def _new_buffer(self) -> Place:
        self._buffers += 1
        return Place(Kind.BUFFER, self._buffers - 1)

    def _feed_linears(self, reference: int) -> None:
        """Adds one product for each run of neighbouring linear nodes that read ``reference``."""
        readers = {
            column: [
                position
                for position, source in enumerate(self._cell.nodes[index].inputs)
                if self._aliases[source] == reference
            ]
            for column, index in enumerate(self._linears)
        }
        while any(readers.values()):  # again for nodes that read it twice, once through an identity
            for run in _runs([column for column, positions in readers.items() if positions]):
                self._instructions.append(
                    Instruction(
                        Op.LINEAR,
                        Place(Kind.LINEAR, run[0]),
                        (self._places[reference],),
                        accumulates=True,
                        positions=tuple(readers[column].pop() for column in run),
                    )
                )


def _aliases(cell: CellGraph) -> list[int]:
    """Returns for each reference the first one with the same value: itself, unless it is an identity."""
    aliases = list(range(cell.first_node))
    for index, node in enumerate(cell.nodes):
        aliases.append(aliases[node.inputs[0]] if node.op is Op.IDENTITY else cell.first_node + index)
    return aliases


def _live_nodes(cell: CellGraph, aliases: list[int]) -> list[int]:
    """Returns the indices, ascending, of the nodes that some new state is computed from."""
    live: set[int] = set()
    pending = [aliases[output] for output in cell.outputs]
    while pending:
        index = pending.pop() - cell.first_node
        if index >= 0 and index not in live:
            live.add(index)
            pending.extend(aliases[source] for source in cell.nodes[index].inputs)
    return sorted(live)


def _runs(columns: list[int]) -> Iterator[list[int]]:
    """Yields the runs of neighbours in ascending ``columns``."""
    for _, run in groupby(enumerate(columns), key=lambda item: item[1] - item[0]):
        yield [column for _, column in run]


def _with_gradient_order(
    instructions: Iterable[Instruction], *, states: int, summed: Iterable[Place]
) -> tuple[Instruction, ...]:
    """Returns the instructions, each with ``gradient_accumulates`` filled in.

    On the way back the first reader of a value, which is the last in forward order, sets the gradient, and the others
    add to it; so buffers need not be zeroed at every step.
    """
    # The gradients of the states are there from the start: the next step and the outputs contribute to them. Others are
    # summed over several steps: those of weights a unit, and of states that are read with a delay.
    begun = {Place(kind, state) for kind in (Kind.BEFORE, Kind.AFTER) for state in range(states)}
    begun.update(summed)
    marked = []
    for instruction in reversed(list(instructions)):
        accumulates = []
        for operand in instruction.operands:
            # An activation that overwrites its operand replaces the gradient in the same place: nothing is added.
            accumulates.append(operand in begun and operand != instruction.target)
            begun.add(operand)
        marked.append(replace(instruction, gradient_accumulates=tuple(accumulates)))
    return tuple(reversed(marked))
