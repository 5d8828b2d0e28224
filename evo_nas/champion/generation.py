"""Draws what follows: tokens of a text, or frames of keys, each from all that came before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from evo_nas.models.ensemble import Model
    from evo_nas.models.recurrent_layer import States

LEAST_TEMPERATURE = 1e-6
"""Below this the likeliest is taken, as at 0: logits that are divided by less overflow."""
PIECE = 4096
"""Tokens that are read at once; this bounds the memory of a long text."""


def draw_tokens(
    model: Model, prompt: npt.NDArray[np.int64], length: int, *, temperature: float, seed: int
) -> list[int]:
    """Returns the ids of ``length`` tokens that follow ``prompt``.

    Args:
        model: Predicts the next token.
        prompt: Ids ``(n,)``, at least one.
        length: How many tokens are drawn.
        temperature: What logits are divided by; at 0 the likeliest token is taken.
        seed: The same seed gives the same tokens.
    """
    generator = torch.Generator().manual_seed(seed)

    def token(logits: Tensor) -> Tensor:
        logits[0] = -torch.inf  # what stands for unknown tokens is none
        if temperature < LEAST_TEMPERATURE:
            return logits.argmax()
        return torch.multinomial(torch.softmax(logits / temperature, dim=-1), 1, generator=generator)[0]

    return [int(each) for each in _drawn(model, prompt, length, token)]


def draw_frames(
    model: Model, prompt: npt.NDArray[np.float32], length: int, *, temperature: float, seed: int
) -> npt.NDArray[np.float32]:
    """Returns ``length`` frames of 0 and 1 that follow ``prompt``, float32 ``(length, keys)``.

    Args:
        model: Predicts the keys of the next frame.
        prompt: Frames ``(n, keys)``, at least one.
        length: How many frames are drawn.
        temperature: What logits are divided by; at 0 keys are on that are more likely than not.
        seed: The same seed gives the same frames.
    """
    generator = torch.Generator().manual_seed(seed)

    def keys(logits: Tensor) -> Tensor:
        if temperature < LEAST_TEMPERATURE:
            return (logits > 0).float()
        return torch.bernoulli(torch.sigmoid(logits / temperature), generator=generator)

    frames: npt.NDArray[np.float32] = torch.stack(_drawn(model, prompt, length, keys)).numpy()
    return frames


def next_tokens(
    model: Model, ids: npt.NDArray[np.int64]
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
    """Yields logits ``(n, vocabulary)`` and the tokens that they predict ``(n,)``, piece by piece of a text."""
    states: States | None = None
    for start in range(0, len(ids) - 1, PIECE):
        read = ids[start : min(start + PIECE, len(ids) - 1)]
        with torch.inference_mode():
            outputs, states = model.forward_from(torch.from_numpy(read)[None], states)
        yield outputs[0].numpy(), ids[start + 1 : start + 1 + len(read)]


def _drawn(
    model: Model, prompt: npt.NDArray[np.generic], length: int, draw: Callable[[Tensor], Tensor]
) -> list[Tensor]:
    """Returns ``length`` tokens or frames, each of which ``draw`` makes of logits and the model reads next."""
    with torch.inference_mode():
        outputs, states = _read(model, torch.from_numpy(prompt)[None])
        drawn = [draw(outputs[0, -1].float())]
        while len(drawn) < length:
            outputs, states = model.forward_from(drawn[-1][None, None], states)
            drawn.append(draw(outputs[0, -1].float()))
    return drawn


def _read(model: Model, prompt: Tensor) -> tuple[Tensor, States]:
    outputs, states = model.forward_from(prompt[:, :PIECE])
    for start in range(PIECE, prompt.shape[1], PIECE):
        outputs, states = model.forward_from(prompt[:, start : start + PIECE], states)
    return outputs, states
