"""Stems of tokens: vectors of hashed n-grams and of spellings, beside the embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from evo_nas.genome.blocks import LONGEST_SPELLING, NGRAM_WIDTH, Ngrams
from evo_nas.models.hashing import NO_NGRAM, hashed_ngrams, tokens_before
from evo_nas.models.stems import Stem, Steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.models.recurrent_layer import States


class NgramVectors(Stem):
    """Joins each token's embedding to the sum of the vectors of the hashed n-grams that end at it."""

    def __init__(self, features: int, *, ngrams: Ngrams) -> None:
        super().__init__(features + NGRAM_WIDTH)
        self._ngrams = ngrams
        self.vectors = _table(ngrams.rows, NGRAM_WIDTH, mode="sum")

    def forward(self, steps: Steps) -> Steps:
        """Returns embeddings with the vectors of n-grams."""
        rows = hashed_ngrams(_tokens(steps), self._ngrams, steps.lengths)
        return Steps(self._joined(steps.values, rows), steps.lengths)

    def forward_from(self, steps: Steps, states: States | None) -> tuple[Tensor, States]:
        """Returns those of a piece; see `Stem.forward_from`."""
        if self._ngrams.longest == 1:
            return super().forward_from(steps, states)
        tokens = _tokens(steps)
        before = None if states is None else states["tokens"]
        rows = hashed_ngrams(tokens, self._ngrams, before=before)
        return self._joined(steps.values, rows), {"tokens": tokens_before(tokens, self._ngrams, before)}

    def _joined(self, values: Tensor, rows: Tensor) -> Tensor:
        vectors = self.vectors(rows.flatten(0, 1)).view(*rows.shape[:2], NGRAM_WIDTH)
        return torch.cat([values, vectors], dim=-1)


class Subwords(Stem):
    """Adds to each token's embedding the mean of the vectors of its character n-grams (Bojanowski et al., 2017).

    Attributes:
        spellings: The row of each n-gram of each token, int32 ``(vocabulary, n-grams)``, part of what is stored;
            `NO_NGRAM` throughout before `read_spellings`.
    """

    spellings: Tensor

    def __init__(self, features: int, *, vocabulary: int, ngrams: Ngrams) -> None:
        super().__init__(features)
        self._ngrams = ngrams
        self.vectors = _table(ngrams.rows, features, mode="mean")
        places = LONGEST_SPELLING * ngrams.orders
        self.register_buffer("spellings", torch.full((vocabulary, places), NO_NGRAM, dtype=torch.int32))

    def read_spellings(self, vocabulary: Sequence[str]) -> None:
        """Takes in how tokens are written.

        Args:
            vocabulary: The token of each id.
        """
        marked = [f"<{token}>"[:LONGEST_SPELLING] for token in vocabulary]
        characters = torch.zeros(len(marked), LONGEST_SPELLING, dtype=torch.int64)
        for row, text in zip(characters, marked, strict=True):
            row[: len(text)] = torch.tensor([ord(character) for character in text])
        lengths = torch.tensor([len(text) for text in marked])
        self.spellings.copy_(hashed_ngrams(characters, self._ngrams, lengths).flatten(1))

    def forward(self, steps: Steps) -> Steps:
        """Returns embeddings with what spellings add to them."""
        return Steps(steps.values + self._vectors_of(_tokens(steps)), steps.lengths)

    def _vectors_of(self, tokens: Tensor) -> Tensor:
        # A batch with more tokens than there are words has words more than once. What is recorded serves any batch.
        if not torch.compiler.is_exporting() and tokens.numel() > len(self.spellings):
            return functional.embedding(tokens, self.vectors(self.spellings))
        vectors: Tensor = self.vectors(self.spellings[tokens.flatten()])
        return vectors.view(*tokens.shape, self.width)


def _tokens(steps: Steps) -> Tensor:
    assert steps.tokens is not None, "`fronts.FrontEnd` has checked it"
    return steps.tokens


def _table(rows: int, width: int, *, mode: str) -> nn.EmbeddingBag:
    """Returns a table of vectors, all zero, so that what training never saw adds nothing."""
    table = nn.EmbeddingBag(rows, width, mode=mode, padding_idx=NO_NGRAM)
    nn.init.zeros_(table.weight)
    return table
