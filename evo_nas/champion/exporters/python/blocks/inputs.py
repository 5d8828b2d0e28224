"""From raw data to what a network reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def standardised(
    sequence: Any, mean: Sequence[float], scale: Sequence[float]
) -> Tensor:
    """Returns a sequence `(time, features)` in deviations from the training mean."""
    values = torch.as_tensor(sequence, dtype=torch.float64)
    if values.dim() == 1 and len(mean) == 1:
        values = values[:, None]
    if values.dim() != 2 or values.shape[1] != len(mean):
        shape = tuple(values.shape)
        raise ValueError(f"a sequence has shape {shape}; must be (time, {len(mean)})")
    numbers = [torch.tensor(each, dtype=torch.float64) for each in (mean, scale)]
    return ((values - numbers[0]) / numbers[1]).float()


def refuse_holes(values: Tensor, allowed: Sequence[int] = ()) -> None:
    """Raises an error if a feature has a missing value that it never had in training."""
    for feature in values.isnan().any(dim=0).nonzero()[:, 0].tolist():
        if feature not in allowed:
            raise ValueError(
                f"feature {feature + 1} has a missing value, as never in training; "
                "fill it in"
            )


def carried_on(values: Tensor) -> Tensor:
    """Returns `values` with the last known value in each hole, 0 where there is none."""
    known = ~values.isnan()
    steps = torch.arange(len(values))[:, None]
    last = torch.where(known, steps, -1).cummax(dim=0).values
    found = values.gather(0, last.clamp(min=0))
    return torch.where(last >= 0, found, 0.0)


def carried_on_and_back(values: Tensor) -> Tensor:
    """Returns what `carried_on` does, with the first known value before it."""
    backwards = carried_on(values.flip(0)).flip(0)
    is_before = (~values.isnan()).cumsum(dim=0) == 0
    return torch.where(is_before, backwards, carried_on(values))


def interpolated(values: Tensor) -> Tensor:
    """Returns `values` with a line through each hole; the ends repeat the nearest value."""
    filled = values.double()
    for feature in range(values.shape[1]):
        column = filled[:, feature]
        known = (~column.isnan()).nonzero()[:, 0]
        if len(known) == 0:
            filled[:, feature] = 0.0
            continue
        at = torch.arange(len(column))
        right = torch.searchsorted(known, at).clamp(max=len(known) - 1)
        left = (torch.searchsorted(known, at, right=True) - 1).clamp(min=0)
        low, high = known[left], known[right]
        share = (at - low) / (high - low).clamp(min=1)
        line = column[low] + share * (column[high] - column[low])
        filled[:, feature] = line
    return filled.float()


def with_masks(values: Tensor, filled: Tensor, masked: Sequence[int]) -> Tensor:
    """Returns `filled` beside whether each masked feature is known, and since when."""
    added = []
    for feature in masked:
        known = ~values[:, feature].isnan()
        steps = torch.arange(len(values))
        last = torch.where(known, steps, -1).cummax(dim=0).values
        before = torch.cat([torch.tensor([-1]), last[:-1]])
        since = torch.where(before >= 0, steps - before, 0)
        added += [known.double(), since.double().log1p()]
    return torch.cat([filled, torch.stack(added, dim=1).float()], dim=1)


def padded(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Returns sequences as one tensor, and their lengths if they differ."""
    joined = torch.nn.utils.rnn.pad_sequence(list(sequences), batch_first=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return joined, None if (lengths == lengths[0]).all() else lengths


def frames_of(sequence: Any, keys: int) -> Tensor:
    """Returns frames `(time, keys)` of 0 and 1."""
    frames = torch.as_tensor(sequence, dtype=torch.float32)
    if frames.dim() != 2 or len(frames) == 0 or frames.shape[1] != keys:
        raise ValueError(f"frames are {tuple(frames.shape)}; must be (time, {keys})")
    if not ((frames == 0) | (frames == 1)).all():
        raise ValueError("frames have other values than 0 and 1; a key is on or off")
    return frames


def words(text: str) -> list[str]:
    """Returns the words of a text, and the marks and line ends between them."""
    marks = "".join(
        chr(code)
        for code in range(0x300, 0x20000)
        if unicodedata.category(chr(code)).startswith("M")
    )
    # What joins or parts the letters of a word without a blank belongs to it, too.
    marks += "\u200c\u200d"
    return re.findall(rf"\w[\w{marks}]*|[^\w\s][{marks}]*|\n", text)


def pieces(text: str) -> list[str]:
    """Returns what stands between blanks; line ends are pieces of their own."""
    return re.findall(r"[^ \t\r\n\f\v]+|\n", text)


def token_ids(tokens: Sequence[Any], ids: dict[str, int]) -> Tensor:
    """Returns the ids of tokens, `(time,)`; unknown ones are 0."""
    if len(tokens) == 0:
        raise ValueError("a sequence has no token; leave it out")
    if all(isinstance(token, str) for token in tokens):
        return torch.tensor([ids.get(token, 0) for token in tokens])
    return torch.as_tensor(tokens, dtype=torch.int64)


def lower(tokens: Sequence[Any]) -> list[Any]:
    """Returns tokens in small letters; ids stay as they are."""
    return [token.lower() if isinstance(token, str) else token for token in tokens]
