"""Networks that can be recorded whole: recurrences under torch's ``scan``, and parts without branches on the time.

The backends run a loop of Python over the steps, or code of their own; `torch.export` would unroll the one and cannot
look into the other. Here every loop over steps is one ``scan`` operator, so that a recording reads sequences of any
length. It is slower than the backends and is not in their table.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from evo_nas.genome.blocks import ATTENTION_HEADS, ATTENTION_WINDOW
from evo_nas.genome.ops import Op
from evo_nas.models.attention import WindowedAttention
from evo_nas.models.eager import run_step
from evo_nas.models.external_memory import SlotMemory
from evo_nas.models.hierarchy import Pace
from evo_nas.models.recurrence import Recurrence, valid_steps
from evo_nas.models.recurrent_layer import RecurrentLayer
from evo_nas.models.shortcuts import FlatLine
from evo_nas.models.stems import Convolution, Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.ensemble import Model
    from evo_nas.models.recurrent_layer import States


def recordable(model: Model) -> Model:
    """Returns a copy of ``model`` that gives the same outputs and can be recorded with dynamic batch and time.

    It is called with lengths, since without them parts of a network branch on the number of steps.
    """
    copied = copy.deepcopy(model)
    for module in list(copied.modules()):
        if isinstance(module, RecurrentLayer):
            module.recurrence = ScannedRecurrence.like(module.recurrence)
            if module.pace is not None:
                module.pace = PaddedPace.like(module.pace)
        for name, child in list(module.named_children()):
            if isinstance(child, WindowedAttention):
                module.register_module(name, UnfoldedAttention.like(child))
            elif isinstance(child, SlotMemory):
                module.register_module(name, ScannedMemory.like(child))
            elif isinstance(child, Convolution):
                module.register_module(name, GatheredConvolution.like(child))
            elif isinstance(child, FlatLine):
                module.register_module(name, PaddedLine.like(child))
    return copied.eval()


class ScannedRecurrence(Recurrence):
    """Runs a cell with one ``scan`` over the steps; every step is that of the reference backend."""

    backend_name = "scanned"

    @classmethod
    def like(cls, other: Recurrence) -> ScannedRecurrence:
        """Returns a recurrence with the cell and the parameters of ``other``."""
        made = cls(other.cell, other.inputs, other.width, bidirectional=other.bidirectional)
        made.load_state_dict(other.state_dict())
        return made

    @classmethod
    def supports(cls, cell: CellGraph, *, device: str = "cpu") -> bool:  # noqa: ARG003 - any will do
        """Returns True."""
        return True

    def forward_from(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the forward direction from ``states``, as `Recurrence.forward_from` says."""
        return self._run(inputs, states, None, suffix="")

    def _scan(self, inputs: Tensor, valid: Tensor | None, *, suffix: str) -> Tensor:
        return self._run(inputs, self.zero_states(inputs), valid, suffix=suffix)[0]

    def _scan_to_states(self, inputs: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        return self._run(inputs, self.zero_states(inputs), valid, suffix="")

    def _run(
        self, inputs: Tensor, carried: Tensor, valid: Tensor | None, *, suffix: str
    ) -> tuple[Tensor, Tensor]:
        cell = self.cell
        nodes = list(enumerate(cell.nodes))
        linears = {index: self.linear(index, suffix) for index, node in nodes if node.op is Op.LINEAR}
        units = {
            index: self.unit_weight(index, suffix)
            for index, node in nodes
            if node.op.row.unit_weight is not None
        }
        places = {place: at for at, place in enumerate(cell.carried)}
        delays = {
            index: places[node.inputs[0] - 1, node.op.row.delay] for index, node in nodes if node.op.row.delay
        }
        steps = torch.ones_like(inputs[..., 0], dtype=torch.bool) if valid is None else valid

        def step(before: Tensor, read: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            x, keep = read
            states = [before[at] for at in range(cell.states)]
            given = {index: unit.expand_as(states[0]) for index, unit in units.items()}
            given |= {index: before[at] for index, at in delays.items()}
            following = run_step(cell, x, states, linears=linears, given=given)
            # What was written one step ago is two steps old now.
            after = [
                following[state] if ago == 1 else before[places[state, ago - 1]]
                for state, ago in cell.carried
            ]
            # Chosen, not multiplied by a mask: a padded step may overflow, and zero times infinity is NaN.
            kept = torch.where(keep[:, None], torch.stack(after), before)
            return kept, kept[0].clone()

        last, outputs = _scanned(step, carried, (inputs.transpose(0, 1), steps.transpose(0, 1)))
        return outputs.transpose(0, 1), last


class ScannedMemory(SlotMemory):
    """A memory of slots that is written and read step by step, where its base computes chunks of steps at once."""

    @classmethod
    def like(cls, other: SlotMemory) -> ScannedMemory:
        """Returns a memory with the parameters of ``other``."""
        made = cls(other.address.in_features)
        made.load_state_dict(other.state_dict())
        return made

    def forward_from(self, steps: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns what each step reads, and the memory after it; see `SlotMemory.forward_from`."""
        accesses = self._accesses(steps)

        def step(slots: Tensor, access: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
            query, content, written = access
            share = written[..., None]  # (batch, slots, 1)
            after = (1 - share) * slots + share * content[:, None]
            keys, values = after.chunk(2, dim=-1)
            weights = (keys @ query[..., None]).squeeze(-1).softmax(dim=-1)
            return after, (weights[:, None] @ values).squeeze(1)

        slots, found = _scanned(
            step,
            states["slots"].transpose(0, 1).contiguous(),
            tuple(each.transpose(0, 1) for each in accesses),
        )
        merged: Tensor = self.merge(found.transpose(0, 1))
        return merged, {"slots": slots.transpose(0, 1)}


class UnfoldedAttention(WindowedAttention):
    """Attention that cuts the window of every step out by itself, where its base shares it between steps of a block."""

    @classmethod
    def like(cls, other: WindowedAttention) -> UnfoldedAttention:
        """Returns an attention with the parameters of ``other``."""
        made = cls(other.merge.out_features)
        made.load_state_dict(other.state_dict())
        return made

    def forward(self, steps: Tensor) -> Tensor:
        """Returns what the window before each step gives; see `WindowedAttention.forward`."""
        scaled = functional.layer_norm(steps, (steps.shape[-1],))
        projected = torch.unflatten(self.project(scaled), -1, (3, ATTENTION_HEADS, -1))
        queries, keys, values = projected.unbind(2)  # (batch, time, heads, features)
        reach = ATTENTION_WINDOW - 1
        keys, values = (
            functional.pad(each, (0, 0, 0, 0, reach, 0)).unfold(1, ATTENTION_WINDOW, 1)
            for each in (keys, values)
        )  # (batch, time, heads, features, window), the present step last
        seen = torch.arange(steps.shape[1], device=steps.device)[:, None] >= torch.arange(
            reach, -1, -1, device=steps.device
        )
        scores = torch.einsum("bthf,bthfw->bthw", queries * queries.shape[-1] ** -0.5, keys)
        scores = scores + self.distances.flip(1)
        weights = scores.masked_fill(~seen[:, None], -torch.inf).softmax(dim=-1)
        found = torch.einsum("bthw,bthfw->bthf", weights, values)
        merged: Tensor = self.merge(found.flatten(2))
        return merged


class PaddedPace(Pace):
    """A pace that reads one chunk more, which no step sees, so that a sequence shorter than a chunk is no exception."""

    @classmethod
    def like(cls, other: Pace) -> PaddedPace:
        """Returns a pace with the settings of ``other``."""
        return cls(other.period, other.width, bidirectional=other.bidirectional)

    def run(
        self, scan: Callable[[Tensor, Tensor | None], Tensor], inputs: Tensor, lengths: Tensor | None
    ) -> Tensor:
        """Returns the output of every step; see `Pace.run`."""
        batch, time = inputs.shape[0], inputs.shape[1]
        if lengths is None:
            lengths = torch.full((batch,), time, dtype=torch.int64, device=inputs.device)
        slow = scan(self._means(functional.pad(inputs, (0, 0, 0, self.period))), lengths // self.period)
        steps = torch.arange(time, device=inputs.device)
        held = functional.pad(slow[..., : self.width], (0, 0, 1, 0))[:, (steps + 1) // self.period]
        if not self.bidirectional:
            return held
        # The chunk that is not whole is beyond the lengths, so that its output is zero.
        return torch.cat([held, slow[..., self.width :][:, steps // self.period]], dim=-1)

    def _means(self, inputs: Tensor) -> Tensor:
        return inputs.unfold(1, self.period, self.period).mean(dim=-1)


class GatheredConvolution(Convolution):
    """A convolution that takes the steps of every place by their positions, so that no sequence is too short."""

    @classmethod
    def like(cls, other: Convolution) -> GatheredConvolution:
        """Returns a convolution with the parameters of ``other``."""
        made = copy.copy(other)
        made.__class__ = cls
        return made  # type: ignore[return-value]

    def forward(self, steps: Steps) -> Steps:
        """Returns a step for each place of the convolution; see `Convolution.forward`."""
        values, lengths, _ = steps
        time, stride = values.shape[1], self._stride
        if lengths is None:
            lengths = torch.full_like(values[:, 0, 0], time, dtype=torch.int64)
        counts = (lengths + stride - 1) // stride
        # One place more than there are, which no sequence reaches: a recording takes one step for an exception.
        places = torch.arange((time + stride - 1) // stride + (stride > 1), device=values.device)
        # The last place is at the last step, and each place before it a stride earlier.
        ends = (lengths - 1)[:, None] - (counts[:, None] - 1 - places) * stride
        read = ends[..., None] + torch.arange(1 - self._size, 1, device=values.device)
        rows = torch.arange(values.shape[0], device=values.device)[:, None, None]
        found = values[rows, read.clamp(min=0).clamp(max=time - 1)]  # (batch, places, size, features)
        found = found.masked_fill((read < 0)[..., None], 0.0).transpose(2, 3).flatten(2)
        return Steps(torch.relu(self.kernel(found)), counts)


class PaddedLine(FlatLine):
    """A line that pads by a fixed number of steps and cuts off what is too much."""

    @classmethod
    def like(cls, other: FlatLine) -> PaddedLine:
        """Returns a line with the parameters of ``other``."""
        made = copy.copy(other)
        made.__class__ = cls
        return made  # type: ignore[return-value]

    def read(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns the steps, zeros after the end; see `FlatLine.read`."""
        if lengths is not None:
            inputs = inputs.masked_fill(~valid_steps(lengths, inputs.shape[1])[..., None], 0.0)
        return functional.pad(inputs, (0, 0, 0, self._steps))[:, : self._steps].flatten(1)


def _scanned(
    step: Callable[[Tensor, Any], tuple[Tensor, Tensor]], before: Tensor, read: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor]:
    """Returns what is carried on after the last step, and the outputs ``(time, ...)`` of all.

    Args:
        step: ``(carried, read of one step) -> (carried, output)``.
        before: What is carried before the first step.
        read: What the steps read, ``(time, ...)`` each.
    """
    # Imported here, since it loads torch's compiler, which takes seconds.
    from torch._higher_order_ops.scan import scan  # noqa: PLC0415

    carried, outputs = scan(step, before, read, dim=0)
    return carried, outputs
