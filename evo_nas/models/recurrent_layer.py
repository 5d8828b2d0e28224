"""`RecurrentLayer`: a recurrence and what belongs to it: dropout and normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from evo_nas.genome.architecture import Norm
from evo_nas.models.backends import backend_for
from evo_nas.models.layers import SequenceDropout

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Layer

States = dict[str, Tensor]
"""What a pass over a piece of long sequences hands to the next piece, each ``(any, batch, ...)``, by name; zeros at the
beginning."""


class RecurrentLayer(nn.Module):
    """Dropout on the input, the recurrence, and a normalisation of its output."""

    def __init__(self, layer: Layer, inputs: int, *, device: str = "cpu") -> None:
        super().__init__()
        self.dropout = SequenceDropout(layer.dropout)
        self.recurrence = backend_for(layer.cell, device=device)(
            layer.cell, inputs, layer.width, bidirectional=layer.bidirectional
        )
        self.norm = nn.LayerNorm(layer.output_width) if layer.norm is Norm.LAYER else nn.Identity()

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, time, width * directions)``.

        Args:
            inputs: ``(batch, time, inputs)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        outputs: Tensor = self.norm(self.recurrence(self.dropout(inputs), lengths))
        return outputs

    def forward_from(self, inputs: Tensor, states: States | None) -> tuple[Tensor, States]:
        """Returns the outputs ``(batch, time, width)`` and the states after the last step.

        Args:
            inputs: ``(batch, time, inputs)``, without padding.
            states: What the call for the piece before returned; None for zeros.
        """
        before = self.recurrence.zero_states(inputs) if states is None else states["cell"]
        outputs, after = self.recurrence.forward_from(self.dropout(inputs), before)
        return self.norm(outputs), {"cell": after}
