from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evo_nas.training.batches import prepare
from evo_nas.training.schedule import PATIENCE, SCHEDULES
from evo_nas.training.trainer import Regimen, train


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
        kind: train(architecture, prepare(dataset), Regimen(4, 1, schedule=kind)).outcome.metrics
        for kind in SCHEDULES
    }
    assert curves["cosine"] != curves["constant"]


def test_the_schedule_learns_of_every_epoch_whether_it_was_the_best(
    architecture, dataset, monkeypatch
) -> None:
    told = []
    monkeypatch.setattr(SCHEDULES["halving"], "end_epoch", lambda _, *, improved: told.append(improved))
    curve = train(architecture, prepare(dataset), Regimen(6, 1, schedule="halving")).outcome.curve
    best_so_far = [score > max(curve[:epoch], default=-1.0) for epoch, score in enumerate(curve)]
    assert len(told) == 6
    assert told[0]
    assert all(improved for improved, is_best in zip(told, best_so_far, strict=True) if is_best)


def test_class_weights_change_the_training(architecture, dataset) -> None:
    weighted = replace(dataset, class_weights=np.array([0.1, 1.9], dtype=np.float32))
    plain, other = (
        train(architecture, prepare(each), Regimen(2, 1)).outcome.metrics for each in (dataset, weighted)
    )
    assert plain["train_loss"] != other["train_loss"]
