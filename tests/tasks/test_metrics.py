from __future__ import annotations

import numpy as np

from evo_nas.tasks.metrics import ACCURACY, MAE, MSE


def test_accuracy_is_the_share_of_right_classes() -> None:
    outputs = np.array([[0.1, 0.9], [2.0, 1.0], [0.0, 3.0]], dtype=np.float32)
    assert ACCURACY.score(outputs, np.array([1, 0, 0])) == 2 / 3


def test_errors_are_means_over_all_entries() -> None:
    outputs, targets = np.array([[1.0, 2.0]], dtype=np.float32), np.array([[0.0, 5.0]], dtype=np.float32)
    assert MSE.score(outputs, targets) == 5.0
    assert MAE.score(outputs, targets) == 2.0


def test_fitness_is_higher_for_the_better() -> None:
    assert ACCURACY.fitness(0.9) > ACCURACY.fitness(0.8)
    assert MSE.fitness(0.1) > MSE.fitness(0.2)
