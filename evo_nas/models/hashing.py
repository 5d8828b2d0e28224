"""Rows of tables for n-grams: which row each run of tokens is hashed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from evo_nas.genome.blocks import Ngrams

NO_NGRAM = 0
"""The row of places where no n-gram ends. No n-gram is hashed to it, so it can be the ``padding_idx`` of a table."""
PRIME = 2**31 - 1
FACTOR, MIXER = 1_103_515_245, 48_271
"""Below `PRIME`, so that no product passes 2**62: what an overflow gives may differ between machines."""


def hashed_ngrams(
    tokens: Tensor, ngrams: Ngrams, lengths: Tensor | None = None, before: Tensor | None = None
) -> Tensor:
    """Returns the row of the n-grams of each length that end at each token, `NO_NGRAM` where none ends.

    The rows depend on the tokens alone: they are the same on every machine and in every version of torch.

    Args:
        tokens: Ids, int64 ``(batch, time)``.
        ngrams: Which runs are hashed into how many rows.
        lengths: int64 ``(batch,)``; None if no sequence is padded.
        before: What `tokens_before` returned for the piece before; None if a sequence begins here.

    Returns:
        Rows below ``ngrams.rows``, int64 ``(batch, time, ngrams.orders)``.
    """
    time, reach = tokens.shape[1], ngrams.longest - 1
    # One more than the id, so that 0 is no token.
    marked = torch.cat([_nothing(tokens, reach) if before is None else before.T, tokens + 1], dim=1)
    hashes, is_whole = marked, marked > 0
    rows = []
    for order in range(1, ngrams.longest + 1):
        if order > 1:
            # A run that ends here is the run shorter by one that ends a token earlier, and this token.
            hashes = (_later(hashes) * FACTOR + marked) % PRIME
            is_whole = _later(is_whole) & (marked > 0)
        if order >= ngrams.shortest:
            mixed = ((hashes ^ (hashes >> 15)) * MIXER + order * FACTOR) % PRIME
            rows.append(torch.where(is_whole, 1 + mixed % (ngrams.rows - 1), NO_NGRAM))
    found = torch.stack(rows, dim=-1)[:, reach:]
    if lengths is None:
        return found
    valid = torch.arange(time, device=tokens.device) < lengths[:, None]
    return found.masked_fill(~valid[..., None], NO_NGRAM)


def tokens_before(tokens: Tensor, ngrams: Ngrams, before: Tensor | None = None) -> Tensor:
    """Returns what `hashed_ngrams` needs to know of a piece to go on after it.

    Args:
        tokens: Ids of the piece, int64 ``(batch, time)``.
        ngrams: Which runs are hashed.
        before: What this returned for the piece before; None if a sequence begins here.

    Returns:
        The last tokens, each one more than its id and 0 where there is none: int64 ``(ngrams.longest - 1, batch)``.
    """
    reach = ngrams.longest - 1
    known = torch.cat([_nothing(tokens, reach) if before is None else before.T, tokens + 1], dim=1)
    return known[:, known.shape[1] - reach :].T


def _nothing(tokens: Tensor, steps: int) -> Tensor:
    return tokens.new_zeros(tokens.shape[0], steps)


def _later(values: Tensor) -> Tensor:
    """Returns ``values`` ``(batch, time)`` one step later, with 0 or False at the first step."""
    return torch.cat([torch.zeros_like(values[:, :1]), values[:, :-1]], dim=1)
