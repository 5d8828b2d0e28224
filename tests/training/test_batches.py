from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.dataset import Part, Sequences, Stream, Windows
from evo_nas.training.batches import Batch, SequenceSplit, Split, as_split
from evo_nas.training.losses import Predictions

ONE_OUTPUT = Signature(features=1, outputs=1)


def split_of(part: Part, signature: Signature = ONE_OUTPUT) -> Split:
    return as_split(part, signature, torch.device("cpu"))


def numbered(count: int) -> Sequences:
    inputs = np.arange(count, dtype=np.float32).reshape(count, 1, 1)
    return Sequences(inputs, np.arange(count), np.ones(count, dtype=np.int64))


def test_an_epoch_holds_every_sequence_once_with_its_own_target() -> None:
    batches = list(split_of(numbered(10)).shuffled(4, torch.Generator()))
    assert sorted(len(batch.targets) for batch in batches) == [2, 4, 4]
    for batch in batches:
        assert batch.inputs.flatten().tolist() == batch.targets.tolist()
    assert sorted(torch.cat([batch.targets for batch in batches]).tolist()) == list(range(10))


def test_epochs_differ_in_their_order() -> None:
    split, generator = split_of(numbered(50)), torch.Generator()
    first, second = (next(split.shuffled(50, generator)).targets.tolist() for _ in range(2))
    assert first != second


def test_in_order_keeps_the_order() -> None:
    batches = split_of(numbered(5)).in_order(2)
    assert torch.cat([batch.targets for batch in batches]).tolist() == list(range(5))


def test_arrays_that_cannot_be_written_are_used_without_copy_or_warning() -> None:
    sequences = numbered(3)
    sequences.inputs.setflags(write=False)
    split = split_of(sequences)
    assert split.sequences.inputs.data_ptr() == sequences.inputs.ctypes.data


def test_sequences_of_similar_lengths_meet_and_padding_is_cut_off() -> None:
    lengths = np.random.default_rng(0).integers(1, 50, size=320)
    inputs = np.zeros((320, 50, 1), dtype=np.float32)
    split = split_of(Sequences(inputs, np.arange(320), lengths))
    batches = list(split.shuffled(16, torch.Generator()))
    assert sorted(torch.cat([batch.targets for batch in batches]).tolist()) == list(range(320))
    assert all(batch.inputs.shape[1] == batch.lengths.max() for batch in batches)
    padded_steps = sum(batch.inputs.shape[:2].numel() for batch in batches)
    assert padded_steps < 1.3 * lengths.sum()


@pytest.mark.parametrize("per_step", [False, True])
def test_targets_are_cut_only_where_every_step_has_one(per_step) -> None:
    """Even where there happen to be as many outputs a sequence as steps."""
    part = Sequences(np.zeros((4, 5, 1), dtype=np.float32), np.zeros((4, 5)), np.array([1, 2, 3, 2]))
    split = split_of(part, Signature(features=1, outputs=5, per_step=per_step))
    assert {batch.targets.shape[1] for batch in split.in_order(4)} == {3 if per_step else 5}


def test_on_a_gpu_few_lengths_occur() -> None:
    lengths = np.arange(1, 31)
    part = Sequences(np.zeros((30, 30, 1), dtype=np.float32), np.arange(30), lengths)
    split = replace(split_of(part), multiple=8)
    assert {batch.inputs.shape[1] for batch in split.shuffled(1, torch.Generator())} == {8, 16, 24, 30}


@pytest.mark.parametrize("lengths", [None, torch.arange(1, 31)], ids=["full", "padded"])
def test_the_order_of_an_epoch_goes_to_the_device_once(lengths) -> None:
    class Copies(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.count += func is torch.ops.aten._to_copy.default
            return func(*args, **(kwargs or {}))

    sequences = Batch(torch.empty(30, 30, 1, device="meta"), torch.empty(30, device="meta"))
    split = SequenceSplit(sequences, lengths, per_step=False)
    with Copies() as copies:
        assert len(list(split.shuffled(4, torch.Generator()))) == 8
        assert copies.count == 1
        assert len(list(split.in_order(4))) == 8
        assert copies.count == 1


def rows(count: int = 40) -> Windows:
    values = np.arange(2 * count, dtype=np.float32).reshape(count, 2) ** 1.5
    return Windows(values, values[:, :1], np.arange(5, count - 2), window=5, horizon=3)


def test_windows_of_a_batch_are_those_that_are_cut_at_once() -> None:
    windows = rows()
    batches = list(split_of(windows).in_order(8))
    whole = windows.cut()
    assert np.array_equal(torch.cat([batch.inputs for batch in batches]).numpy(), whole.inputs)
    assert np.array_equal(torch.cat([batch.targets for batch in batches]).numpy(), whole.targets)


def origins_of_an_epoch(split: Split, generator: torch.Generator) -> list[int]:
    """The origins of the windows of an epoch; their inputs are the numbers of rows."""
    return [int(first) + 5 for batch in split.shuffled(4, generator) for first in batch.inputs[:, 0, 0]]


def test_epoch_has_one_window_of_every_stride_drawn_anew() -> None:
    # What has no known target, here rows 20 to 25, is no origin, so it is never drawn.
    origins = np.concatenate([np.arange(5, 20), np.arange(26, 38)])
    numbers = np.arange(40, dtype=np.float32)[:, None]
    split = split_of(Windows(numbers, numbers, origins, window=5, horizon=3, stride=4))
    generator = torch.Generator().manual_seed(0)
    epochs = [origins_of_an_epoch(split, generator) for _ in range(50)]

    assert len(split) == 7
    for epoch in epochs:
        places = np.searchsorted(origins, sorted(epoch))
        assert (places // 4).tolist() == list(range(7))
    assert {origin for epoch in epochs for origin in epoch} == set(origins.tolist())
    assert epochs[0] == origins_of_an_epoch(split, torch.Generator().manual_seed(0))


def test_held_out_windows_are_all_read_whatever_the_stride() -> None:
    every, thinned = split_of(rows()), split_of(replace(rows(), stride=4))
    assert torch.equal(
        torch.cat([batch.inputs for batch in thinned.in_order(8)]),
        torch.cat([batch.inputs for batch in every.in_order(8)]),
    )


def test_a_million_rows_are_stored_once() -> None:
    values = np.zeros((1_000_000, 7), dtype=np.float32)
    parts = [Windows(values, values[:, :1], np.arange(96, 999_976), 96, 24) for _ in range(3)]
    stored = pickle.dumps(parts, protocol=5)
    assert len(stored) < values.nbytes + 3 * (values[:, :1].nbytes + 8_000_000) + 10_000


def test_rows_of_a_stream_go_on_from_piece_to_piece() -> None:
    split = split_of(Stream(np.arange(101), steps=10))
    batches = list(split.in_order(4))
    inputs = torch.cat([batch.inputs for batch in batches], dim=1)
    targets = torch.cat([batch.targets for batch in batches], dim=1)
    assert torch.equal(targets, inputs + 1)
    assert inputs.flatten().tolist() == list(range(100))
    assert split.is_stream


@pytest.mark.parametrize("tokens", [2, 11, 12, 41, 42, 43, 44, 100, 330])
def test_every_token_of_a_stream_is_scored_once(tokens) -> None:
    batches = list(split_of(Stream(np.arange(tokens), steps=10)).in_order(4))
    read = [Predictions.of(batch.inputs, batch, per_step=True).counted() for batch in batches]
    assert sorted(torch.cat([targets for _, targets, _ in read]).tolist()) == list(range(1, tokens))
    for inputs, targets, _ in read:
        assert torch.equal(inputs, targets - 1)


def test_an_epoch_of_a_stream_begins_anywhere() -> None:
    split = split_of(Stream(np.arange(1000), steps=50))
    generator = torch.Generator()
    starts = {int(next(iter(split.shuffled(2, generator))).inputs[0, 0]) for _ in range(20)}
    assert len(starts) > 5


LENGTHS = np.array([9, 2, 5, 3, 7])
WORDS = np.arange(5 * 9 * 1, dtype=np.float32).reshape(5, 9, 1)
ROWS = np.zeros((40, 2), dtype=np.float32)


@pytest.mark.parametrize(
    "part",
    [
        Sequences(WORDS, np.arange(5)),
        Sequences(WORDS, np.arange(5), LENGTHS),
        Windows(ROWS, ROWS[:, :1], np.arange(5, 38), window=5, horizon=2),
        Stream(np.arange(101), steps=10),
        Stream(np.arange(25), steps=10),
        Stream(np.arange(4), steps=10),
    ],
    ids=lambda part: type(part).__name__,
)
@pytest.mark.parametrize("size", [1, 2, 4, 64])
def test_every_epoch_has_a_batch_of_the_least_shape(part, size) -> None:
    split = split_of(part)
    least, generator = split.least_batch(size), torch.Generator().manual_seed(size)
    assert least.rows * least.steps > 0
    for _ in range(20):
        shapes = [batch.inputs.shape[:2] for batch in split.shuffled(size, generator)]
        assert any(rows >= least.rows and steps >= least.steps for rows, steps in shapes)
