"""What leads from the input of a network to its first layer; `genome.blocks.FrontKind` lists the kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from evo_nas.errors import GenomeError
from evo_nas.genome.blocks import FrontKind
from evo_nas.genome.fitting import front_obstacle
from evo_nas.models.layers import TiedEmbedding, TokenDropout
from evo_nas.models.stems import Convolution, Differences, Plain, Stem, Steps
from evo_nas.models.token_stems import NgramVectors, Subwords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.models.recurrent_layer import States


class FrontEnd(nn.Module):
    """The embedding of tokens, and what else is made of the input.

    Attributes:
        width: Features of each step of the output.
        embedding: Embedding of tokens; None if the inputs are numbers.
        stem: Makes the output out of numbers or embeddings.

    Raises:
        GenomeError: The input is tokens and the architecture has no embedding width; or the front does not fit the
            input.
    """

    stem: Stem

    def __init__(self, architecture: Architecture, signature: Signature) -> None:
        super().__init__()
        self._front = architecture.front
        self.embedding = _embedding(architecture, signature)
        self.token_dropout = TokenDropout(architecture.embedding_dropout, signature.vocabulary)
        self.stem = _stem(architecture, signature)
        self.width = self.stem.width

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Steps:
        """Returns what the first layer reads.

        Args:
            inputs: float ``(batch, time, features)``, or int64 ``(batch, time)`` for tokens.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        steps: Steps = self.stem(self._steps(inputs, lengths))
        return steps

    def forward_from(self, inputs: Tensor, states: States | None) -> tuple[Tensor, States]:
        """Returns what the first layer reads of the next piece of long sequences, and the states after it.

        Args:
            inputs: As for `forward`, without padding.
            states: What the call for the piece before returned; None at the beginning.

        Raises:
            GenomeError: The front has fewer steps than the input, so that pieces would not meet.
        """
        if self._front.shortens > 1:
            raise GenomeError(
                f"architecture.front is {self._front}; for a text that is read piece by piece it must have a step for "
                "each token"
            )
        return self.stem.forward_from(self._steps(inputs, None), states)

    def read_spellings(self, vocabulary: Sequence[str]) -> None:
        """Takes in how the token of each id is written, for a front that reads that.

        Raises:
            GenomeError: The front reads spellings, and not every token has one.
        """
        if not isinstance(self.stem, Subwords):
            return
        if len(vocabulary) != len(self.stem.spellings):
            raise GenomeError(
                f"architecture.front reads the spelling of {len(self.stem.spellings)} tokens, and the data set has "
                f"{len(vocabulary)} of them; choose another front"
            )
        self.stem.read_spellings(vocabulary)

    def _steps(self, inputs: Tensor, lengths: Tensor | None) -> Steps:
        if self.embedding is None:
            return Steps(inputs, lengths)
        return Steps(self.token_dropout(self.embedding(inputs), inputs), lengths, inputs)


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


def _stem(architecture: Architecture, signature: Signature) -> Stem:
    front = architecture.front
    if obstacle := front_obstacle(front, signature):
        raise GenomeError(f"architecture.front is {front}, which does not fit the task: {obstacle}")
    features = (signature.vocabulary and architecture.embedding) or signature.features
    width = architecture.layers[0].width
    match front.kind:
        case FrontKind.NONE:
            return Plain(features)
        case FrontKind.DIFFERENCES:
            return Differences(features)
        case FrontKind.SEGMENTS | FrontKind.CONVOLUTION:
            return Convolution(features, width, size=front.size, stride=front.shortens)
        case _:
            assert front.ngrams is not None, "Front has checked it"
            if front.kind is FrontKind.NGRAMS:
                return NgramVectors(features, ngrams=front.ngrams)
            return Subwords(features, vocabulary=signature.vocabulary, ngrams=front.ngrams)
