"""Divides the rows of training in two, so that a long training can judge what it learns without the validation part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from evo_nas.training.batches import SequenceSplit, StreamSplit, WindowSplit

if TYPE_CHECKING:
    from torch import Tensor

    from evo_nas.training.batches import Split


def halves(split: Split, generator: torch.Generator) -> tuple[Split, Split]:
    """Returns two halves of ``split``, which share no sequence, no token and no origin of a forecast.

    Sequences are divided at random, since files are often sorted by class. A text and the origins of windows are
    divided in the middle; windows that would read or forecast rows of both halves are left out.

    Raises:
        ValueError: There are fewer than two sequences, or the split is of another kind.
    """
    if isinstance(split, SequenceSplit):
        order = torch.randperm(len(split), generator=generator)
        middle = len(order) // 2
        if not middle:
            raise ValueError(f"training has {len(split)} sequences; must be at least 2 to be divided")
        # In their order, so that bucketing by length finds them as it would find those of a file.
        first, second = order[:middle].sort().values, order[middle:].sort().values
        return _of_sequences(split, first), _of_sequences(split, second)
    if isinstance(split, WindowSplit):
        middle = len(split.origins) // 2
        border = split.origins[middle]
        first = split.origins[:middle]
        apart = first[first + split.horizon <= border - split.window]
        # Where series are short, hardly any window of the first half would be left.
        first = apart if 2 * len(apart) >= len(first) else first
        return replace(split, origins=first), replace(split, origins=split.origins[middle:])
    if isinstance(split, StreamSplit):
        middle = len(split.tokens) // 2
        return replace(split, tokens=split.tokens[:middle]), replace(split, tokens=split.tokens[middle:])
    raise ValueError(f"a split of {type(split).__name__} cannot be divided")


def _of_sequences(split: SequenceSplit, which: Tensor) -> SequenceSplit:
    on_device = which.to(split.sequences.targets.device)
    lengths = None if split.lengths is None else split.lengths[which]
    return replace(split, sequences=split.sequences.chosen(on_device), lengths=lengths)
