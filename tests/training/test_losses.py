from __future__ import annotations

import math

import pytest
import torch

from evo_nas.tasks.task import Loss
from evo_nas.training.batches import Batch
from evo_nas.training.losses import LOSSES, counting_rows, training_loss


def test_every_loss_has_its_torch_function() -> None:
    assert set(LOSSES) == set(Loss)


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() -> None:
    loss = LOSSES[Loss.CROSS_ENTROPY](torch.zeros(3, 5), torch.tensor([0, 4, 2]))
    assert loss.item() == pytest.approx(math.log(5))


def test_mse_is_the_mean_over_all_entries() -> None:
    assert LOSSES[Loss.MSE](torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]])).item() == 2.5


def test_binary_cross_entropy_is_summed_over_outputs_and_averaged_over_rows() -> None:
    loss = LOSSES[Loss.BINARY_CROSS_ENTROPY](torch.zeros(3, 5), torch.ones(3, 5))
    assert loss.item() == pytest.approx(5 * math.log(2))


def test_class_weights_count_in_training() -> None:
    outputs, targets = torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 1])
    plain = training_loss(Loss.CROSS_ENTROPY, None)(outputs, targets)
    rare = training_loss(Loss.CROSS_ENTROPY, torch.tensor([0.1, 1.9]))(outputs, targets)
    assert rare > plain


STEPS = torch.arange(6).reshape(2, 3)


@pytest.mark.parametrize(
    ("lengths", "scored", "counting"),
    [
        (torch.tensor([1, 3]), None, [0, 3, 4, 5]),
        (None, None, list(range(6))),
        (None, torch.tensor([[False, True, False], [True, False, False]]), [1, 3]),
    ],
)
def test_steps_that_do_not_count_are_left_out(lengths, scored, counting) -> None:
    batch = Batch(STEPS, STEPS, lengths, scored)
    assert counting_rows(STEPS, batch, per_step=True).tolist() == counting


def test_one_output_a_sequence_is_left_as_it_is() -> None:
    outputs = torch.zeros(2, 3)
    assert counting_rows(outputs, Batch(STEPS, STEPS, torch.tensor([1, 3])), per_step=False) is outputs
