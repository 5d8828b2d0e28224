"""The native backend for autograd: one call forward and one back for a whole batch of sequences."""

from __future__ import annotations

from bisect import bisect_left, insort
from ctypes import Array, addressof, c_void_p
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.native.binding import BoundProgram, CSequences
from evo_nas.models.native.build import native_library, native_status
from evo_nas.models.recurrence import valid_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.cell import CellGraph


class NativeRecurrence(BpttRecurrence):
    """Runs every cell on a CPU in single precision; in other precisions it runs as `BpttRecurrence`."""

    backend_name = "native"

    def __init__(self, cell: CellGraph, inputs: int, width: int, *, bidirectional: bool = False) -> None:
        super().__init__(cell, inputs, width, bidirectional=bidirectional)
        self.bound = BoundProgram(self._layout)

    @classmethod
    def supports(cls, cell: CellGraph, *, device: str = "cpu") -> bool:  # noqa: ARG003 - any cell will do
        """Returns whether ``device`` is the CPU and this machine has built the interpreter or can build it."""
        return device == "cpu" and native_status().available

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Returns the output of every step, as `Recurrence.forward` does."""
        return self._run(inputs, lengths)[0] if self.takes(inputs) else super().forward(inputs, lengths)

    def encode(self, inputs: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns the output of every step and the last states, as `Recurrence.encode` does."""
        return self._run(inputs, lengths) if self.takes(inputs) else super().encode(inputs, lengths)

    def _run(self, inputs: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        outputs, states = scan(self.bound, inputs, self.live_parameters(""), lengths=lengths)
        if self.bidirectional:
            reverse = self.live_parameters("_reverse")
            backward, _ = scan(self.bound, inputs, reverse, lengths=lengths, reverse=True)
            outputs = torch.cat([outputs, backward], dim=-1)
        return outputs, states

    def takes(self, *given: Tensor) -> bool:
        """Returns whether the interpreter can run: all given tensors and parameters are on the CPU in float32."""
        tensors = (*given, *self.parameters())
        return all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in tensors)

    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states``, as `Recurrence.forward_from` says."""
        if not self.takes(inputs, states):
            return super().forward_from(inputs, states)
        return scan(self.bound, inputs, self.live_parameters(""), initial=states)


def scan(
    program: BoundProgram,
    inputs: Tensor,
    parameters: Sequence[Tensor | None],
    *,
    lengths: Tensor | None = None,
    initial: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """Runs a program over a batch of sequences on a CPU in single precision.

    Args:
        program: The cell.
        inputs: ``(batch, time, inputs)``.
        parameters: Weights ``(width, total input width)`` of the program's linear nodes, then their biases
            ``(width,)``; a bias that a node does not have is None.
        lengths: int64 ``(batch,)``; None if no sequence is padded.
        initial: States before the first step, ``(carried, batch, width)``; None for zeros.
        reverse: Whether to read each sequence from its end to its start.

    Returns:
        State 0 after each step, ``(batch, time, width)``, zero at padded steps; and all states after each
        sequence's last step, ``(carried, batch, width)``.

    Raises:
        ValueError: A shape does not fit the program, or a length exceeds the number of steps.
    """
    _check_shapes(program, inputs, lengths, initial)
    sequences = _Sequences(inputs, lengths, reverse=reverse)
    tensors = [None if tensor is None else tensor.contiguous() for tensor in (inputs, initial, *parameters)]
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in tensors):
        outputs, final = _Scan.apply(program, sequences, *tensors)  # type: ignore[no-untyped-call]
        return outputs, final
    outputs, final, _ = _forward(program, sequences, tensors, keep=False)
    return outputs, final


class _Pool:
    """Memory that is reused: fresh pages cost as much as the work that is done on them.

    Each layer and direction of a network holds a workspace from its forward pass to its backward pass.

    Args:
        most: How many floats are kept while they are not in use; memory beyond that goes back to the system.
    """

    def __init__(self, most: int = 2**26) -> None:
        self._most = most
        self._lock = Lock()
        self.spare: list[Tensor] = []
        """Memory that is not in use, the smallest first."""

    def lend(self, floats: int) -> _Workspace:
        """Returns memory for that many floats; it comes back when the workspace is deleted."""
        return _Workspace(self._take(floats), self)

    def _take(self, floats: int) -> Tensor:
        with self._lock:
            position = bisect_left(self.spare, floats, key=len)
            if position < len(self.spare):
                return self.spare.pop(position)
        tensor = torch.empty(floats, dtype=torch.float32)
        with self._lock:
            del self.spare[-1:]  # the largest was too small, so this one replaces it
        return tensor

    def give_back(self, tensor: Tensor) -> None:
        """Keeps memory for a later `lend`, if there is room."""
        # Garbage may be collected while this very thread holds the lock, and waiting for it would never end.
        if not self._lock.acquire(blocking=False):
            return
        try:
            if sum(map(len, self.spare)) + len(tensor) <= self._most:
                insort(self.spare, tensor, key=len)
        finally:
            self._lock.release()


class _Workspace:
    """Memory of a pool that is in use."""

    def __init__(self, tensor: Tensor, pool: _Pool) -> None:
        self._tensor = tensor
        self._pool = pool
        self.address = tensor.data_ptr()

    def __del__(self) -> None:
        self._pool.give_back(self._tensor)


_values = _Pool()
_scratch = _Pool()


class _Scan(torch.autograd.Function):
    """`scan` with gradients; the interpreter keeps the values of every step in one buffer."""

    @staticmethod
    def forward(
        ctx: Any, program: BoundProgram, sequences: _Sequences, *tensors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Runs the interpreter forward."""
        outputs, final, values = _forward(program, sequences, tensors, keep=True)
        ctx.program, ctx.sequences, ctx.values = program, sequences, values
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        return outputs, final

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor | None, d_final: Tensor | None) -> tuple[Tensor | None, ...]:
        """Runs the interpreter back.

        Args:
            ctx: What `forward` kept.
            d_outputs: Gradient of state 0 after each step ``(batch, time, width)``; None for zeros.
            d_final: Gradient of the states after the last step ``(carried, batch, width)``; None for zeros.
        """
        program, sequences = ctx.program, ctx.sequences
        inputs, initial, *parameters = ctx.saved_tensors
        wanted = ctx.needs_input_grad[
            2:4
        ]  # after the program and the sequences come inputs and initial states
        gradients = [
            torch.empty_like(tensor) if needed else None
            for tensor, needed in zip((inputs, initial), wanted, strict=True)
        ]
        gradients += [None if tensor is None else torch.empty_like(tensor) for tensor in parameters]
        library = native_library()
        scratch = _scratch.lend(library.backward_floats(program.address, sequences.address))
        d_outputs, d_final = (None if d is None else d.contiguous() for d in (d_outputs, d_final))
        library.backward_pass(
            program.address,
            sequences.address,
            _addresses(parameters),
            ctx.values.address,
            scratch.address,
            *map(_address, (d_outputs, d_final, *gradients[:2])),
            _addresses(gradients[2:]),
        )
        return None, None, *gradients


def _forward(
    program: BoundProgram, sequences: _Sequences, tensors: Sequence[Tensor | None], *, keep: bool
) -> tuple[Tensor, Tensor, _Workspace]:
    """Returns outputs, final states, and the workspace, which holds the values of all steps if they are kept."""
    inputs, initial, *parameters = tensors
    assert inputs is not None
    library = native_library()
    values = _values.lend(library.forward_floats(program.address, sequences.address, keep))
    carried, width = len(program.layout.program.carried), program.layout.width
    outputs = inputs.new_empty(*inputs.shape[:2], width)
    final = inputs.new_empty(carried, len(inputs), width)
    library.forward_pass(
        program.address,
        sequences.address,
        _addresses(parameters),
        _address(inputs),
        _address(initial),
        keep,
        values.address,
        *map(_address, (outputs, final)),
    )
    return outputs, final, values


class _Sequences:
    """The lengths of a batch in memory that the interpreter can read, from the longest sequence down.

    Sorted, the sequences that are still going at a step are the first rows: one smaller matrix, without a mask.
    """

    def __init__(self, inputs: Tensor, lengths: Tensor | None, *, reverse: bool) -> None:
        rows, steps, _ = inputs.shape
        if lengths is None:
            lengths = torch.full((rows,), steps)
        ordered, order = lengths.sort(descending=True, stable=True)
        active = valid_steps(lengths, steps).sum(0)
        self._tensors = [tensor.int() for tensor in (order, ordered, active)]
        order, ordered, active = self._tensors
        self._structure = CSequences(
            rows=rows,
            steps=steps,
            reversed=reverse,
            order=order.data_ptr(),
            lengths=ordered.data_ptr(),
            active=active.data_ptr(),
        )
        self.address = addressof(self._structure)


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _addresses(tensors: Sequence[Tensor | None]) -> Array[c_void_p]:
    return (c_void_p * len(tensors))(*map(_address, tensors))


def _check_shapes(
    program: BoundProgram, inputs: Tensor, lengths: Tensor | None, initial: Tensor | None
) -> None:
    """Raises `ValueError` for shapes with which the interpreter would read memory that is not its own."""
    rows, steps, features = inputs.shape
    layout = program.layout
    if features != layout.inputs:
        raise ValueError(f"inputs have {features} features; the layer was built for {layout.inputs}")
    if lengths is not None and (lengths.shape != (rows,) or not _within(lengths, steps)):
        raise ValueError(f"lengths are {lengths.tolist()}; must be {rows} numbers, each 0 to {steps}")
    shape = (len(layout.program.carried), rows, layout.width)
    if initial is not None and initial.shape != shape:
        raise ValueError(f"initial states have shape {tuple(initial.shape)}; must have {shape}")


def _within(lengths: Tensor, steps: int) -> bool:
    return not len(lengths) or (int(lengths.min()) >= 0 and int(lengths.max()) <= steps)
