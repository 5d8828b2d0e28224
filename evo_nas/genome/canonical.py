"""The canonical form of a cell: one graph for all ways to write the same equations down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from evo_nas.genome.cell import COMMUTATIVE, CellGraph, Node, Op, X
from evo_nas.genome.simplify import Simplified, simplify

_OP_ORDER = {op: order for order, op in enumerate(Op)}
_H = 1


@dataclass(frozen=True, slots=True)
class LinearOrigin:
    """Where the weights of a canonical linear node come from.

    Attributes:
        node: Index of the linear node in the original cell.
        blocks: For each canonical input the positions of the original inputs whose weight
            matrices sum to its own; more than one where the original read one value several times.
    """

    node: int
    blocks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Canonical:
    """A canonical cell and how the original maps onto it.

    Attributes:
        cell: The canonical form.
        states: For each state the original state that it is.
        linears: For each linear node, by index, the origin of its weights.
    """

    cell: CellGraph
    states: tuple[int, ...]
    linears: dict[int, LinearOrigin]


@lru_cache(maxsize=8192)
def canonical(cell: CellGraph) -> CellGraph:
    """Returns the canonical form: simplified, dead parts pruned, sorted and relabelled.

    Two cells with the same form compute the same function of their weights. Isomorphic cells get the same
    form unless colour refinement cannot tell apart nodes that no symmetry exchanges, which takes more
    linear nodes than a cell that anyone trains. Idempotent.
    """
    simplified = simplify(cell).cell
    return _relabelled(simplified, _labels(simplified))


def canonicalise(cell: CellGraph) -> Canonical:
    """Returns the canonical form with what is needed to carry weights over to it."""
    simplified = simplify(cell)
    labels = _labels(simplified.cell)
    states = sorted(
        (label, reference - 1) for reference, label in labels.items() if X < reference <= cell.states
    )
    return Canonical(
        cell=_relabelled(simplified.cell, labels),
        states=tuple(state for _, state in states),
        linears=_linear_origins(cell, simplified, labels),
    )


def _linear_origins(
    cell: CellGraph, simplified: Simplified, labels: dict[int, int]
) -> dict[int, LinearOrigin]:
    live_states = sum(X < reference <= cell.states for reference in labels)
    origins = {}
    for index, node in enumerate(cell.nodes):
        label = labels.get(simplified.references[cell.first_node + index])
        if node.op is not Op.LINEAR or label is None:
            continue
        blocks: dict[int, list[int]] = {}
        for position, reference in enumerate(node.inputs):
            blocks.setdefault(labels[simplified.references[reference]], []).append(position)
        ordered = tuple(tuple(blocks[key]) for key in sorted(blocks))
        origins[label - 1 - live_states] = LinearOrigin(index, ordered)
    return origins


def _reads(cell: CellGraph, reference: int) -> tuple[int, ...]:
    """Returns what a value is computed from; a state from its own new value, one step earlier."""
    if reference < cell.first_node:
        return (cell.outputs[reference - 1],)
    return cell.nodes[reference - cell.first_node].inputs


def _live_reads(cell: CellGraph) -> dict[int, tuple[int, ...]]:
    """Returns `_reads` of ``x``, ``h`` and every reference that ``h`` depends on at any step."""
    live: dict[int, tuple[int, ...]] = {X: ()}
    pending = [_H]
    while pending:
        reference = pending.pop()
        if reference not in live:
            live[reference] = _reads(cell, reference)
            pending.extend(live[reference])
    return dict(sorted(live.items()))


def _labels(cell: CellGraph) -> dict[int, int]:
    """Returns for each live reference its canonical one: ``x``, ``h``, other states, nodes by depth."""
    reads = _live_reads(cell)
    colours = _refined(cell, reads, _first_colours(cell, reads))
    while len(set(colours.values())) < len(colours):
        colours = _refined(cell, reads, _with_tie_broken(colours))
    return colours


def _first_colours(cell: CellGraph, reads: dict[int, tuple[int, ...]]) -> dict[int, int]:
    depths: dict[int, int] = {}
    colours: dict[int, tuple[int, ...]] = {}
    for reference, inputs in reads.items():
        if reference < cell.first_node:
            depths[reference] = 0
            colours[reference] = (0, min(reference, 2))
            continue
        node = cell.nodes[reference - cell.first_node]
        depths[reference] = depth = 1 + max(depths[source] for source in inputs)
        colours[reference] = (depth, _OP_ORDER[node.op], node.bias, len(inputs))
    return _ranked(colours)


def _refined(cell: CellGraph, reads: dict[int, tuple[int, ...]], colours: dict[int, int]) -> dict[int, int]:
    """Returns the coarsest colouring below ``colours`` in which equal colours read and serve equal colours.

    This is the 1-dimensional Weisfeiler-Leman algorithm. New colours keep the order of the old ones.
    """
    ordered = {
        reference
        for reference in reads
        if reference >= cell.first_node and cell.nodes[reference - cell.first_node].op not in COMMUTATIVE
    }
    users: dict[int, list[tuple[int, int]]] = {reference: [] for reference in reads}
    for reference, inputs in reads.items():
        for position, source in enumerate(inputs):
            users[source].append((reference, position if reference in ordered else 0))
    classes = len(set(colours.values()))
    while classes < len(colours):
        signatures = {}
        for reference, inputs in reads.items():
            up = [colours[source] for source in inputs]
            if reference not in ordered:
                up.sort()
            down = sorted([4 * colours[user] + position for user, position in users[reference]])
            signatures[reference] = (colours[reference], up, down)
        colours = _ranked({reference: _flat(*signature) for reference, signature in signatures.items()})
        if (refined := len(set(colours.values()))) == classes:
            break
        classes = refined
    return colours


def _flat(colour: int, up: list[int], down: list[int]) -> tuple[int, ...]:
    return (colour, len(up), *up, *down)


def _with_tie_broken(colours: dict[int, int]) -> dict[int, int]:
    """Returns the colouring with one member of the first ambiguous class set before the others."""
    counts: dict[int, int] = {}
    for colour in colours.values():
        counts[colour] = counts.get(colour, 0) + 1
    tied = min(colour for colour, count in counts.items() if count > 1)
    chosen = next(reference for reference, colour in colours.items() if colour == tied)
    return _ranked({reference: (colour, reference != chosen) for reference, colour in colours.items()})


def _ranked(colours: dict[int, tuple[int, ...]]) -> dict[int, int]:
    ranks = {colour: rank for rank, colour in enumerate(sorted(set(colours.values())))}
    return {reference: ranks[colour] for reference, colour in colours.items()}


def _relabelled(cell: CellGraph, labels: dict[int, int]) -> CellGraph:
    by_label = sorted(labels, key=labels.__getitem__)
    states = [reference for reference in by_label if X < reference < cell.first_node]
    nodes = []
    for reference in by_label[1 + len(states) :]:
        node = cell.nodes[reference - cell.first_node]
        inputs = [labels[source] for source in node.inputs]
        if node.op in COMMUTATIVE:
            inputs.sort()
        nodes.append(Node(node.op, tuple(inputs), node.bias))
    outputs = tuple(labels[cell.outputs[reference - 1]] for reference in states)
    return CellGraph(len(states), tuple(nodes), outputs)
