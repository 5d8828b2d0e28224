"""Cartesian genetic programming of cells (Miller and Thomson 2000): a vector of integers and its graph.

A node is four genes: what it computes and three references to earlier values, of which the op reads as many
as it takes. Each state has one output gene, which says what value becomes the state. Every vector of integers is a
valid graph: repeated inputs of ``linear`` and ``mean`` count once, an op that may not read ``x`` reads ``h`` instead,
and a delay counts states round until it has reached the reference, so that it reads a state. Nodes that no output
reaches are neutral: they drift until a mutation connects them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import heappop, heappush
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from evo_nas.errors import GenomeError
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.gene import Gene
from evo_nas.genome.ops import DELAYS, Op
from evo_nas.genome.simplify import Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GENES_PER_NODE = 4
OPTION = "evolve_cell"
"""The key of ``space`` without which there are no such genes."""


class OpChoice(NamedTuple):
    """A choice of an op gene: an op, with or without a bias."""

    op: Op
    bias: bool


OP_CHOICES: Mapping[str, OpChoice] = MappingProxyType(
    {
        "linear": OpChoice(Op.LINEAR, bias=True),
        "linear_no_bias": OpChoice(Op.LINEAR, bias=False),
        **{
            op.value: OpChoice(op, bias=False)
            for op in sorted(Op, key=lambda op: op.row.number)
            if op is not Op.LINEAR
        },
    }
)
DEFAULT_OPS = tuple(name for name, choice in OP_CHOICES.items() if choice.op.row.by_default)
"""Names of the ops of a space that does not choose them. Genomes spell an op by its place in such a list, which a
run records, so that another order here changes no run that has begun."""
STEP_OPS = tuple(name for name, choice in OP_CHOICES.items() if not choice.op.row.delay)
"""Names of the ops that compute something from the values of a step."""
# Looked up for every node of every trial of a mutation, hence not through the rows.
_INPUTS_READ = {op: op.row.genotype_inputs for op in Op}
_READS_X = frozenset(op for op in Op if op.row.reads_x)
_DELAYS = frozenset(DELAYS.values())
_NAMES = {choice: name for name, choice in OP_CHOICES.items()}


@dataclass(frozen=True, slots=True)
class CellCode:
    """The encoding of a cell in a sequence of genes.

    Attributes:
        nodes: Number of encoded nodes, used or not.
        states: Number of encoded states, used or not.
        ops: Names of the permitted ops, keys of `OP_CHOICES`.
    """

    nodes: int
    states: int
    ops: tuple[str, ...]
    # Computed once, since every node of every trial of a mutation needs them.
    _first_output: int = field(init=False, repr=False, compare=False)
    _first_node: int = field(init=False, repr=False, compare=False)
    _choices: tuple[OpChoice, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_first_output", GENES_PER_NODE * self.nodes)
        object.__setattr__(self, "_first_node", 1 + self.states)
        object.__setattr__(self, "_choices", tuple(OP_CHOICES[name] for name in self.ops))

    def genes(self) -> list[Gene]:
        """Returns the genes in order: the nodes', then the outputs'; an input's choices are references."""
        genes: list[Gene] = []
        for node in range(self.nodes):
            earlier = tuple(range(self._first_node + node))
            genes.append(Gene(f"cell.node{node + 1}.op", self.ops, option=OPTION))
            genes += [
                Gene(f"cell.node{node + 1}.input{place}", earlier, option=OPTION) for place in (1, 2, 3)
            ]
        values = tuple(range(1, self._first_node + self.nodes))
        genes += [Gene(f"cell.output{state}", values, option=OPTION) for state in range(1, 1 + self.states)]
        return genes

    @property
    def most_cells(self) -> int:
        """A bound of how many cells it can spell; inputs that an op does not read are left out, idle nodes are not."""
        sources = range(self._first_node, self._first_node + self.nodes)
        reads = [_INPUTS_READ[choice.op] for choice in self._choices]
        nodes = [sum(math.prod([count] * read) for read in reads) for count in sources]
        return math.prod(nodes + [self.states + self.nodes] * self.states)

    def decode(self, values: Sequence[int]) -> CellGraph:
        """Returns the cell that the genes spell; only the nodes that ``h`` depends on are built."""
        live = self._live(values)
        cell = Values(self.states)
        built = {reference: reference for reference in range(self._first_node)}
        for reference in live:
            if reference >= self._first_node:
                op, bias = self._op(values, reference)
                sources = [built[source] for source in self._sources(values, reference)]
                if op.row.reads_a_set:
                    sources = list(dict.fromkeys(sources))
                built[reference] = cell.add(op, sources, bias=bias)
        states = range(1, self._first_node)
        outputs = tuple(built[self._output(values, state)] if state in live else state for state in states)
        return CellGraph(self.states, tuple(cell.nodes), outputs)

    def node(self, values: Sequence[int], index: int) -> Node:
        """Returns what the node ``index`` computes, whether anything reads it or not; later genes may be missing."""
        op, bias = self._op(values, self._first_node + index)
        sources = self._sources(values, self._first_node + index)
        return Node(op, tuple(dict.fromkeys(sources) if op.row.reads_a_set else sources), bias)

    def encode(self, cell: CellGraph) -> list[int]:
        """Returns genes that spell ``cell``; the genes that it does not need are 0.

        Raises:
            GenomeError: It has too many nodes or states, an op that is not permitted, or an op with an
                input pattern that three references cannot spell.
        """
        self._check_size(cell)
        # References to nodes move up where the genotype has more states than the cell.
        shift = self.states - cell.states
        values = []
        for index, node in enumerate(cell.nodes):
            inputs = [source + shift * (source >= cell.first_node) for source in node.inputs]
            values += [self._op_value(node, index), *_spelled(node.op, inputs, index)]
        values += [0] * (self._first_output - len(values))
        outputs = [output + shift * (output >= cell.first_node) for output in cell.outputs]
        outputs += range(cell.first_node, self._first_node)
        return values + [output - 1 for output in outputs]

    def active(self, values: Sequence[int]) -> list[int]:
        """Returns the positions, ascending, of the genes on which ``h`` depends now or by earlier steps."""
        states: list[int] = []
        nodes: list[int] = []
        for reference in self._live(values):
            if reference >= self._first_node:
                start = self._start(reference)
                nodes += range(start, start + 1 + _INPUTS_READ[self._op(values, reference).op])
            elif reference != X:
                states.append(self._first_output + reference - 1)
        return nodes + states

    def spell(self, choose: Callable[[int], int]) -> list[int]:
        """Returns genes of which ``choose`` gives those that are active; the others are 0.

        They are chosen from ``h`` down: what a state or a node reads is known before that is chosen, so that nothing
        is chosen in vain.

        Args:
            choose: Returns the value of the gene at a position; called once for each position that `active` has.
        """
        values = [0] * (self._first_output + self.states)
        seen = {X, H}
        waiting = [-H]  # negated, so that the nodes come first, from the last to the first
        while waiting:
            reference = -heappop(waiting)
            for source in self._chosen_sources(values, reference, choose):
                if source not in seen:
                    seen.add(source)
                    heappush(waiting, -source)
        return values

    def _chosen_sources(
        self, values: list[int], reference: int, choose: Callable[[int], int]
    ) -> Sequence[int]:
        """Chooses the genes of a state or a node, and returns what that reads."""
        if reference < self._first_node:
            position = self._first_output + reference - 1
            values[position] = choose(position)
            return (self._output(values, reference),)
        start = self._start(reference)
        values[start] = choose(start)
        for position in range(start + 1, start + 1 + _INPUTS_READ[self._op(values, reference).op]):
            values[position] = choose(position)
        return self._sources(values, reference)

    def _start(self, reference: int) -> int:
        return GENES_PER_NODE * (reference - self._first_node)

    def _op(self, values: Sequence[int], reference: int) -> OpChoice:
        return self._choices[values[self._start(reference)]]

    def _output(self, values: Sequence[int], state: int) -> int:
        return 1 + values[self._first_output + state - 1]

    def _sources(self, values: Sequence[int], reference: int) -> list[int]:
        """Returns what a node reads; an op that may not read ``x`` reads ``h`` instead, and a delay a state."""
        start = self._start(reference)
        op = self._choices[values[start]].op
        sources = values[start + 1 : start + 1 + _INPUTS_READ[op]]
        if op in _DELAYS:
            return [1 + (source - 1) % self.states for source in sources]
        return [source if source != X or op in _READS_X else H for source in sources]

    def _live(self, values: Sequence[int]) -> list[int]:
        """Returns the references, ascending, that ``h`` depends on now or by earlier steps."""
        live: set[int] = set()
        pending = [H]
        while pending:
            reference = pending.pop()
            if reference in live:
                continue
            live.add(reference)
            if reference >= self._first_node:
                pending += self._sources(values, reference)
            elif reference != X:
                pending.append(self._output(values, reference))
        return sorted(live)

    def _check_size(self, cell: CellGraph) -> None:
        if len(cell.nodes) > self.nodes:
            raise GenomeError(
                f"the cell has {len(cell.nodes)} nodes"
                f" and this space permits {self.nodes}; raise space.cell_nodes"
            )
        if cell.states > self.states:
            raise GenomeError(
                f"the cell has {cell.states} states"
                f" and this space permits {self.states}; raise space.cell_states"
            )

    def _op_value(self, node: Node, index: int) -> int:
        name = _NAMES[OpChoice(node.op, node.bias)]
        if name not in self.ops:
            raise GenomeError(f"cell.nodes[{index}].op is {name}; this space permits {', '.join(self.ops)}")
        return self.ops.index(name)


def _spelled(op: Op, inputs: list[int], index: int) -> list[int]:
    """Returns three references of which ``op`` reads ``inputs``."""
    repeats = op.row.reads_a_set and len(set(inputs)) < len(inputs)
    if len(inputs) > _INPUTS_READ[op] or repeats:
        raise GenomeError(
            f"cell.nodes[{index}] ({op}) reads {inputs}; a node of this space reads at most"
            f" {_INPUTS_READ[op]} values, and a {op} only different ones"
        )
    return inputs + (inputs or [X])[:1] * (3 - len(inputs))
