"""How far trainings go at most."""

from __future__ import annotations

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


def test_a_change_within_the_measured_noise_does_not_count():
    grown = growth(noise=0.1)
    grown.reached([0.1, 0.2, 0.3, 0.4])
    grown.reached([0.1, 0.3, 0.3, 0.35])
    assert grown.cap == 4


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
