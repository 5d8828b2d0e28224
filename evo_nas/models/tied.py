"""One set of weights for the embedding of tokens and for their scores (Press and Wolf, 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from evo_nas.errors import GenomeError


class TiedEmbedding(nn.Embedding):
    """Weights small enough for the scores of tokens, scaled to about 1 where they are read (Vaswani et al., 2017)."""

    def reset_parameters(self) -> None:
        """Draws weights whose products with features of about 1 are about 1."""
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Returns ``(..., width)`` of ``tokens`` ``(...)``."""
        scale: float = self.embedding_dim**0.5
        return super().forward(tokens) * scale


class TiedOutput(nn.Module):
    """Scores of tokens with their embeddings as weights, projected to their width first if need be.

    The weights are the embedding's alone: they are trained, moved and stored as its own.

    Raises:
        GenomeError: Outputs are not as many as the tokens of the embedding.
    """

    def __init__(self, features: int, embedding: TiedEmbedding, *, outputs: int) -> None:
        super().__init__()
        if outputs != embedding.num_embeddings:
            raise GenomeError(
                f"architecture.tied is True; must be False for {outputs} outputs and a vocabulary of "
                f"{embedding.num_embeddings} tokens"
            )
        self._embedding = (embedding,)  # in a tuple, lest torch should register it a second time
        width = embedding.embedding_dim
        self.projection = nn.Identity() if features == width else nn.Linear(features, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Returns ``(..., vocabulary)`` of ``features`` ``(..., features)``."""
        return functional.linear(self.projection(features), self._embedding[0].weight, self.bias)
