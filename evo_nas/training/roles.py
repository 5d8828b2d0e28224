"""Roles: what each tensor of a network does, so that tensors of different architectures can be compared.

The tensors around the cells have a role by their place. Those of a cell have one by what their node reads and by what
uses its value, since nodes of two cells that do the same rarely have the same number. Each axis is divided into
labelled segments, such as the outputs of a layer below, so that a part of a tensor can be found again where widths or
skip connections have changed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.genome.cell import X
from evo_nas.genome.ops import COMMUTATIVE, Op

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evo_nas.genome.architecture import Architecture, Layer
    from evo_nas.genome.cell import CellGraph

DEPTHS = (4, 2, 1)
"""How far the users of a node are followed, from the most exact role to the least exact one."""
_CELL = re.compile(r"layers\.(\d+)\.recurrence\.(weight|bias)_(\d+)(_reverse)?")
_CONTEXT = re.compile(r"layers\.(\d+)\.context\.")
_LAYER = re.compile(r"layers\.(\d+)\.(norm_before|norm|residual)\.(weight|bias)")

Segments = tuple[tuple[str, int], ...]
"""Label and size of each part of an axis."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a tensor does.

    Attributes:
        names: Its role, the most exact name first; tensors with an equal name may stand for each other.
        axes: The segments of each axis; None if the tensor is taken as a whole or not at all.
        reads: Whether its last axis is what it reads, so that zeros there ignore what is new.
    """

    names: tuple[str, ...]
    axes: tuple[Segments, ...] | None = None
    reads: bool = False

    @property
    def bank_key(self) -> str:
        """Name of the component in a bank, without its shape."""
        labels = "" if self.axes is None else str([[label for label, _ in axis] for axis in self.axes])
        return self.names[min(1, len(self.names) - 1)] + labels


def roles_of(
    architecture: Architecture, shapes: Mapping[str, Sequence[int]], *, front_width: int
) -> dict[str, Role]:
    """Returns the role of each tensor by its name in the network.

    Args:
        architecture: The architecture of the network.
        shapes: Shape of each tensor by name.
        front_width: Features that the first layer reads of the front end.
    """
    values: list[Segments] = [((f"front {architecture.front}", front_width),)]
    read = []
    for index, layer in enumerate(architecture.layers):
        read.append(_joined(values, layer.skip))
        values.append(_outputs(index, layer))
    pooled = _joined(values, architecture.head.skip)
    cells = [_cell_names(layer.cell) for layer in architecture.layers]
    roles = {}
    # In one order whatever the order of the file, since equal roles are numbered.
    for name in sorted(shapes, key=_natural):
        shape = shapes[name]
        if match := _CELL.fullmatch(name):
            index = int(match[1])
            role = _cell_role(match, architecture.layers[index], read[index], cells[index], len(shape))
        elif match := _CONTEXT.match(name):
            # Attention and a memory have tensors of the same name and shape that do something else.
            role = Role((f"{name} {architecture.layers[int(match[1])].context}",))
        elif match := _LAYER.fullmatch(name):
            role = _layer_role(match, _outputs(int(match[1]), architecture.layers[int(match[1])]), read)
        else:
            role = _outer_role(name, architecture, pooled, shape)
        fits = role.axes is None or [sum(size for _, size in axis) for axis in role.axes] == list(shape)
        roles[name] = role if fits else Role(role.names)
    return _numbered(roles)


def _natural(name: str) -> list[tuple[int, str]]:
    """Returns what orders names by the numbers in them."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _outputs(index: int, layer: Layer) -> Segments:
    forward: Segments = ((f"layer{index}", layer.width),)
    return (*forward, (f"layer{index} backward", layer.width)) if layer.bidirectional else forward


def _joined(values: list[Segments], skip: int | None) -> Segments:
    return values[-1] if skip is None else values[-1] + values[skip]


def _layer_role(match: re.Match[str], outputs: Segments, read: list[Segments]) -> Role:
    index, part, kind = int(match[1]), match[2], match[3]
    name = f"layer{index}/{part}/{kind}"
    if part == "residual":
        return Role((name,), (outputs, read[index]), reads=True)
    return Role((name,), (read[index] if part == "norm_before" else outputs,))


def _outer_role(name: str, architecture: Architecture, pooled: Segments, shape: Sequence[int]) -> Role:
    head = architecture.head
    features: Segments = (("hidden", head.hidden),) if head.hidden else pooled
    outputs: Segments = ((f"outputs {shape[0]}", shape[0]),)
    hidden: Segments = (("hidden", head.hidden),)
    embedded: Segments = (("embedding", shape[-1]),)
    tables: dict[str, tuple[Segments, ...]] = {
        "front.embedding.weight": ((("tokens", shape[0]),), embedded),
        "head.hidden.bias": (hidden,),
        "head.output.bias": (outputs,),
    }
    if name in tables:
        return Role((name,), tables[name])
    readers: dict[str, tuple[Segments, ...]] = {
        "head.hidden.weight": (hidden, pooled),
        "head.pooling.score.weight": ((("score", 1),), pooled),
        "head.output.weight": (outputs, features),
        "head.output.projection.weight": ((("embedding", shape[0]),), features),
    }
    if name in readers:
        return Role((name,), readers[name], reads=True)
    # What else there is has a meaning of its own for every setting, so that only the same setting shares it.
    kind = {"front": architecture.front, "shortcut": architecture.shortcut, "queries": head.segment}
    return Role((f"{name} {kind.get(name.partition('.')[0], '')}",))


def _cell_role(
    match: re.Match[str], layer: Layer, read: Segments, names: list[tuple[str, ...]], dimensions: int
) -> Role:
    node, direction = int(match[3]), "backward" if match[4] else "forward"
    roles = tuple(f"layer{match[1]}/{direction}/{match[2]} of {name}" for name in names[node])
    units: Segments = (("units", layer.width),)
    if dimensions == 1:
        return Role(roles, (units,))
    columns: list[tuple[str, int]] = []
    for source in layer.cell.nodes[node].inputs:
        columns += (
            [(f"x {label}", size) for label, size in read]
            if source == X
            else [(_source(layer.cell, source), layer.width)]
        )
    return Role(roles, (units, _distinct(columns)), reads=True)


def _source(cell: CellGraph, reference: int) -> str:
    if reference < cell.first_node:
        return f"state {reference}"
    return str(cell.nodes[reference - cell.first_node].op)


def _distinct(columns: Sequence[tuple[str, int]]) -> Segments:
    counts: Counter[str] = Counter()
    distinct = []
    for label, size in columns:
        counts[label] += 1
        distinct.append((label if counts[label] == 1 else f"{label} #{counts[label]}", size))
    return tuple(distinct)


def _cell_names(cell: CellGraph) -> list[tuple[str, ...]]:
    """Returns for each node its roles, the most exact first; the last one does not say what it reads."""
    users: dict[int, list[tuple[int, int]]] = {}
    for index, node in enumerate(cell.nodes):
        for position, source in enumerate(node.inputs):
            shown = 0 if node.op in COMMUTATIVE or node.op is Op.LINEAR else position
            users.setdefault(source, []).append((index, shown))

    def used(reference: int, depth: int) -> str:
        if not depth:
            return ""
        uses = [f"state {state}" for state, output in enumerate(cell.outputs) if output == reference]
        for index, position in users.get(reference, ()):
            node = cell.nodes[index]
            # With what it is combined: the gate of a state does something else than the gate of a candidate.
            beside = " ".join(
                sorted(_source(cell, other) for other in node.inputs if other != reference and other)
            )
            uses.append(f"{node.op}.{position}[{beside}]({used(cell.first_node + index, depth - 1)})")
        return " ".join(sorted(uses))

    names = []
    for index, node in enumerate(cell.nodes):
        reference = cell.first_node + index
        reads = " ".join(sorted(_source(cell, source) if source else "x" for source in node.inputs))
        exact = [f"{node.op}[{reads}] for {used(reference, depth)}" for depth in DEPTHS]
        names.append((*exact, f"{node.op} for {used(reference, 1)}"))
    return names


def _numbered(roles: Mapping[str, Role]) -> dict[str, Role]:
    """Returns the roles with a number after a name that others have as well, in the order of the network."""
    counts: Counter[tuple[int, str]] = Counter()
    numbered = {}
    for tensor, role in roles.items():
        names = []
        for level, name in enumerate(role.names):
            counts[level, name] += 1
            number = counts[level, name]
            names.append(name if number == 1 else f"{name} #{number}")
        numbered[tensor] = Role(tuple(names), role.axes, role.reads)
    return numbered


def matched(old: Mapping[str, Role], new: Mapping[str, Role]) -> Iterator[tuple[str, str]]:
    """Yields the names of a tensor of an old network and of the one of a new network that has its role.

    The most exact roles are matched first; what is left is matched by less exact ones.
    """
    left = dict(old)
    waiting = dict(new)
    levels = max((len(role.names) for role in waiting.values()), default=0)
    for level in range(levels):
        places = {role.names[level]: name for name, role in left.items() if level < len(role.names)}
        for name, role in list(waiting.items()):
            found = places.get(role.names[level]) if level < len(role.names) else None
            if found is not None:
                yield found, name
                del waiting[name], left[found]
