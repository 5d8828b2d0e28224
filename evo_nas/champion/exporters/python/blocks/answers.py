"""From the outputs of a network to answers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def in_units(outputs: Tensor, mean: Sequence[float], scale: Sequence[float]) -> Tensor:
    """Returns numbers in the units of the targets.

    Args:
        outputs: Standardised numbers `(..., targets, levels)`.
        mean: Mean of each target in training.
        scale: Deviation of each target in training.
    """
    numbers = [
        torch.tensor(each, dtype=torch.float64)[:, None] for each in (mean, scale)
    ]
    return outputs.double() * numbers[1] + numbers[0]


def following(
    network: torch.nn.Module, frames: Tensor, length: int, temperature: float, seed: int
) -> Tensor:
    """Returns `length` frames of 0 and 1 that follow `frames`, both `(time, keys)`.

    Args:
        network: Gives logits of the keys of the next frame at every step.
        frames: The beginning.
        length: Frames to draw.
        temperature: Below 1 for likelier keys, 0 for those more likely than not.
        seed: Seed of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    begun = len(frames)
    for _ in range(length):
        logits = network(frames[None])[0, -1:]
        if temperature > 0:
            shares = (logits / temperature).sigmoid()
            drawn = torch.bernoulli(shares, generator=generator)
        else:
            drawn = (logits > 0).float()
        frames = torch.cat([frames, drawn])
    return frames[begun:]


def continued(
    network: torch.nn.Module, tokens: Tensor, length: int, temperature: float, seed: int
) -> Tensor:
    """Returns `tokens`, `(time,)`, and `length` more, each drawn from its probability.

    Args:
        network: Gives logits of the next token at every step.
        tokens: Ids of the beginning.
        length: Tokens to draw.
        temperature: Below 1 for likelier tokens, 0 for the likeliest.
        seed: Seed of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    for _ in range(length):
        logits = network(tokens[None])[0, -1].double()
        if temperature > 0:
            shares = (logits / temperature).softmax(0)
            drawn = torch.multinomial(shares, 1, generator=generator)
        else:
            drawn = logits.argmax(0, keepdim=True)
        tokens = torch.cat([tokens, drawn])
    return tokens
