from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evo_nas.training.batches import prepare
from evo_nas.training.schedule import PATIENCE, SCHEDULES
from evo_nas.training.trainer import TrainingOptions, train


def test_a_cosine_falls_from_all_to_nothing() -> None:
    cosine = SCHEDULES["cosine"]()
    assert [cosine.factor(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.5, 0.0])


def test_stagnation_halves() -> None:
    halving = SCHEDULES["halving"]()
    halving.end_epoch(improved=True)
    for _ in range(PATIENCE):
        assert halving.factor(0.5) == 1.0
        halving.end_epoch(improved=False)
    assert halving.factor(0.5) == 0.5


def test_a_rate_that_falls_changes_the_training(architecture, dataset) -> None:
    curves = {
        kind: train(architecture, prepare(dataset), TrainingOptions(4, 1, schedule=kind)).outcome.metrics
        for kind in SCHEDULES
    }
    assert curves["cosine"] != curves["constant"]


def test_class_weights_change_the_training(architecture, dataset) -> None:
    weighted = replace(dataset, class_weights=np.array([0.1, 1.9], dtype=np.float32))
    plain, other = (
        train(architecture, prepare(each), TrainingOptions(2, 1)).outcome.metrics
        for each in (dataset, weighted)
    )
    assert plain["train_loss"] != other["train_loss"]
