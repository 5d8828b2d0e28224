"""How far trainings go at most."""

from __future__ import annotations

import random

import pytest

from evo_nas.strategies.growth import RANKED, Growth


def growth(noise: float | None = None, levels: tuple[int, ...] = (2, 4, 8)) -> Growth:
    return Growth(levels, lambda: noise)


def test_trainings_begin_with_two_levels():
    assert growth().cap == 4


def test_a_single_rung_leaves_nothing_to_grow():
    assert growth(levels=(3, 8)).cap == 8
    assert growth(levels=(8,)).cap == 8


def test_the_levels_in_use_stay_while_the_order_is_the_same_at_both():
    grown = growth()
    for height in (0.1, 0.5, 0.3, 0.9):
        grown.reached([height, height, 2 * height, 2 * height])
    assert grown.cap == 4


def test_they_grow_when_the_order_changes():
    grown = growth()
    grown.reached([0.1, 0.2, 0.3, 0.4])
    grown.reached([0.1, 0.3, 0.3, 0.35])
    assert grown.cap == 8


@pytest.mark.parametrize(("noise", "cap"), [(0.001, 8), (0.1, 4)])
def test_only_a_change_beyond_the_measured_noise_counts(noise: float, cap: int):
    grown = growth(noise)
    grown.reached([0.1, 0.2, 0.3, 0.4])
    grown.reached([0.1, 0.3, 0.3, 0.35])
    assert grown.cap == cap


def test_where_the_noise_will_be_measured_the_epochs_wait_for_it():
    measured: list[float] = []
    grown = Growth((2, 4, 8), lambda: measured[-1] if measured else None, waits=True)
    grown.reached([0.1, 0.2, 0.3, 0.4])
    grown.reached([0.1, 0.3, 0.3, 0.35])
    assert grown.cap == 4
    measured.append(0.001)
    grown.reached([0.0, 0.0, 0.0, 0.0])
    assert grown.cap == 8


def of_networks(*, change: float, seed: int) -> Growth:
    """Shows the growth a hundred trainings with a noise of 1, whose order at the two levels differs by ``change``."""
    rng, grown = random.Random(seed), growth(1.0, levels=(1, 2, 4))
    for _ in range(100):
        quality = rng.gauss(0.0, 3.0)
        before = quality + rng.gauss(0.0, change) + rng.gauss(0.0, 1.0)
        # Far above the level before, as a best score so far would be.
        grown.reached([before, 100 + quality + rng.gauss(0.0, 1.0)])
    return grown


def test_noise_alone_hardly_ever_grows_the_epochs_and_a_true_change_of_order_does():
    assert sum(of_networks(change=0.0, seed=seed).cap == 4 for seed in range(40)) <= 8
    assert sum(of_networks(change=2.0, seed=seed).cap == 4 for seed in range(40)) >= 36


def test_without_measured_noise_curves_that_cross_twice_tell_it():
    grown = growth(levels=(3, 6, 12))
    # The leads of the two change three times, so that neither is better.
    grown.reached([0.1, 0.3, 0.30, 0.5, 0.5, 0.60])
    grown.reached([0.2, 0.2, 0.33, 0.4, 0.5, 0.55])
    assert grown.cap == 6
    grown.reached([0.1, 0.1, 0.1, 0.1, 0.2, 0.9])
    assert grown.cap == 12


def test_after_the_full_epochs_nothing_grows():
    grown = growth(levels=(2, 4))
    for curve in ([0.1, 0.2, 0.3, 0.4], [0.1, 0.3, 0.3, 0.35]):
        grown.reached(curve)
    assert grown.cap == 4


def test_only_the_latest_trainings_count():
    grown = growth()
    grown.reached([0.0, 0.5, 0.5, 0.6])
    for _ in range(RANKED):
        grown.reached([0.0, 0.1, 0.1, 0.2])
    grown.reached([0.0, 0.4, 0.4, 0.7])  # against the first it would change the order
    assert grown.cap == 4
