"""The sizes of a head that decodes a forecast in segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Pooling
from evo_nas.genome.blocks import Context

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Signature


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """Sizes of a head that decodes all segments of a horizon in parallel (SegRNN; Lin et al., 2023).

    Attributes:
        segments: Segments of the horizon; the last one may reach beyond it.
        outputs: Outputs of each segment, for all its steps.
        features: Features that each segment's outputs are made of.
        reads_pooled: Whether pooled features are among them, beside what the top layer decodes. Where pooling takes the
            last output of one forward cell, they would say nothing that the cell does not know itself.
    """

    segments: int
    outputs: int
    features: int
    reads_pooled: bool

    @classmethod
    def of(cls, architecture: Architecture, signature: Signature, *, pooled: int) -> DecoderShape | None:
        """Returns the sizes for a forecast; None if one map leads to all its steps.

        Args:
            architecture: The network.
            signature: Its inputs and outputs.
            pooled: Features that the head pools.

        Raises:
            GenomeError: The task is no forecast.
        """
        head, top = architecture.head, architecture.layers[-1]
        if not head.segment:
            return None
        if not signature.horizon:
            raise GenomeError(f"head.segment is {head.segment}; must be 0, since the task is no forecast")
        is_known = head.pooling is Pooling.LAST and head.skip is None and not top.bidirectional
        # What a context adds is not in the state from which the cell goes on.
        reads_pooled = not is_known or top.context is not Context.NONE
        return cls(
            segments=-(-signature.horizon // head.segment),
            outputs=head.segment * (signature.outputs // signature.horizon),
            features=top.output_width + (pooled if reads_pooled else 0),
            reads_pooled=reads_pooled,
        )
