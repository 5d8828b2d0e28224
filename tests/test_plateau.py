import math

from evo_nas.evaluation import Standing
from evo_nas.plateau import Plateau
from evo_nas.strategies.noise import Noise

NOISE = Noise(std=0.01, pairs=9)


def scored(fitness: float, *, level: float = math.inf) -> Standing:
    return Standing(level, fitness)


def test_the_first_score_is_an_improvement_and_the_same_again_is_none() -> None:
    plateau = Plateau()
    assert not plateau.rises(None, None)
    assert plateau.rises(scored(0.5), None)
    assert not plateau.rises(scored(0.5), None)


def test_what_the_noise_may_explain_is_no_improvement() -> None:
    plateau = Plateau()
    plateau.rises(scored(0.5), NOISE)
    assert not plateau.rises(scored(0.51), NOISE)
    assert plateau.rises(scored(0.52), NOISE)


def test_small_steps_count_together() -> None:
    plateau = Plateau()
    rises = [plateau.rises(scored(0.5 + 0.005 * step), NOISE) for step in range(5)]
    assert rises == [True, False, False, True, False]


def test_while_the_noise_is_unknown_every_better_score_counts() -> None:
    plateau = Plateau()
    assert [plateau.rises(scored(value), None) for value in (0.5, 0.501, 0.4)] == [True, True, False]


def test_the_first_complete_training_is_an_improvement_on_pruned_ones() -> None:
    plateau = Plateau()
    plateau.rises(scored(0.9, level=2), NOISE)
    assert plateau.rises(scored(0.8), NOISE)


def test_a_pruned_training_is_no_improvement_on_a_complete_one_that_proved_unstable() -> None:
    plateau = Plateau()
    plateau.rises(scored(0.8), NOISE)
    assert not plateau.rises(scored(0.9, level=2), NOISE)
    assert plateau.rises(scored(0.95, level=2), NOISE)
