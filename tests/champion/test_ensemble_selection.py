"""Greedy selection finds networks that complete each other, and averages them as an ensemble does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from evo_nas.champion.ensemble_selection import select_ensemble
from evo_nas.models.ensemble import Ensemble, Link
from evo_nas.tasks.metrics import ACCURACY, F1, MSE, NLL, NLL_PER_FRAME

RNG = np.random.default_rng(0)


def test_networks_that_complete_each_other_are_better_than_the_best_of_them() -> None:
    targets = RNG.normal(size=(200, 1)).astype(np.float32)
    noisy = [targets + RNG.normal(0, 0.5, targets.shape).astype(np.float32) for _ in range(6)]
    found = select_ensemble(noisy, targets, metric=MSE, link=Link.VALUES)
    assert len(found.counts) > 3
    assert found.score < 0.5 * min(MSE.score(each, targets) for each in noisy)


def test_a_network_that_is_right_alone_stays_alone() -> None:
    targets = RNG.normal(size=(50, 1)).astype(np.float32)
    bad = [targets + 10, targets + 11]
    found = select_ensemble([bad[0], targets, bad[1]], targets, metric=MSE, link=Link.VALUES)
    assert (dict(found.counts), found.score) == ({1: 1}, 0.0)


def test_a_network_that_is_added_again_has_a_larger_share() -> None:
    targets = np.zeros((10, 1), np.float32)
    found = select_ensemble([targets + 1, targets - 3], targets, metric=MSE, link=Link.VALUES)
    assert found.score == pytest.approx(0.0)
    assert found.counts[0] == 3 * found.counts[1]


def test_there_are_no_more_different_networks_than_the_cost_allows() -> None:
    targets = RNG.normal(size=(200, 1)).astype(np.float32)
    noisy = [targets + RNG.normal(0, 0.5, targets.shape).astype(np.float32) for _ in range(6)]
    assert len(select_ensemble(noisy, targets, metric=MSE, link=Link.VALUES, most=2).counts) == 2
    assert len(select_ensemble(noisy, targets, metric=MSE, link=Link.VALUES, most=1).counts) == 1


def test_an_ensemble_is_never_worse_on_the_part_that_selects_it_than_its_best_network() -> None:
    for metric in (ACCURACY, NLL):
        targets = RNG.integers(0, 3, 40)
        logits = [RNG.normal(size=(40, 3)).astype(np.float32) for _ in range(5)]
        found = select_ensemble(logits, targets, metric=metric, link=Link.CLASSES)
        best = max(metric.fitness(metric.score(each, targets)) for each in logits)
        assert metric.fitness(found.score) >= best


class _Given(nn.Module):
    """A network that answers what it is given."""

    signature = "one task"

    def __init__(self, outputs: np.ndarray) -> None:
        super().__init__()
        self._outputs = torch.from_numpy(outputs)

    def forward(self, inputs, lengths=None, *, truncation=None):
        return self._outputs


@pytest.mark.parametrize(
    ("link", "metric"),
    [(Link.VALUES, MSE), (Link.CLASSES, NLL), (Link.LABELS, NLL_PER_FRAME), (Link.LABELS, F1)],
)
def test_its_score_is_that_of_the_ensemble_that_is_built_of_it(link, metric) -> None:
    outputs = [RNG.normal(0, 3, size=(30, 4)).astype(np.float32) for _ in range(4)]
    targets = {
        Link.VALUES: RNG.normal(size=(30, 4)).astype(np.float32),
        Link.CLASSES: RNG.integers(0, 4, 30),
        Link.LABELS: RNG.integers(0, 2, (30, 4)).astype(np.float32),
    }[link]
    found = select_ensemble(outputs, targets, metric=metric, link=link)
    total = sum(found.counts.values())
    ensemble = Ensemble(
        [_Given(outputs[place]) for place in found.counts],
        [count / total for count in found.counts.values()],
        link,
    )
    answered = ensemble(torch.zeros(1)).numpy()
    assert metric.score(answered, targets) == pytest.approx(found.score, rel=1e-4)
