from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from evo_nas.tasks.dataset import Objective
from evo_nas.training.batches import Batch
from evo_nas.training.losses import Predictions, TrainingLoss

LEVELS = torch.tensor([0.1, 0.5, 0.9])


def loss_of(objective: Objective, outputs: torch.Tensor, targets: torch.Tensor, **how) -> float:
    return TrainingLoss(objective, **how)(Predictions(outputs, targets)).item()


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() -> None:
    loss = loss_of(Objective.CROSS_ENTROPY, torch.zeros(3, 5), torch.tensor([0, 4, 2]))
    assert loss == pytest.approx(math.log(5))


def test_mse_is_the_mean_over_all_entries() -> None:
    assert loss_of(Objective.MSE, torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]])) == 2.5


def test_binary_cross_entropy_is_summed_over_outputs_and_averaged_over_rows() -> None:
    loss = loss_of(Objective.BINARY_CROSS_ENTROPY, torch.zeros(3, 5), torch.ones(3, 5))
    assert loss == pytest.approx(5 * math.log(2))


def test_the_quantile_loss_agrees_with_scikit_learn() -> None:
    quantiles, targets = torch.randn(6, 2, 3), torch.randn(6, 2)
    loss = loss_of(Objective.QUANTILE, quantiles.flatten(1), targets, levels=LEVELS)
    levels = [
        mean_pinball_loss(targets.numpy(), quantiles[..., place].numpy(), alpha=level)
        for place, level in enumerate((0.1, 0.5, 0.9))
    ]
    assert loss == pytest.approx(sum(levels) / 3)


@pytest.mark.parametrize("objective", [Objective.MSE, Objective.QUANTILE])
def test_a_hole_in_a_target_does_not_count(objective) -> None:
    how = {"levels": LEVELS[:1], "has_holes": True}
    outputs = torch.tensor([[1.0, 2.0], [4.0, 7.0]], requires_grad=True)
    holes = Predictions(outputs, torch.tensor([[0.0, math.nan], [math.nan, 5.0]]))
    loss = TrainingLoss(objective, **how)
    known = TrainingLoss(objective, **how)(
        Predictions(torch.tensor([[1.0], [7.0]]), torch.tensor([[0.0], [5.0]]))
    )
    assert loss(holes).item() == pytest.approx(known.item())
    assert loss.weight(holes) == 2
    (gradient,) = torch.autograd.grad(loss(holes), outputs)
    assert gradient[0, 1] == gradient[1, 0] == 0
    assert gradient[0, 0] != 0
    assert gradient.isfinite().all()


def test_holes_and_steps_that_do_not_count_are_both_left_out() -> None:
    targets = torch.tensor([[0.0], [math.nan], [9.0]])
    predictions = Predictions(torch.ones(3, 1), targets, torch.tensor([True, True, False]))
    loss = TrainingLoss(Objective.MSE, has_holes=True)
    assert loss(predictions) == loss(predictions.counted()) == 1
    assert loss.weight(predictions) == loss.weight(predictions.counted()) == 1


def test_steps_without_any_known_target_lose_nothing() -> None:
    nothing = Predictions(torch.ones(2, 1), torch.full((2, 1), math.nan))
    assert TrainingLoss(Objective.MSE, has_holes=True)(nothing) == 0


def test_class_weights_count_in_training() -> None:
    predictions = Predictions(torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 1]))
    plain = TrainingLoss(Objective.CROSS_ENTROPY, None)(predictions)
    rare = TrainingLoss(Objective.CROSS_ENTROPY, torch.tensor([0.1, 1.9]))(predictions)
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
    predictions = Predictions.of(
        STEPS[..., None], Batch(STEPS, STEPS, lengths, scored), per_step=True
    ).counted()
    assert predictions.targets.tolist() == predictions.outputs.flatten().tolist() == counting
    assert predictions.counts is None


def test_one_output_a_sequence_is_left_as_it_is() -> None:
    outputs = torch.zeros(2, 3)
    predictions = Predictions.of(outputs, Batch(STEPS, STEPS, torch.tensor([1, 3])), per_step=False)
    assert predictions.counted().outputs is outputs


@pytest.mark.parametrize("weights", [None, torch.tensor([0.1, 1.9, 1.0])], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", Objective)
def test_rows_that_do_not_count_are_masked_as_if_they_were_left_out(loss, weights) -> None:
    outputs, counts = torch.randn(6, 3, requires_grad=True), torch.tensor([1, 0, 1, 1, 0, 1]).bool()
    targets = torch.rand(6, 3)
    if loss is Objective.CROSS_ENTROPY:
        targets = torch.tensor([0, -1, 1, 2, 7, 1])  # where it does not count it is no class at all
    predictions = Predictions(outputs, targets, counts)
    mean = TrainingLoss(loss, weights, levels=LEVELS[:1])
    masked, left_out = (mean(each) for each in (predictions, predictions.counted()))
    torch.testing.assert_close(masked, left_out)
    torch.testing.assert_close(torch.autograd.grad(masked, outputs), torch.autograd.grad(left_out, outputs))
