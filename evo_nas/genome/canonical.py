"""The canonical form of a cell: one graph for all spellings of the same equations."""

from __future__ import annotations

from functools import lru_cache

from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.ops import COMMUTATIVE
from evo_nas.genome.simplify import simplify


@lru_cache(maxsize=8192)
def canonical(cell: CellGraph) -> CellGraph:
    """Returns the canonical form: simplified, without dead parts, sorted and relabelled.

    Two cells with the same form compute the same function of their weights. Isomorphic cells get the same
    form unless colour refinement confuses nodes that are not symmetric, which takes more linear nodes than
    any cell in practice has. The canonical form is its own canonical form.
    """
    simplified = simplify(cell).cell
    return _relabelled(simplified, _labels(simplified))


def canonical_references(cell: CellGraph) -> dict[int, int]:
    """Returns for each live reference of ``cell`` that of the same value in the canonical form.

    Values that are equal have one reference there. Nodes that own weights are never equal, so that each of them has a
    counterpart of its own; a linear node that reads equal values reads them once there, by the sum of their weights.
    """
    simplified = simplify(cell)
    labels = _labels(simplified.cell)
    return {reference: labels[same] for reference, same in enumerate(simplified.references) if same in labels}


def _reads(cell: CellGraph, reference: int) -> tuple[int, ...]:
    """Returns the references that a value is computed from; for a state, its new value one step earlier."""
    if reference < cell.first_node:
        return (cell.outputs[reference - 1],)
    return cell.nodes[reference - cell.first_node].inputs


def _live_reads(cell: CellGraph) -> dict[int, tuple[int, ...]]:
    """Returns `_reads` of ``x``, ``h`` and every reference that ``h`` depends on at any step."""
    live: dict[int, tuple[int, ...]] = {X: ()}
    pending = [H]
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
    # Refinement alone leaves symmetric nodes equal. Which of them comes first does not matter, so one is chosen,
    # and refinement then orders all that depends on the choice.
    while len(set(colours.values())) < len(colours):
        colours = _refined(cell, reads, _with_tie_broken(colours))
    return colours


def _first_colours(cell: CellGraph, reads: dict[int, tuple[int, ...]]) -> dict[int, int]:
    depths: dict[int, int] = {}
    colours: dict[int, tuple[int, ...]] = {}
    for reference, inputs in reads.items():
        if reference < cell.first_node:
            depths[reference] = 0
            # x is 0 and h is 1; the other states may be renumbered, so all of them begin equal.
            colours[reference] = (0, min(reference, 2))
            continue
        node = cell.nodes[reference - cell.first_node]
        # The number of the op, and not its line in the table: hashes of recorded architectures depend on this order.
        depths[reference] = depth = 1 + max((depths[source] for source in inputs), default=0)
        colours[reference] = (depth, node.op.row.number, node.bias, len(inputs))
    return _ranked(colours)


def _refined(cell: CellGraph, reads: dict[int, tuple[int, ...]], colours: dict[int, int]) -> dict[int, int]:
    """Returns the coarsest refinement of ``colours`` in which nodes of one colour read and serve equal colours.

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
            # The position is below 3 in an op that is not commutative, so 4 keeps colours and positions apart.
            down = sorted([4 * colours[user] + position for user, position in users[reference]])
            signatures[reference] = (colours[reference], up, down)
        colours = _ranked({reference: _flat(*signature) for reference, signature in signatures.items()})
        if (refined := len(set(colours.values()))) == classes:
            break  # no class was split, so no further round can split one
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
