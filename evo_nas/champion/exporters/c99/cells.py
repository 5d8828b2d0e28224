"""One step of a cell in C: products of matrices, and loops over the units for everything between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from evo_nas.champion.exporters.c99.source import loop
from evo_nas.genome.cell import X
from evo_nas.genome.notation import text_lines
from evo_nas.genome.ops import GUARD, LARGEST_EXPONENT, Op

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evo_nas.champion.exporters.c99.source import Source
    from evo_nas.models.recurrence import Recurrence

STATES = "hcde"
"""What the states of a cell are called, the output first."""

_FORMULAS: Mapping[Op, Callable[[Sequence[str]], str]] = {
    Op.BLEND: lambda v: f"{v[2]} + {v[0]} * ({v[1]} - {v[2]})",
    Op.ADD: " + ".join,
    Op.MUL: " * ".join,
    Op.MEAN: lambda v: f"({' + '.join(v)}) / {len(v)}.0f",
    Op.TANH: lambda v: f"tanhf({v[0]})",
    Op.SIGMOID: lambda v: f"sigmoid({v[0]})",
    Op.RELU: lambda v: f"relu({v[0]})",
    Op.LEAKY_RELU: lambda v: f"leaky_relu({v[0]})",
    Op.IDENTITY: lambda v: v[0],
    Op.SCALE: " * ".join,
    Op.BOUNDED_SCALE: " * ".join,
    Op.EXP: lambda v: f"expf(fminf({v[0]}, {LARGEST_EXPONENT:.1f}f))",
    Op.SOFTPLUS: lambda v: f"softplus({v[0]})",
    Op.SUBTRACT: lambda v: f"{v[0]} - {v[1]}",
    Op.ONE_MINUS: lambda v: f"1.0f - {v[0]}",
    Op.SILU: lambda v: f"{v[0]} * sigmoid({v[0]})",
    Op.MAX: lambda v: f"fmaxf({v[0]}, {v[1]})",
    Op.DIVIDE: lambda v: f"{v[0]} / away_from_zero({v[1]})",
    Op.SQRT: lambda v: f"sqrtf(fmaxf({v[0]}, {GUARD:g}f))",
}
"""How each op is written, given its operands for one unit, the weight a unit last."""
_CALLS = {
    Op.SIGMOID: "sigmoid",
    Op.SILU: "sigmoid",
    Op.RELU: "relu",
    Op.LEAKY_RELU: "leaky_relu",
    Op.SOFTPLUS: "softplus",
    Op.DIVIDE: "away_from_zero",
}
"""The helper that an op calls."""


class CellWriter:
    """Writes one direction of a recurrence as ``PREFIX_cell(x)``, which changes the states ``PREFIX_h``, ...

    Args:
        source: Where it is written.
        recurrence: The cell with its weights.
        prefix: Beginning of all names.
        owner: Whose the states are; see `Source.state`.
        suffix: Which direction's weights are used; see `Recurrence.linear`.
    """

    def __init__(
        self, source: Source, recurrence: Recurrence, *, prefix: str, owner: str, suffix: str = ""
    ) -> None:
        self._source = source
        self._recurrence = recurrence
        self._cell = recurrence.cell
        self._width = recurrence.width
        self._prefix = prefix
        self._suffix = suffix
        self.states = [
            source.state(self._state(state, ago), self._width, owner=owner)
            for state, ago in self._cell.carried
        ]
        self._arrays: dict[int, str] = {X: "x"}
        self._arrays |= {1 + state: self._state(state, 1) for state in range(self._cell.states)}
        self._scalars: set[int] = set()

    @property
    def output(self) -> str:
        """The state that holds the output of the last step."""
        return self._state(0, 1)

    def write(self) -> str:
        """Writes the function and returns its name."""
        name = f"{self._prefix}_cell"
        text = "\n".join(
            ["One step of the cell; * is elementwise:", *(f"  {line}" for line in text_lines(self._cell))]
        )
        body = self._body()
        reads_x = any(X in self._cell.nodes[index].inputs for index in self._live())
        self._source.function(
            f"static void {name}(const float *x)", body if reads_x else ["(void)x;", *body], text
        )
        return name

    def _state(self, state: int, ago: int) -> str:
        return f"{self._prefix}_{STATES[state]}{f'_{ago}' if ago > 1 else ''}"

    def _live(self) -> list[int]:
        """Returns the nodes, ascending, that some new state is computed from."""
        first, live = self._cell.first_node, set()
        pending = [output - first for output in self._cell.outputs]
        while pending:
            index = pending.pop()
            if index >= 0 and index not in live:
                live.add(index)
                pending += [source - first for source in self._cell.nodes[index].inputs]
        return sorted(live)

    def _body(self) -> list[str]:
        groups = self._groups()
        self._choose_places(groups)
        lines: list[str] = []
        for group in groups:
            if self._cell.nodes[group[0]].op is Op.LINEAR:
                for index in group:
                    lines += self._product(index)
            else:
                declared = [
                    f"float {self._arrays[first]}[{self._width}];"
                    for first in (self._cell.first_node + index for index in group)
                    if first not in self._scalars
                ]
                ends = self._update() if group is groups[-1] else []
                lines += [*declared, *loop("i", self._width, *map(self._unit, group), *ends)]
        if not groups or self._cell.nodes[groups[-1][0]].op is Op.LINEAR:
            lines += loop("i", self._width, *self._update())
        return lines

    def _groups(self) -> list[list[int]]:
        """Returns the nodes in an order in which they can be computed: in turn linear ones, and ones for one loop."""
        first, nodes = self._cell.first_node, self._cell.nodes
        known = set(range(first))
        pending = []
        for index in self._live():
            node = nodes[index]
            if node.op.row.delay:
                self._arrays[first + index] = self._state(node.inputs[0] - 1, node.op.row.delay)
            elif not node.inputs:
                self._arrays[first + index] = self._unit_weight(index)
            else:
                pending.append(index)
                continue
            known.add(first + index)
        groups: list[list[int]] = []
        while pending:
            for is_linear in (True, False):
                group: list[int] = []
                for index in pending:
                    ready = all(source in known for source in nodes[index].inputs)
                    if (nodes[index].op is Op.LINEAR) is is_linear and ready:
                        group.append(index)
                        # Linear nodes of one group read none of each other: these need whole vectors.
                        if not is_linear:
                            known.add(first + index)
                known.update(first + index for index in group)
                pending = [index for index in pending if index not in group]
                groups += [group] if group else []
        return groups

    def _choose_places(self, groups: list[list[int]]) -> None:
        """Lets values live in an array if a product or another loop reads them, and in a variable otherwise."""
        first, nodes = self._cell.first_node, self._cell.nodes
        group_of = {first + index: number for number, group in enumerate(groups) for index in group}
        for group_number, group in enumerate(groups):
            for index in group:
                reference = first + index
                self._arrays[reference] = f"v{reference}"
                readers = [other for other in group_of if reference in nodes[other - first].inputs]
                stays = all(
                    group_of[other] == group_number and nodes[other - first].op is not Op.LINEAR
                    for other in readers
                )
                becomes_state_later = reference in self._cell.outputs and group_number + 1 < len(groups)
                if nodes[index].op is not Op.LINEAR and stays and not becomes_state_later:
                    self._scalars.add(reference)

    def _product(self, index: int) -> list[str]:
        node, linear = self._cell.nodes[index], self._recurrence.linear(index, self._suffix)
        name, width = self._arrays[self._cell.first_node + index], self._width
        lines = [f"float {name}[{width}];"]
        if linear.bias is None:
            lines.append(f"{self._source.helper('fill')}({name}, 0.0f, {width});")
        else:
            bias = self._source.weights(f"{self._prefix}_b{index}", linear.bias)
            lines.append(f"{self._source.helper('copy')}({name}, {bias}, {width});")
        columns = self._recurrence.input_widths(index)
        for place, (source, block) in enumerate(
            zip(node.inputs, torch.split(linear.weight, columns, dim=1), strict=True)
        ):
            of_source = "x" if source == X else self._arrays[source].removeprefix(f"{self._prefix}_")
            weight = self._source.weights(
                f"{self._prefix}_W{index}{'abc'[place]}", block, f"{width} x {columns[place]}, of {of_source}"
            )
            helper = self._source.helper("add_product")
            lines.append(f"{helper}({name}, {weight}, {self._arrays[source]}, {width}, {columns[place]});")
        return lines

    def _unit(self, index: int) -> str:
        node, reference = self._cell.nodes[index], self._cell.first_node + index
        operands = [self._element(source) for source in node.inputs]
        if node.op.row.unit_weight is not None:
            operands.append(f"{self._unit_weight(index)}[i]")
        if node.op in _CALLS:
            self._source.helper(_CALLS[node.op])
        target = (
            f"const float {self._arrays[reference]}"
            if reference in self._scalars
            else self._element(reference)
        )
        return f"{target} = {_FORMULAS[node.op](operands)};"

    def _element(self, reference: int) -> str:
        return self._arrays[reference] if reference in self._scalars else f"{self._arrays[reference]}[i]"

    def _unit_weight(self, index: int) -> str:
        weight = self._recurrence.unit_weight(index, self._suffix)
        return self._source.weights(f"{self._prefix}_w{index}", weight)

    def _update(self) -> list[str]:
        """Returns the lines that bring the states of unit ``i`` to the next step; all old ones are read first."""
        cell = self._cell
        new = [
            f"const float new_{STATES[state]} = {self._element(of)};" for state, of in enumerate(cell.outputs)
        ]
        longest = [max(ago for state, ago in cell.carried if state == which) for which in range(cell.states)]
        shifted = [
            f"{self._state(state, ago)}[i] = {self._state(state, ago - 1)}[i];"
            for state, most in enumerate(longest)
            for ago in range(most, 1, -1)
        ]
        return [*new, *shifted, *(f"{self._state(s, 1)}[i] = new_{STATES[s]};" for s in range(cell.states))]
