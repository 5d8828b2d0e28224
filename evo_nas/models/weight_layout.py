"""Lays out the weights of a program's linear nodes so that one matrix product serves several nodes."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import torch

from evo_nas.genome.cell import X
from evo_nas.genome.ops import Op

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.instruction import Instruction, Place
    from evo_nas.models.program import Program


class WeightLayout:
    """Says where the parts of a program's weights are; nodes are counted in the program's order.

    Attributes:
        program: The cell.
        inputs: Width of ``x``.
        width: Width of the states.
        columns: For each linear node and each of its inputs, the columns of the weight.
        x_columns: For each linear node that reads ``x``, the columns of the weight that multiply it.
        products: The program's matrix products.
    """

    def __init__(self, cell: CellGraph, program: Program, *, inputs: int, width: int) -> None:
        self.program = program
        self.inputs = inputs
        self.width = width
        nodes = [cell.nodes[index] for index in program.linears]
        self.columns = [
            [
                slice(start, stop)
                for start, stop in pairwise(
                    accumulate((inputs if source == X else width for source in node.inputs), initial=0)
                )
            ]
            for node in nodes
        ]
        self.x_columns = [
            columns[node.inputs.index(X)]
            for node, columns in zip(nodes, self.columns, strict=True)
            if X in node.inputs
        ]
        self.products = [i for i in program.instructions if i.op is Op.LINEAR]

    def columns_of(self, i: Instruction) -> Iterator[tuple[int, slice]]:
        """Yields the linear nodes that a product serves and the columns of their weights that it uses."""
        for node, position in enumerate(i.positions, start=i.target.index):
            yield node, self.columns[node][position]

    def features(self, i: Instruction) -> slice:
        """Returns where the results of a product are among the features of all linear nodes."""
        first = i.target.index
        return slice(first * self.width, (first + len(i.positions)) * self.width)


class StackedWeights:
    """The parameters of a program's linear nodes, stacked into as few matrices as possible.

    Args:
        layout: Where the parts of the weights are.
        parameters: Weights ``(width, total input width)`` of the linear nodes, then their biases ``(width,)``, where
            a bias that a node does not have is None; then the weights a unit ``(width,)``.
        x: Any tensor of the inputs' width, type and device ``(..., inputs)``.

    Attributes:
        recurrent: For each product its weights ``(features of its linear nodes, width)``.
        input: The weights that multiply ``x``, ``(features of the nodes that read it, inputs)``.
        units: The weights a unit, each ``(width,)``.
    """

    def __init__(self, layout: WeightLayout, parameters: Sequence[Tensor | None], x: Tensor) -> None:
        count = len(layout.program.linears)
        self._layout = layout
        self._weights = [weight for weight in parameters[:count] if weight is not None]
        self._biases = parameters[count : 2 * count]
        self.units = [weight for weight in parameters[2 * count :] if weight is not None]
        self.recurrent = {
            i: torch.cat([self._weights[node][:, columns] for node, columns in layout.columns_of(i)])
            for i in layout.products
        }
        self.input = torch.cat(
            [
                # An empty block first: a cell need not read ``x``, and an empty list cannot be joined.
                x.new_empty(0, x.shape[-1]),
                *(
                    weight[:, columns]
                    for weight, columns in zip(self._weights, layout.x_columns, strict=False)
                ),
            ]
        )

    def project(self, x: Tensor, linears: Tensor) -> None:
        """Writes the contribution of inputs and biases at all steps into ``linears``.

        This part does not depend on the states, so one product over all steps takes it out of the loop.

        Args:
            x: ``(time, batch, inputs)``.
            linears: ``(time, batch, features of all linear nodes)``.
        """
        for node, bias in enumerate(self._biases):
            features = slice(node * self._layout.width, (node + 1) * self._layout.width)
            linears[..., features] = 0.0 if bias is None else bias
        linears.flatten(0, 1)[:, : len(self.input)].addmm_(x.flatten(0, 1), self.input.T)

    def project_back(self, d_linears: Tensor) -> Tensor:
        """Returns the gradient of the inputs ``(time, batch, inputs)``.

        Args:
            d_linears: Gradient of the linear nodes ``(time, batch, features of all linear nodes)``.
        """
        return d_linears[..., : len(self.input)] @ self.input

    def gradients(self, x: Tensor, operands: dict[Place, Tensor], d_linears: Tensor) -> list[Tensor | None]:
        """Returns the gradients of weights and biases, in the order and shapes of the parameters.

        Args:
            x: ``(time, batch, inputs)``.
            operands: For each place that a product reads, its value at all steps ``(time, batch, width)``.
            d_linears: Gradient of the linear nodes ``(time, batch, features of all linear nodes)``.
        """
        layout, width, flat = self._layout, self._layout.width, d_linears.flatten(0, 1)
        d_weights = [torch.empty_like(weight) for weight in self._weights]
        # One product over all steps for each stack: many times faster than adding up a product for each step.
        for i in layout.products:
            d_stack = flat[:, layout.features(i)].T @ operands[i.operands[0]].flatten(0, 1)
            for (node, columns), block in zip(
                layout.columns_of(i), d_stack.view(-1, width, width), strict=True
            ):
                d_weights[node][:, columns] = block
        d_input = flat[:, : len(self.input)].T @ x.flatten(0, 1)
        blocks = d_input.view(-1, width, x.shape[-1])
        for d_weight, columns, block in zip(d_weights, layout.x_columns, blocks, strict=False):
            d_weight[:, columns] = block
        d_biases = flat.sum(0).view(-1, width)
        return [
            *d_weights,
            *(None if bias is None else d_bias for bias, d_bias in zip(self._biases, d_biases, strict=True)),
        ]
