"""Random features tell sequences apart by shapes and by order, whatever their lengths and units."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.models.reservoir import Reservoir
from evo_nas.tasks.baselines import random_features
from evo_nas.tasks.baselines.fitting import fitted_in_turn
from evo_nas.tasks.baselines.random_convolutions import (
    FEWEST_FEATURES,
    MOST_FEATURES,
    MOST_FEATURES_OF_MANY,
    MOST_STEPS,
    RandomConvolutions,
    number_of_features,
)
from evo_nas.tasks.baselines.random_features import (
    are_sequences,
    random_feature_classifiers,
    random_feature_regressions,
    side_by_side,
)
from evo_nas.tasks.metrics import ACCURACY, MSE, NLL

RNG = np.random.default_rng(0)
NAMES = ["reservoir + ridge", "random convolutions + ridge"]


def waves(count: int, *, columns: int = 1, longest: int = 40, scale: float = 1.0) -> list[np.ndarray]:
    """Noise with a bump somewhere: upwards in sequences of even numbers, downwards in the others."""
    items = []
    for row in range(count):
        item = RNG.normal(scale=0.3, size=(RNG.integers(20, longest + 1), columns))
        at = RNG.integers(0, len(item) - 8)
        item[at : at + 8, -1] += 3 * np.sin(np.linspace(0, np.pi, 8)) * (-1) ** row
        items.append(100 + scale * item)
    return items


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("settings", [{}, {"columns": 12}, {"longest": 400}, {"scale": 1e-6}, {"scale": 1e6}])
def test_a_shape_is_found_wherever_it_is(name: str, settings: dict[str, float]) -> None:
    items, targets = waves(120, **settings), np.arange(120) % 2
    fits = random_feature_classifiers(
        [items[:80], items[80:]], [targets[:80], targets[80:]], metric=ACCURACY, classes=2
    )
    assert fits[name]().score >= 0.75


@pytest.mark.parametrize("name", NAMES)
def test_a_baseline_scores_the_same_twice(name: str) -> None:
    items, targets = waves(60), np.arange(60) % 2
    arguments = [items[:40], items[40:]], [targets[:40], targets[40:]]
    scores = {random_feature_classifiers(*arguments, metric=NLL, classes=2)[name]().score for _ in range(2)}
    assert len(scores) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_column_that_is_constant_in_training_is_no_noise(name: str) -> None:
    items, targets = waves(120), np.arange(120) % 2

    def accuracy(tested: float) -> float:
        learnt, test = (
            [np.hstack([item, np.full((len(item), 1), value)]) for item in some]
            for some, value in ((items[:80], 0.1), (items[80:], tested))
        )
        fits = random_feature_classifiers(
            [learnt, test], [targets[:80], targets[80:]], metric=ACCURACY, classes=2
        )
        return fits[name]().score

    assert accuracy(0.1000001) == accuracy(0.1) >= 0.75


@pytest.mark.parametrize("steps", [1, 2, 8, 9, 100])
def test_sequences_may_be_of_any_length(steps: int) -> None:
    items = [RNG.normal(size=(steps, 2)) for _ in range(30)]
    features = RandomConvolutions.drawn(items, features=800)([*items, RNG.normal(size=(3 * steps, 2))])
    assert features.shape == (31, 800)
    assert np.isfinite(features).all()
    assert (features[:, :4] >= 0).all()


def test_padding_changes_no_feature_of_a_shorter_sequence() -> None:
    short, long = RNG.normal(size=(12, 3)), RNG.normal(size=(60, 3))
    convolutions = RandomConvolutions.drawn([short, long], features=1000)
    assert convolutions([short, long])[0] == pytest.approx(convolutions([short])[0], rel=1e-5)
    both = np.zeros((2, 60, 3), dtype=np.float32)
    both[0, :12], both[1] = short, long
    reservoir = Reservoir(3, 20)
    states, alone = reservoir(both, np.array([12, 60])), reservoir(both[:1, :12], None)
    assert states[0] == pytest.approx(alone[0], abs=1e-5)


def test_a_bias_is_a_quantile_of_the_steps_at_which_its_kernel_counts() -> None:
    # Of twelve steps no kernel is dilated, and either all count or those where it lies within.
    only = RNG.normal(size=(12, 1)).astype(np.float32)
    drawn = RandomConvolutions.drawn([only] * 3, features=1000)
    assert {each.pads for each in drawn.convolutions} == {False, True}
    for each in drawn.convolutions:
        convolved = each.of(drawn.scaler(only.astype(np.float64)).T[:, :, None])[:, 0]
        counted = convolved[each.counted(np.array([12]), 12)[:, 0]]
        levels = np.interp(each.biases, np.sort(counted), np.linspace(0, 1, len(counted)))
        assert ((levels > 0) & (levels < 1)).all()
        assert each.biases == pytest.approx(np.quantile(counted, levels), abs=1e-5)


def test_blocks_change_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = RNG.normal(size=(50, 7, 3)).astype(np.float32)
    whole = Reservoir(3, 30, seed=1)(inputs, None)
    monkeypatch.setattr("evo_nas.models.reservoir.BLOCK_STEPS", 30)
    assert Reservoir(3, 30, seed=1)(inputs, None) == pytest.approx(whole, abs=1e-6)
    assert whole.shape == (50, 60)
    assert not np.allclose(whole, Reservoir(3, 30, seed=2)(inputs, None))


@pytest.mark.parametrize("name", NAMES)
def test_a_number_is_predicted_from_a_whole_sequence(name: str) -> None:
    items = [np.cumsum(RNG.normal(size=(30, 1)), axis=0) for _ in range(200)]
    targets = np.array([[item.mean(), 1.0] for item in items], dtype=np.float32)
    targets[::5, 1] = np.nan
    fits = random_feature_regressions([items[:150], items[150:]], [targets[:150], targets[150:]], metric=MSE)
    assert fits[name]().score < 0.05 * np.var(targets[150:, 0])


def test_more_sequences_than_are_needed_are_not_all_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_features, "MOST_LEARNT", 30)
    items, targets = waves(60), np.arange(60) % 2
    fits = random_feature_classifiers(
        [items[:40], items[40:]], [targets[:40], targets[40:]], metric=ACCURACY, classes=2
    )
    results = dict(fitted_in_turn(fits))
    assert [result.note for result in results.values()] == ["learnt from 30 of 40 sequences"] * 2


def test_more_data_have_fewer_features_and_too_many_have_none() -> None:
    assert number_of_features(270, 10_000) == MOST_FEATURES
    assert number_of_features(7494, 90_000) == MOST_FEATURES_OF_MANY
    assert number_of_features(100_000, MOST_STEPS) == FEWEST_FEATURES
    with pytest.raises(DataError, match=r"left out for 100,000,001 steps in all, more than 100,000,000"):
        number_of_features(100_000, MOST_STEPS + 1)


def test_what_does_not_fit_into_memory_side_by_side_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_features, "MOST_VALUES", 79)
    with pytest.raises(DataError, match="left out for 80 values"):
        side_by_side([[np.zeros((5, 2))] * 7, [np.zeros((1, 2))]], np.float32)


def test_single_steps_and_rows_are_no_sequences() -> None:
    assert are_sequences([[np.zeros((1, 2)), np.zeros((2, 2))], []])
    assert not are_sequences([[np.zeros((1, 2))], []])
    assert not are_sequences([[np.zeros(4)], []])
