from __future__ import annotations

import numpy as np
import torch

from evo_nas.tasks.task import Sequences
from evo_nas.training.batches import as_split

CPU = torch.device("cpu")


def numbered(count: int) -> Sequences:
    inputs = np.arange(count, dtype=np.float32).reshape(count, 1, 1)
    return Sequences(inputs, np.arange(count), np.ones(count, dtype=np.int64))


def test_an_epoch_holds_every_sequence_once_with_its_own_target() -> None:
    batches = list(as_split(numbered(10), CPU).shuffled(4))
    assert sorted(len(batch.targets) for batch in batches) == [2, 4, 4]
    for batch in batches:
        assert batch.inputs.flatten().tolist() == batch.targets.tolist()
    assert sorted(torch.cat([batch.targets for batch in batches]).tolist()) == list(range(10))


def test_epochs_differ_in_their_order() -> None:
    split = as_split(numbered(50), CPU)
    first, second = (next(split.shuffled(50)).targets.tolist() for _ in range(2))
    assert first != second


def test_in_order_keeps_the_order() -> None:
    batches = as_split(numbered(5), CPU).in_order(2)
    assert torch.cat([batch.targets for batch in batches]).tolist() == list(range(5))


def test_arrays_that_cannot_be_written_are_used_without_copy_or_warning() -> None:
    sequences = numbered(3)
    sequences.inputs.setflags(write=False)
    split = as_split(sequences, CPU)
    assert split.sequences.inputs.data_ptr() == sequences.inputs.ctypes.data
