"""`RecurrentLayer`: a recurrence and what belongs to it: dropout, pace, context and normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from evo_nas.genome.architecture import Norm
from evo_nas.genome.blocks import Context
from evo_nas.models.backends import backend_for
from evo_nas.models.contexts import LayerContext
from evo_nas.models.hierarchy import Pace
from evo_nas.models.layers import SequenceDropout

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Layer

States = dict[str, Tensor]
"""What a pass over a piece of long sequences hands to the next piece, each ``(any, batch, ...)``, by name; zeros at the
beginning."""


class RecurrentLayer(nn.Module):
    """Dropout on the input, the recurrence at its pace and with its context, and a normalisation of its output."""

    def __init__(self, layer: Layer, inputs: int, *, device: str = "cpu") -> None:
        super().__init__()
        self.dropout = SequenceDropout(layer.dropout)
        self.recurrence = backend_for(layer.cell, device=device)(
            layer.cell, inputs, layer.width, bidirectional=layer.bidirectional
        )
        self.context = None if layer.context is Context.NONE else LayerContext(layer)
        self.pace = (
            None if layer.period == 1 else Pace(layer.period, layer.width, bidirectional=layer.bidirectional)
        )
        self.norm = nn.LayerNorm(layer.output_width) if layer.norm is Norm.LAYER else nn.Identity()

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, time, width * directions)``.

        Args:
            inputs: ``(batch, time, inputs)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        values = self.dropout(inputs)
        steps = (
            self._scan(values, lengths) if self.pace is None else self.pace.run(self._scan, values, lengths)
        )
        outputs: Tensor = self.norm(steps)
        return outputs

    def forward_from(self, inputs: Tensor, states: States | None) -> tuple[Tensor, States]:
        """Returns the outputs ``(batch, time, width)`` and the states after the last step.

        Args:
            inputs: ``(batch, time, inputs)``, without padding.
            states: What the call for the piece before returned; None for zeros.
        """
        values = self.dropout(inputs)
        before = self._zero_states(inputs) if states is None else states
        scan = self._scan_from
        outputs, after = (
            scan(values, before) if self.pace is None else self.pace.run_from(scan, values, before)
        )
        return self.norm(outputs), after

    def _scan(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns the output of every update ``(batch, updates, width * directions)``."""
        outputs: Tensor = self.recurrence(inputs, lengths)
        return outputs if self.context is None else self.context(outputs, lengths)

    def _scan_from(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns the output of every update of a piece ``(batch, updates, width)``, and the states after it."""
        outputs, cell = self.recurrence.forward_from(inputs, states["cell"])
        if self.context is None:
            return outputs, {"cell": cell}
        outputs, after = self.context.forward_from(outputs, states)
        return outputs, {"cell": cell, **after}

    def _zero_states(self, inputs: Tensor) -> States:
        """Returns the states that a pass over ``inputs`` ``(batch, time, inputs)`` begins with."""
        states = {"cell": self.recurrence.zero_states(inputs)}
        if self.context is not None:
            states |= self.context.zero_states(inputs)
        if self.pace is not None:
            states |= self.pace.zero_states(inputs)
        return states
