from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from evo_nas.genome.architecture import Optimizer, Training
from evo_nas.training.flat_optimizer import MOMENTUM, FlatOptimizer

THEIRS = {
    Optimizer.ADAM: lambda parameters: torch.optim.Adam(parameters, lr=0.01),
    # Torch's RMSprop does not correct the mean of squares for its initial zero; Adam without momentum does.
    Optimizer.RMSPROP: lambda parameters: torch.optim.Adam(parameters, lr=0.01, betas=(0.0, 0.99)),
    Optimizer.SGD: lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=MOMENTUM),
}


def two_networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    return network, copy.deepcopy(network)


@pytest.mark.parametrize("rule", Optimizer)
def test_updates_equal_those_of_torchs_optimizers(rule) -> None:
    ours, theirs = two_networks()
    optimizer = FlatOptimizer(ours, Training(optimizer=rule, learning_rate=0.01, clip=0.5))
    reference = THEIRS[rule](theirs.parameters())
    for _ in range(5):
        inputs = torch.randn(8, 3)
        optimizer.gradient.zero_()
        (100 * ours(inputs).square().sum()).backward()
        norm = float(optimizer.step())

        reference.zero_grad()
        (100 * theirs(inputs).square().sum()).backward()
        reference_norm = nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        reference.step()

        assert norm == pytest.approx(float(reference_norm), rel=1e-5)
        assert norm > 0.5
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_weight_decay_equals_that_of_adamw() -> None:
    ours, theirs = two_networks()
    optimizer = FlatOptimizer(ours, Training(learning_rate=0.01, weight_decay=0.1, clip=1e9))
    reference = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1)
    for network in (ours, theirs):
        network(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    reference.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


def test_after_release_each_parameter_owns_its_memory() -> None:
    network, before = two_networks()
    FlatOptimizer(network, Training()).release()
    sizes = [parameter.untyped_storage().nbytes() for parameter in network.parameters()]
    assert sizes == [4 * parameter.numel() for parameter in network.parameters()]
    for mine, other in zip(network.parameters(), before.parameters(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("rule", Optimizer)
@pytest.mark.parametrize("capturable", [False, True])
def test_parameters_may_have_their_own_rates(rule, capturable) -> None:
    settings = Training(optimizer=rule, learning_rate=0.01, weight_decay=0.1, clip=1e9)
    moved = []
    for factors in (None, [1.0, 1.0, 0.1, 0.1]):
        network, before = two_networks()
        optimizer = FlatOptimizer(network, settings, capturable=capturable, rate_factors=factors)
        network(torch.ones(2, 3)).sum().backward()
        optimizer.step()
        moved.append([new - old for new, old in zip(network.parameters(), before.parameters(), strict=True)])
    for whole, own, factor in zip(*moved, (1.0, 1.0, 0.1, 0.1), strict=True):
        torch.testing.assert_close(own, factor * whole, rtol=1e-3, atol=1e-7)
