"""Every cell on CPU, by the interpreter: one call forward and one back for a whole batch of sequences."""

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
    """Runs every cell on CPU in single precision; elsewhere and in other precisions the path in Python."""

    path = "native"

    def __init__(self, cell: CellGraph, inputs: int, width: int, *, bidirectional: bool = False) -> None:
        super().__init__(cell, inputs, width, bidirectional=bidirectional)
        self.bound = BoundProgram(self._stacking)

    @classmethod
    def supports(cls, cell: CellGraph) -> bool:  # noqa: ARG003 - any cell will do
        """Returns whether this machine has built the interpreter or can."""
        return native_status().available

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Returns the output of every step, as `Recurrence.forward` does."""
        if not self.takes(inputs):
            return super().forward(inputs, lengths)
        outputs = [
            scan(self.bound, inputs, self.live_parameters(suffix), lengths=lengths, reverse=suffix != "")[0]
            for suffix in (("", "_reverse") if self.bidirectional else ("",))
        ]
        return torch.cat(outputs, dim=-1) if self.bidirectional else outputs[0]

    def takes(self, *given: Tensor) -> bool:
        """Returns whether the interpreter runs them: they and all parameters lie on the CPU in single precision."""
        tensors = (*given, *self.parameters())
        return all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in tensors)

    def run(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states`` on, as `BpttRecurrence.run` does."""
        if not self.takes(inputs, states):
            return super().run(inputs, states)
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
    """Runs a program over a batch of sequences on CPU in single precision.

    Args:
        program: The cell.
        inputs: ``(batch, time, inputs)``.
        parameters: Weights of the program's linear nodes, then their biases, None for none.
        lengths: int64 ``(batch,)``; None if no sequence is padded.
        initial: States before the first step, ``(states, batch, width)``; None for zeros.
        reverse: Whether to read each sequence from its end to its start.

    Returns:
        State 0 after each step, ``(batch, time, width)``, zero at padded steps; and all states after each
        sequence's last step, ``(states, batch, width)``.

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
    """Memory that is lent again after use: fresh pages cost as much as the work that is done on them.

    Each layer and direction of a network holds a workspace from its forward pass to its backward pass.

    Args:
        most: Floats that are kept while nobody uses them; what is beyond goes back to the system.
    """

    def __init__(self, most: int = 2**26) -> None:
        self._most = most
        self._lock = Lock()
        self.spare: list[Tensor] = []
        """The smallest first."""

    def lend(self, floats: int) -> _Workspace:
        """Returns memory for that many floats, which comes back by itself."""
        return _Workspace(self._take(floats), self)

    def _take(self, floats: int) -> Tensor:
        with self._lock:
            position = bisect_left(self.spare, floats, key=len)
            if position < len(self.spare):
                return self.spare.pop(position)
        tensor = torch.empty(floats, dtype=torch.float32)
        with self._lock:
            del self.spare[-1:]  # outgrown by this one
        return tensor

    def give_back(self, tensor: Tensor) -> None:
        """Keeps memory for the next who needs it, if there is room."""
        if not self._lock.acquire(blocking=False):
            return  # this thread may hold it: garbage is collected anywhere
        try:
            if sum(map(len, self.spare)) + len(tensor) <= self._most:
                insort(self.spare, tensor, key=len)
        finally:
            self._lock.release()


class _Workspace:
    """Memory of a pool in use."""

    def __init__(self, tensor: Tensor, pool: _Pool) -> None:
        self._tensor = tensor
        self._pool = pool
        self.address = tensor.data_ptr()

    def __del__(self) -> None:
        self._pool.give_back(self._tensor)


_values = _Pool()
_scratch = _Pool()


class _Scan(torch.autograd.Function):
    """`scan` with gradients; the interpreter keeps every step's values in one buffer."""

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
        """Runs the interpreter back."""
        program, sequences = ctx.program, ctx.sequences
        inputs, initial, *parameters = ctx.saved_tensors
        wanted = ctx.needs_input_grad[2:4]
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
    """Returns outputs, final states, and the values of all steps if they are kept."""
    inputs, initial, *parameters = tensors
    assert inputs is not None
    library = native_library()
    values = _values.lend(library.forward_floats(program.address, sequences.address, keep))
    states, width = program.stacking.program.states, program.stacking.width
    outputs = inputs.new_empty(*inputs.shape[:2], width)
    final = inputs.new_empty(states, len(inputs), width)
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
    """A batch's lengths where the interpreter can read them, sequences sorted from the longest down."""

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
    rows, steps, features = inputs.shape
    stacking = program.stacking
    if features != stacking.inputs:
        raise ValueError(f"inputs have {features} features; the layer was built for {stacking.inputs}")
    if lengths is not None and (lengths.shape != (rows,) or not _within(lengths, steps)):
        raise ValueError(f"lengths are {lengths.tolist()}; must be {rows} numbers, each 0 to {steps}")
    shape = (stacking.program.states, rows, stacking.width)
    if initial is not None and initial.shape != shape:
        raise ValueError(f"initial states have shape {tuple(initial.shape)}; must have {shape}")


def _within(lengths: Tensor, steps: int) -> bool:
    return not len(lengths) or (int(lengths.min()) >= 0 and int(lengths.max()) <= steps)
