"""What leads from the input to the first cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def differences(steps: Tensor) -> Tensor:
    """Returns each step beside its difference from the one before, zero at first."""
    change = steps.diff(dim=1, prepend=steps[:, :1])
    return torch.cat([steps, change], dim=-1)


class Convolution(nn.Module):
    """A causal convolution and ReLU; the last place is at the last step.

    Args:
        features: Features of a step.
        width: Features of a place.
        size: Steps that a place reads.
        stride: Steps from one place to the next.
    """

    def __init__(self, features: int, width: int, size: int, stride: int) -> None:
        super().__init__()
        self.kernel = nn.Linear(features * size, width)
        self.size, self.stride = size, stride

    def forward(
        self, steps: Tensor, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Returns the places `(batch, places, width)`, and how many there are."""
        steps, lengths = aligned(steps, lengths, self.stride)
        padded = F.pad(steps, (0, 0, self.size - self.stride, 0))
        places = padded.unfold(1, self.size, self.stride).flatten(2)
        return torch.relu(self.kernel(places)), lengths


def aligned(
    steps: Tensor, lengths: Tensor | None, multiple: int
) -> tuple[Tensor, Tensor | None]:
    """Returns sequences with zeros before them, so that `multiple` divides their lengths.

    Returns:
        `(batch, time, features)`, and the lengths in multiples `(batch,)` or None.
    """
    time = steps.shape[1]
    after = -(-time // multiple) * multiple
    if lengths is None or multiple == 1:
        return F.pad(steps, (0, 0, after - time, 0)), lengths
    source = torch.arange(after) - (-lengths % multiple)[:, None]
    moved = steps.gather(
        1, source.clamp(0, time - 1)[..., None].expand(-1, -1, steps.shape[2])
    )
    moved = moved.masked_fill((source < 0)[..., None], 0.0)
    return moved, (lengths + multiple - 1) // multiple


class Subwords(nn.Module):
    """Adds the mean of the vectors of its character n-grams to each token's embedding.

    Args:
        rows: Rows of the table of vectors.
        width: Features of the embedding.
        vocabulary: Tokens.
        places: Most n-grams of a token.
    """

    spellings: Tensor

    def __init__(self, rows: int, width: int, vocabulary: int, places: int) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(rows, width, mode="mean", padding_idx=0)
        spellings = torch.zeros(vocabulary, places, dtype=torch.int32)
        self.register_buffer("spellings", spellings)

    def forward(self, embedded: Tensor, tokens: Tensor) -> Tensor:
        """Returns `(batch, time, width)` for `tokens`, `(batch, time)`."""
        added: Tensor = self.vectors(self.spellings[tokens.flatten()])
        return embedded + added.view(embedded.shape)


class NgramVectors(nn.Module):
    """Joins the sum of the vectors of the n-grams that end at a token to its embedding.

    Args:
        rows: Rows of the table of vectors.
        width: Features of a vector.
        shortest: Fewest tokens of an n-gram.
        longest: Most tokens of an n-gram.
    """

    def __init__(self, rows: int, width: int, shortest: int, longest: int) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(rows, width, mode="sum", padding_idx=0)
        self.shortest, self.longest = shortest, longest

    def forward(
        self, embedded: Tensor, tokens: Tensor, lengths: Tensor | None
    ) -> Tensor:
        """Returns `(batch, time, features + width)` for `tokens`, `(batch, time)`."""
        rows = self.vectors.num_embeddings
        found = ngram_rows(tokens, lengths, self.shortest, self.longest, rows)
        added = self.vectors(found.flatten(0, 1)).view(*tokens.shape, -1)
        return torch.cat([embedded, added], dim=-1)


def ngram_rows(
    tokens: Tensor, lengths: Tensor | None, shortest: int, longest: int, rows: int
) -> Tensor:
    """Returns the row of the n-gram of each length that ends at each token, 0 for none.

    Args:
        tokens: Ids `(batch, time)`.
        lengths: Tokens of each sequence `(batch,)`; None if no sequence is padded.
        shortest: Fewest tokens of an n-gram.
        longest: Most tokens of an n-gram.
        rows: Rows of the table into which n-grams are hashed.

    Returns:
        `(batch, time, longest - shortest + 1)`.
    """
    prime, factor, mixer = 2**31 - 1, 1_103_515_245, 48_271
    marked = tokens + 1  # 0 is no token
    hashes, whole, found = marked, marked > 0, []
    for order in range(1, longest + 1):
        if order > 1:
            hashes = (F.pad(hashes, (1, 0))[:, :-1] * factor + marked) % prime
            whole = F.pad(whole, (1, 0))[:, :-1]
        if order >= shortest:
            mixed = ((hashes ^ (hashes >> 15)) * mixer + order * factor) % prime
            found.append(torch.where(whole, 1 + mixed % (rows - 1), 0))
    result = torch.stack(found, dim=-1)
    if lengths is None:
        return result
    valid = torch.arange(tokens.shape[1]) < lengths[:, None]
    return result.masked_fill(~valid[..., None], 0)


def columns_apart(
    inputs: Tensor, lengths: Tensor | None, targets: list[int], others: list[int]
) -> tuple[Tensor, Tensor | None]:
    """Returns a sequence for each target: its own feature, then those of no target.

    Returns:
        `(batch * targets, time, 1 + others)`, and the lengths of these sequences.
    """
    own = inputs[..., targets].transpose(1, 2)[..., None]
    shared = inputs[:, None, :, others].expand(-1, len(targets), -1, -1)
    if lengths is not None:
        lengths = lengths.repeat_interleave(len(targets))
    return torch.cat([own, shared], dim=-1).flatten(0, 1), lengths


def columns_together(outputs: Tensor, targets: int, horizon: int) -> Tensor:
    """Returns forecasts of targets `(batch * targets, ...)` as `(batch, outputs)`."""
    return (
        outputs.view(-1, targets, horizon, outputs.shape[1] // horizon)
        .transpose(1, 2)
        .flatten(1)
    )
