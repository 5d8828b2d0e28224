"""Runs many different cells whose loops are elementwise in one launch on a GPU, with autograd.

Products with the inputs are one batched product for all cells. The loops over the steps are one launch forward and one
back, whatever the cells and however many steps there are: the kernel (``cuda/packed.cu``) reads each cell's
instructions as data. What a cell needs beside it - products of other values before the loop, a readout after it - takes
all steps at once, by torch.

It is a first step to training many topologies in one launch, and no part of a search yet: forward direction only, from
zero states, without padding, all cells of one width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from evo_nas.genome.cell import X
from evo_nas.genome.ops import GUARD, LARGEST_EXPONENT, Op
from evo_nas.models.eager import OPERATIONS
from evo_nas.models.packed_program import MOST_INSTRUCTIONS, Access, PackedProgram, packed_program

if TYPE_CHECKING:
    from evo_nas.models.recurrence import Recurrence

SOURCE = Path(__file__).with_name("cuda") / "packed.cu"
THREADS = 128
"""Of a block, all of one cell, so that no two threads of it ever branch apart."""

Launch = Callable[[str, tuple[int, int], Sequence[Tensor | int]], None]
"""Runs a kernel, given by its name, with so many blocks of `THREADS` in two dimensions and these arguments."""


def kernel_source() -> str:
    """Returns the source of the kernels with the numbers that it needs."""
    numbers = {f"OP_{op.name}": op.row.number for op in Op} | {access.name: int(access) for access in Access}
    constants = {"MOST": MOST_INSTRUCTIONS, "GUARD": f"{GUARD}f", "LARGEST_EXPONENT": f"{LARGEST_EXPONENT}f"}
    definitions = [f"#define {name} {value}\n" for name, value in (numbers | constants).items()]
    return "".join(definitions) + SOURCE.read_text(encoding="utf-8")


@lru_cache
def _cuda_kernel(name: str, device: torch.device) -> Callable[..., None]:  # noqa: ARG001 - it belongs to its device
    # Private, but the one way in torch to compile for the device at hand without a CUDA toolkit and a host compiler.
    compiled: Callable[..., None] = torch.cuda._compile_kernel(kernel_source(), name)
    return compiled


def launch_on_gpu(name: str, blocks: tuple[int, int], arguments: Sequence[Tensor | int]) -> None:
    """Runs a kernel on the current stream of the tensors' GPU, compiling it at its first use."""
    device = next(argument.device for argument in arguments if isinstance(argument, Tensor))
    with torch.cuda.device(device):
        kernel = _cuda_kernel(name, device)
        kernel(grid=(*blocks, 1), block=(THREADS, 1, 1), args=list(arguments))


class PackedCells:
    """Different cells that run together.

    Args:
        recurrences: The cells with their parameters, all of one width, number of inputs and device; which backend each
            is does not matter.
        launch: How a kernel is run.

    Raises:
        GenomeError: A cell cannot be packed; see `packed_program`.
        ValueError: The cells do not fit together.
    """

    def __init__(self, recurrences: Sequence[Recurrence], *, launch: Launch = launch_on_gpu) -> None:
        sizes = {(each.inputs, each.width, each.bidirectional) for each in recurrences}
        if len(sizes) != 1 or recurrences[0].bidirectional:
            raise ValueError(
                f"cells have (inputs, width, bidirectional) {sorted(sizes)}; must all have the same of the first two"
                " and read forward only: pack those alike"
            )
        self.recurrences = tuple(recurrences)
        self.programs = tuple(packed_program(each.cell) for each in recurrences)
        self._loop = _Loop(self.programs, next(recurrences[0].parameters()).device, launch)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Returns the output of every step of each cell.

        Args:
            inputs: Those of each cell, float32 ``(cells, batch, time, inputs)``.

        Returns:
            ``(cells, batch, time, width)``.
        """
        projected = _products_with_inputs(self.recurrences, inputs)
        values = [
            _Values(recurrence, x.transpose(0, 1), products)
            for recurrence, x, products in zip(self.recurrences, inputs, projected, strict=True)
        ]
        cells = list(zip(self.programs, values, strict=True))
        given = [of_cell.at(reference) for program, of_cell in cells for reference in program.given]
        units = [
            recurrence.unit_weight(index, "")
            for recurrence, program in zip(self.recurrences, self.programs, strict=True)
            for index in program.units
        ]
        _, batch, steps, _ = inputs.shape
        width = self.recurrences[0].width
        kept = iter(
            _RunLoop.apply(  # type: ignore[no-untyped-call]
                self._loop,
                torch.stack(given) if given else inputs.new_empty(0, steps, batch, width),
                torch.stack(units) if units else inputs.new_empty(0, width),
            ).unbind()
        )
        for program, of_cell in cells:
            of_cell.add({reference: next(kept) for reference in program.kept})
        outputs = [
            of_cell.at(each.cell.outputs[0])
            for each, (_, of_cell) in zip(self.recurrences, cells, strict=True)
        ]
        return torch.stack(outputs).transpose(1, 2)


def _products_with_inputs(recurrences: Sequence[Recurrence], inputs: Tensor) -> list[dict[int, Tensor]]:
    """Returns each cell's linear nodes that read ``x`` alone, ``(time, batch, width)``, by one batched product."""
    nodes = [
        [index for index, node in enumerate(each.cell.nodes) if node.op is Op.LINEAR and node.inputs == (X,)]
        for each in recurrences
    ]
    most, width, features = max(map(len, nodes)), recurrences[0].width, inputs.shape[-1]
    no_bias, padding = inputs.new_zeros(width), inputs.new_zeros(width, features)
    weights, biases = [], []
    for recurrence, of_cell in zip(recurrences, nodes, strict=True):
        linears = [recurrence.linear(index, "") for index in of_cell]
        missing = most - len(linears)
        weights += [linear.weight for linear in linears] + [padding] * missing
        biases += [no_bias if linear.bias is None else linear.bias for linear in linears] + [
            no_bias
        ] * missing
    if not most:
        return [{} for _ in recurrences]
    weight = torch.stack(weights).view(len(recurrences), most, width, features)
    bias = torch.stack(biases).view(len(recurrences), most, 1, 1, width)
    products = torch.einsum("cbtf,clwf->cltbw", inputs, weight) + bias
    # Unbound at once: the gradient of a single slice would be as large as all of them.
    every = products.flatten(0, 1).unbind()
    return [
        dict(zip((each.cell.first_node + index for index in of_cell), every[number * most :], strict=False))
        for number, (each, of_cell) in enumerate(zip(recurrences, nodes, strict=True))
    ]


class _Values:
    """Values of one cell at all steps, each ``(time, batch, width)``, computed by torch where they are not known.

    Args:
        recurrence: The cell and its parameters.
        x: ``(time, batch, inputs)``.
        known: Values by reference.
    """

    def __init__(self, recurrence: Recurrence, x: Tensor, known: Mapping[int, Tensor]) -> None:
        self._recurrence = recurrence
        self._known = {X: x, **known}

    def add(self, known: Mapping[int, Tensor]) -> None:
        """Takes values that are known now."""
        self._known.update(known)

    def at(self, reference: int) -> Tensor:
        """Returns a value by its reference."""
        if reference not in self._known:
            self._known[reference] = self._compute(reference)
        return self._known[reference]

    def _compute(self, reference: int) -> Tensor:
        cell = self._recurrence.cell
        if reference < cell.first_node:
            return self._state(reference, 1)
        index = reference - cell.first_node
        node = cell.nodes[index]
        if node.op.row.delay:
            return self._state(node.inputs[0], node.op.row.delay)
        operands = [self.at(source) for source in node.inputs]
        if node.op is Op.LINEAR:
            linear = self._recurrence.linear(index, "")
            return functional.linear(torch.cat(operands, dim=-1), linear.weight, linear.bias)
        if node.op.row.unit_weight is not None:
            like = self._known[X]
            operands.append(self._recurrence.unit_weight(index, "").expand(*like.shape[:2], -1))
        return OPERATIONS[node.op](operands)

    def _state(self, state: int, ago: int) -> Tensor:
        """Returns a state as it was so many steps ago; before the first step it is zero."""
        after = self.at(self._recurrence.cell.outputs[state - 1])
        return functional.pad(after, (0, 0, 0, 0, ago, 0))[: len(after)]


class _Loop:
    """The programs of all cells in one table on the device."""

    def __init__(self, programs: Sequence[PackedProgram], device: torch.device, launch: Launch) -> None:
        first, rows = [0], []
        given = units = kept = 0
        for program in programs:
            # Places of a cell's values are counted among those of all cells.
            offsets: dict[int, tuple[int, int]] = {
                Access.LOAD: (given, 0),
                Access.READ: (kept, 0),
                Access.UNIT: (units, 0),
                Access.KEEP: (0, kept),
            }
            for number, a, b, c in program.instructions:
                of_a, of_b = offsets.get(number, (0, 0))
                rows.append((number, a + of_a, b + of_b, c))
            given, units = given + len(program.given), units + len(program.units)
            kept += len(program.kept)
            first.append(len(rows))
        self.kept = kept
        self._cells = len(programs)
        self._launch = launch
        self._first = torch.tensor(first, dtype=torch.int32, device=device)
        self._instructions = torch.tensor(rows, dtype=torch.int32, device=device)

    def run(self, name: str, *tensors: Tensor) -> None:
        """Runs a kernel over tensors of which the first is what is given, ``(values, time, batch, width)``."""
        _, steps, batch, width = tensors[0].shape
        blocks = (-(-batch * width // THREADS), self._cells)
        self._launch(name, blocks, [self._first, self._instructions, *tensors, steps, batch, width])


class _RunLoop(torch.autograd.Function):
    """The loops of all cells: from what they are given to what they keep, ``(values, time, batch, width)``."""

    @staticmethod
    def forward(ctx: Any, loop: _Loop, given: Tensor, units: Tensor) -> Tensor:
        """Runs the loops forward."""
        if not given.dtype == units.dtype == torch.float32:
            raise ValueError(
                f"values are {given.dtype} and weights {units.dtype}; the kernel takes torch.float32 alone:"
                " convert inputs and cells, and switch autocast off"
            )
        kept = given.new_empty(loop.kept, *given.shape[1:])
        loop.run("packed_forward", given, units, kept)
        ctx.loop = loop
        ctx.save_for_backward(given, units, kept)
        return kept

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_kept: Tensor) -> tuple[None, Tensor, Tensor]:
        """Runs them back."""
        given, units, kept = ctx.saved_tensors
        d_given = torch.empty_like(given)
        d_units = given.new_empty(len(units), *given.shape[2:])
        # The kernel adds to the gradient, which may be somebody else's.
        d_kept = d_kept.clone(memory_format=torch.contiguous_format)
        ctx.loop.run("packed_backward", given, units, kept, d_given, d_units, d_kept)
        return None, d_given, d_units.sum(1)
