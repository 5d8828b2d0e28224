"""A tiny task: is the mean of a sequence above zero?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from evo_nas.genome.architecture import Architecture, Layer, Signature, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.metrics import ACCURACY

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sequences(count: int, seed: int) -> Sequences:
    inputs = np.random.default_rng(seed).normal(size=(count, 4, 2)).astype(np.float32)
    return Sequences(inputs, (inputs.mean(axis=(1, 2)) > 0).astype(np.int64))


@pytest.fixture
def dataset() -> Dataset:
    return Dataset(
        name="sign of the mean",
        signature=Signature(features=2, outputs=2),
        objective=Objective.CROSS_ENTROPY,
        metric=ACCURACY,
        train=sequences(64, seed=0),
        validation=sequences(40, seed=1),
        test=sequences(40, seed=2),
    )


@pytest.fixture
def architecture() -> Architecture:
    return Architecture(
        layers=(Layer(NAMED_CELLS["mgu"], 8, dropout=0.1),),
        training=Training(learning_rate=0.02, batch_size=16),
    )
