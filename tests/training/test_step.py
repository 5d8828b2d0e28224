"""One step of a training, and the running loss of many."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch

from evo_nas.config.schema import Precision
from evo_nas.models.network import Network
from evo_nas.tasks.dataset import Objective
from evo_nas.training.batches import Batch, prepare
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.forward import StatefulForward
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.step import AUTOCAST_TYPES, DeviceRunningLoss, RunningLoss, TrainStep

KINDS = pytest.mark.parametrize(
    "running", [RunningLoss, lambda: DeviceRunningLoss(torch.device("cpu"))], ids=["host", "device"]
)


def add(running: RunningLoss, *steps: tuple[float, float, int]) -> None:
    """Counts steps, each with its loss, the norm of its gradient, and its rows."""
    for loss, norm, rows in steps:
        running.add(torch.tensor(loss), torch.tensor(norm), rows)


@KINDS
def test_the_mean_weighs_steps_by_their_rows(running) -> None:
    losses = running()
    add(losses, (1.0, 0.5, 3), (5.0, 0.25, 1))
    assert losses.mean() == 2.0
    assert losses.maxima() == (5.0, 0.5)


@KINDS
def test_clearing_forgets_all_steps(running) -> None:
    losses = running()
    add(losses, (9.0, 9.0, 4))
    losses.clear()
    add(losses, (1.0, 2.0, 4))
    assert losses.mean() == 1.0
    assert losses.maxima() == (1.0, 2.0)


@KINDS
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_loss_that_is_not_a_number_stays_visible_whenever_it_came(running, position) -> None:
    losses, steps = running(), [(1.0, 1.0, 1), (2.0, 2.0, 1)]
    steps.insert(position, (math.nan, math.nan, 1))
    add(losses, *steps)
    assert all(math.isnan(value) for value in losses.maxima())


def test_every_precision_of_a_configuration_has_its_type() -> None:
    assert set(AUTOCAST_TYPES) == set(get_args(Precision))


def steps_of(architecture, dataset, **how) -> tuple[Network, TrainStep, Batch]:
    torch.manual_seed(0)
    network, data = Network(architecture, dataset.signature).eval(), prepare(dataset)  # without dropout
    optimizer = FlatOptimizer(network, architecture.training, capturable=how.get("capturable", False))
    step = TrainStep(
        StatefulForward(network, data.train), optimizer, TrainingLoss(Objective.CROSS_ENTROPY, None), **how
    )
    return network, step, next(data.train.in_order(16))


def test_steps_on_one_batch_lower_its_loss(architecture, dataset) -> None:
    _, step, batch = steps_of(architecture, dataset)
    step(batch)
    first = step.running.mean()
    for _ in range(20):
        step.running.clear()
        step(batch)
    assert step.running.mean() < 0.9 * first


def test_a_step_that_can_be_captured_gives_the_same_weights(architecture, dataset) -> None:
    weights = []
    for capturable in (False, True):
        network, step, batch = steps_of(architecture, dataset, capturable=capturable)
        for _ in range(5):
            step(batch)
        weights.append(torch.cat([parameter.detach().ravel() for parameter in network.parameters()]))
    torch.testing.assert_close(*weights)


def test_a_step_in_bfloat16_leaves_the_weights_in_single_precision(architecture, dataset) -> None:
    losses = []
    for precision in ("float32", "bfloat16"):
        network, step, batch = steps_of(architecture, dataset, precision=precision)
        step(batch)
        assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
        losses.append(step.running.mean())
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
