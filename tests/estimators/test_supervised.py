"""Estimators take sequences with three dimensions, follow scikit-learn, and keep their champion."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.utils import get_tags

import evo_nas
from evo_nas import EvoClassifier, EvoRegressor
from evo_nas.errors import ChampionError
from evo_nas.runs import Run

TINY: dict[str, Any] = {
    "evaluations": 3,
    "epochs": 1,
    "space": {"layers": {"min": 1, "max": 1}, "widths": [4], "batch_sizes": [32], "cell_nodes": 8},
    "verdict": {"finalists": 1, "trials": 1, "seeds": 1, "most_seeds": 1, "opponents": ["lstm"]},
    "random_state": 0,
}
RNG = np.random.default_rng(0)
X = RNG.normal(loc=50, scale=9, size=(60, 7, 2))
SUMS = X.mean(axis=(1, 2))
CLASSES = np.digitize(SUMS, [47, 53]) + 9  # 9, 10 and 11: sorted otherwise as texts


@pytest.fixture(scope="module")
def classifier() -> EvoClassifier:
    return EvoClassifier(**TINY).fit(X, CLASSES)


def test_a_classifier_answers_with_the_classes_that_it_was_given(classifier) -> None:
    assert classifier.classes_.tolist() == [9, 10, 11]
    assert set(classifier.predict(X).tolist()) <= {9, 10, 11}
    probabilities = classifier.predict_proba(X)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(60))
    assert (classifier.classes_[probabilities.argmax(axis=1)] == classifier.predict(X)).all()
    assert 0 <= classifier.score(X, CLASSES) <= 1
    assert classifier.n_features_in_ == 2
    assert classifier.verdict_.evaluations == 3


@pytest.mark.parametrize("classes", [[False, True], ["no", "yes"], [-1, 1], [1.0, 2.0]])
def test_classes_keep_their_type(classes) -> None:
    y = np.array(classes)[(SUMS > 50).astype(int)]
    answers = EvoClassifier(**TINY).fit(X, y).predict(X)
    assert answers.dtype == y.dtype
    assert set(answers.tolist()) <= set(classes)


def test_the_same_random_state_gives_the_same_answers(classifier) -> None:
    again = clone(classifier).fit(X, CLASSES)
    assert np.array_equal(again.predict_proba(X), classifier.predict_proba(X))
    other = EvoClassifier(**{**TINY, "random_state": 1}).fit(X, CLASSES)
    assert not np.array_equal(other.predict_proba(X), classifier.predict_proba(X))


@pytest.mark.parametrize(("y", "shape"), [(SUMS, (60,)), (X[:, -1], (60, 2)), (X[:, -1, :1], (60, 1))])
def test_a_regressor_answers_in_the_shape_and_the_units_of_the_targets(y, shape) -> None:
    answers = EvoRegressor(**TINY).fit(X, y).predict(X)
    assert answers.shape == shape
    assert abs(answers.mean() - y.mean()) < 10


def test_sequences_may_differ_in_length() -> None:
    some = [wave[: 2 + number % 5] for number, wave in enumerate(X)]
    fitted = EvoClassifier(**TINY).fit(some, CLASSES)
    assert fitted.predict(some[:3]).shape == (3,)


def test_frames_are_sequences() -> None:
    frames = [pd.DataFrame(wave, columns=["x", "y"]) for wave in X]
    long = pd.concat(frames, keys=range(60), names=["id", "step"])
    fitted = EvoClassifier(**TINY).fit(frames, CLASSES)
    swapped = [frame[["y", "x"]] for frame in frames]
    assert np.array_equal(fitted.predict(swapped), fitted.predict(X))
    assert np.array_equal(EvoClassifier(**TINY).fit(long, CLASSES).predict(long), fitted.predict(frames))


@pytest.mark.parametrize(("estimator", "y"), [(EvoClassifier, CLASSES), (EvoRegressor, SUMS)])
def test_targets_with_the_names_of_sequences_are_matched_by_them(estimator, y) -> None:
    long = pd.concat([pd.DataFrame(wave) for wave in X], keys=range(60))
    named = pd.Series(y, index=range(60)).sample(frac=1, random_state=0)
    fitted = estimator(**TINY).fit(long, named)
    assert np.array_equal(fitted.predict(long), estimator(**TINY).fit(long, y).predict(long))
    with pytest.raises(ValueError, match="y have an index that does not name the sequences"):
        estimator(**TINY).fit(long, named.rename(index=str))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        estimator(**TINY).fit(long, y[:-1])


def test_a_hole_is_refused_or_masked() -> None:
    holed = X.copy()
    holed[::3, 2, 1] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        EvoClassifier(**TINY).fit(holed, CLASSES)
    fitted = EvoClassifier(**TINY, missing="mask").fit(holed, CLASSES)
    assert fitted.predict(holed).shape == (60,)
    assert get_tags(fitted).input_tags.allow_nan


@pytest.mark.parametrize("estimator", [EvoClassifier, EvoRegressor])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X[..., 0], r"X has shape \(60, 7\). Reshape your data: X must be an array with three dimensions"),
        (X[0, 0], r"sequence 1 of X has shape \(\). Reshape"),
        ([[1.0, 2.0]] * 60, r"sequence 1 of X has shape \(2,\). Reshape"),
        ([[[1.0, 2.0], [3.0]]] * 60, "sequence 1 of X is ragged. Reshape"),
        (pd.DataFrame(X[..., 0]), r"X is one frame of two dimensions, \(60, 7\). Reshape"),
        (7, "X is a int. Reshape"),
        ([], r"X has 0 sample\(s\)"),
        (X[:-1], "inconsistent numbers of samples"),
        ([*X[:-1], X[0, :, :1]], r"input 60 has shape \(7, 1\)"),
    ],
)
def test_other_shapes_are_one_clear_error(estimator, given, message) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        estimator(**TINY).fit(given, CLASSES)
    assert "\n" not in str(refused.value)


def test_other_features_than_those_of_training_are_refused(classifier) -> None:
    for given in (X[..., :1], [X[0, :, :1]]):
        with pytest.raises(ValueError, match="X has 1 features, but EvoClassifier is expecting 2"):
            classifier.predict(given)


@pytest.mark.parametrize("estimator", [EvoClassifier(), EvoRegressor()])
def test_an_estimator_that_was_not_fitted_says_so(estimator, tmp_path) -> None:
    for use in (lambda: estimator.predict(X), lambda: estimator.save(tmp_path / "out")):
        with pytest.raises(NotFittedError):
            use()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"evaluations": 0}, "budget.evaluations is 0"),
        ({"metric": "mae"}, "metric is 'mae'; must be one of accuracy"),
        ({"space": {"width": [4]}}, "space.width is unknown"),
        ({"missing": "drop"}, 'missing is "drop"; must be one of refuse, mask'),
        ({"missing": ["mask"]}, "missing is"),
        ({"metric": ["mae"]}, "metric is .* must be the name of a metric"),
        *[
            ({part: share}, f"{part} is .*; must be a number between 0 and 1")
            for part in ("test", "validation")
            for share in (-1.0, 0, 1, True, float("nan"), None, "a", [0.1])
        ],
        ({"test": 0.5, "validation": 0.5}, "must be less than 1 together"),
        ({"space": [1]}, r"space is \[1\]; must be a mapping of options, or None"),
        ({"strategy": "aging"}, 'strategy is "aging"; must be a mapping'),
        ({"fitness": "confirm"}, 'fitness is "confirm"; must be a mapping'),
        ({"fitness": {"rung": [2]}}, "fitness.rung is unknown"),
        ({"verdict": {"seed": 2}}, "verdict.seed is unknown"),
        ({"executor": "cloud"}, "executor is 'cloud'"),
        ({"cuts": 0}, "validation.cuts is 0; must be at least 1"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_said_by_fit(changed, message) -> None:
    with pytest.raises(ValueError, match=message):
        EvoClassifier(**{**TINY, **changed}).fit(X, CLASSES)


def test_a_sequence_that_is_there_twice_is_in_one_part_only() -> None:
    fitted = EvoClassifier(**TINY).fit(np.concatenate([X, X]), np.concatenate([CLASSES, CLASSES]))
    assert any("dropped" in remark for remark in fitted.remarks_)
    assert not any("dropped" in remark for remark in EvoClassifier(**TINY).fit(X, CLASSES).remarks_)


def test_an_estimator_is_saved_without_pickle_and_loaded(classifier, tmp_path) -> None:
    classifier.save(tmp_path / "out")
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".json"] * 5 + [".safetensors"]
    loaded = EvoClassifier.load(tmp_path / "out")
    assert np.array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    assert loaded.predict(X).dtype == classifier.predict(X).dtype
    assert loaded.verdict_ == classifier.verdict_
    assert loaded.get_params() == classifier.get_params()
    names = evo_nas.load_champion(tmp_path / "out").predict(X)
    assert names.tolist() == loaded.predict(X).astype(str).tolist()
    with pytest.raises(ChampionError, match="is not an empty directory"):
        classifier.save(tmp_path / "out")


def test_parameters_may_be_values_of_numpy(tmp_path) -> None:
    space = {**TINY["space"], "widths": np.array([4]), "batch_sizes": (np.int64(32),)}
    given = {
        "evaluations": np.int64(2),
        "epochs": np.int32(1),
        "train_minutes": np.float64(5),
        "validation": np.float32(0.25),
        "strategy": {"warmup": np.int64(2)},
        "space": space,
        "workers": np.int64(1),
        "random_state": np.int64(3),
    }
    EvoClassifier(**given).fit(X, CLASSES).save(tmp_path / "out")
    loaded = EvoClassifier.load(tmp_path / "out")
    assert (loaded.evaluations, loaded.validation, loaded.random_state) == (2, 0.25, 3)
    assert (loaded.space["widths"], loaded.space["batch_sizes"]) == ([4], [32])


def test_a_regressor_is_loaded_as_it_was_saved(tmp_path) -> None:
    fitted = EvoRegressor(**TINY).fit(X, SUMS)
    fitted.save(tmp_path / "out")
    assert np.array_equal(EvoRegressor.load(tmp_path / "out").predict(X), fitted.predict(X))
    with pytest.raises(ChampionError, match="holds EvoRegressor of format 1; EvoClassifier.load reads"):
        EvoClassifier.load(tmp_path / "out")


@pytest.mark.parametrize("damage", ["{", "{}", None])
def test_a_damaged_file_is_one_clear_error(classifier, tmp_path, damage) -> None:
    classifier.save(tmp_path / "out")
    path = tmp_path / "out" / "estimator.json"
    path.unlink()
    if damage is not None:
        path.write_text(damage)
    with pytest.raises(
        ChampionError, match=r"estimator.json cannot be read: .*; give the directory that save"
    ):
        EvoClassifier.load(tmp_path / "out")


def test_a_pickled_estimator_gives_the_same_answers(classifier) -> None:
    again = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(again.predict(X), classifier.predict(X))


@pytest.mark.parametrize("state", [0, None])
def test_a_run_of_ones_own_is_kept_and_gone_on_with(tmp_path, state) -> None:
    first = EvoClassifier(**{**TINY, "random_state": state}, run=tmp_path / "run").fit(X, CLASSES)
    more = clone(first).set_params(evaluations=5).fit(X, CLASSES)
    assert more.seed_ == first.seed_
    assert Run.at(tmp_path / "run").totals().told == more.verdict_.evaluations == 5


def test_the_cuts_of_a_search_are_a_parameter(tmp_path) -> None:
    EvoClassifier(**TINY, cuts=3, run=tmp_path / "run").fit(X, CLASSES)
    config = Run.at(tmp_path / "run").config
    assert config.validation.cuts == 3
    assert config.fitness.confirm  # otherwise no training would see the further ones


def test_how_candidates_are_scored_is_a_parameter(tmp_path) -> None:
    fitness = {"repeats": np.float64(0.25), "confirm": False}
    EvoClassifier(**TINY, cuts=2, fitness=fitness, run=tmp_path / "run").fit(X, CLASSES)
    scored = Run.at(tmp_path / "run").config.fitness
    assert (scored.repeats, scored.confirm) == (0.25, False)


def test_scikit_learn_cross_validates_it() -> None:
    assert cross_val_score(EvoClassifier(**TINY), X, CLASSES, cv=2).shape == (2,)


def test_verbose_writes_the_best_score(capsys) -> None:
    EvoClassifier(**TINY, verbose=1).fit(X, CLASSES)
    assert "of 3: 0." in capsys.readouterr().out


def test_parameters_are_shown_in_files_as_json(classifier, tmp_path) -> None:
    classifier.save(tmp_path / "out")
    facts = json.loads((tmp_path / "out" / "estimator.json").read_text())
    assert facts["parameters"]["evaluations"] == 3
    assert facts["fitted"]["classes_"] == [9, 10, 11]
