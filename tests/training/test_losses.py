from __future__ import annotations

import math

import pytest
import torch

from evo_nas.tasks.task import Loss
from evo_nas.training.losses import LOSSES, without_padding


def test_every_loss_has_its_torch_function() -> None:
    assert set(LOSSES) == set(Loss)


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() -> None:
    loss = LOSSES[Loss.CROSS_ENTROPY](torch.zeros(3, 5), torch.tensor([0, 4, 2]))
    assert loss.item() == pytest.approx(math.log(5))


def test_mse_is_the_mean_over_all_entries() -> None:
    assert LOSSES[Loss.MSE](torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]])).item() == 2.5


def test_padded_steps_do_not_count() -> None:
    steps = torch.arange(6).reshape(2, 3)
    assert without_padding(steps, torch.tensor([1, 3]), per_step=True).tolist() == [0, 3, 4, 5]
    assert without_padding(steps, None, per_step=True).tolist() == list(range(6))


def test_one_output_a_sequence_is_left_as_it_is() -> None:
    outputs = torch.zeros(2, 3)
    assert without_padding(outputs, torch.tensor([1, 3]), per_step=False) is outputs
