from __future__ import annotations

from typing import get_args

import pytest

from evo_nas.config import TrainingConfig
from evo_nas.config.schema import ScheduleKind
from evo_nas.training.batches import prepare
from evo_nas.training.schedule import PATIENCE, SCHEDULES
from evo_nas.training.trainer import train


def test_every_schedule_of_a_configuration_is_there() -> None:
    assert set(SCHEDULES) == set(get_args(ScheduleKind))


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


def metrics(architecture, dataset, training: TrainingConfig) -> dict[str, float]:
    return dict(train(architecture, prepare(dataset), training, epochs=4, seed=1).outcome.metrics)


def test_a_rate_that_falls_changes_the_training(architecture, dataset) -> None:
    curves = {kind: metrics(architecture, dataset, TrainingConfig(schedule=kind)) for kind in SCHEDULES}
    assert curves["cosine"] != curves["constant"]


def test_the_schedule_learns_of_every_epoch_whether_it_was_the_best(
    architecture, dataset, monkeypatch
) -> None:
    told = []
    monkeypatch.setattr(SCHEDULES["halving"], "end_epoch", lambda _, *, improved: told.append(improved))
    training = TrainingConfig(schedule="halving")
    curve = train(architecture, prepare(dataset), training, epochs=6, seed=1).outcome.curve
    best_so_far = [score > max(curve[:epoch], default=-1.0) for epoch, score in enumerate(curve)]
    assert len(told) == 6
    assert told[0]
    assert all(improved for improved, is_best in zip(told, best_so_far, strict=True) if is_best)
