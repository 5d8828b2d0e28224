"""What leads from the input of a network to its first layer; `genome.blocks.FrontKind` lists the kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from evo_nas.errors import GenomeError
from evo_nas.models.layers import TiedEmbedding

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.models.recurrent_layer import States


class Steps(NamedTuple):
    """Sequences of vectors.

    Attributes:
        values: ``(batch, time, features)``.
        lengths: int64 ``(batch,)``; None if no sequence is padded.
    """

    values: Tensor
    lengths: Tensor | None


class FrontEnd(nn.Module):
    """The embedding of tokens, and what else is made of the input.

    Attributes:
        width: Features of each step of the output.
        embedding: Embedding of tokens; None if the inputs are numbers.

    Raises:
        GenomeError: The input is tokens and the architecture has no embedding width.
    """

    def __init__(self, architecture: Architecture, signature: Signature) -> None:
        super().__init__()
        self.embedding = _embedding(architecture, signature)
        self.width = signature.features if self.embedding is None else self.embedding.embedding_dim

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Steps:
        """Returns what the first layer reads.

        Args:
            inputs: float ``(batch, time, features)``, or int64 ``(batch, time)`` for tokens.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        return Steps(inputs if self.embedding is None else self.embedding(inputs), lengths)

    def forward_from(self, inputs: Tensor, states: States | None) -> tuple[Tensor, States]:  # noqa: ARG002
        """Returns what the first layer reads of the next piece of long sequences, and the states after it.

        Args:
            inputs: As for `forward`, without padding.
            states: What the call for the piece before returned; None at the beginning.
        """
        return self(inputs, None).values, {}


def _embedding(architecture: Architecture, signature: Signature) -> nn.Embedding | None:
    """Returns the embedding of tokens; None if the inputs are numbers."""
    if not signature.vocabulary:
        return None
    if architecture.embedding is None:
        raise GenomeError(
            f"architecture.embedding is None; a vocabulary of {signature.vocabulary} tokens needs its width"
        )
    kind = TiedEmbedding if architecture.tied else nn.Embedding
    return kind(signature.vocabulary, architecture.embedding)
