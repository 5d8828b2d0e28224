"""Baselines are fitted one after the other; one that fails or comes too late has a reason instead of a score."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitted_models import Constant
from evo_nas.tasks.baselines.fitting import (
    BaselineNote,
    BaselineResult,
    Fit,
    Kept,
    fitted_baselines,
    fitted_in_turn,
    scores,
)
from evo_nas.tasks.example_sums import Examples, Scored
from evo_nas.tasks.metrics import ACCURACY


def results(limit_s: float | None = None, **baselines: Fit) -> dict[str, BaselineResult]:
    return dict(fitted_in_turn(baselines, limit_s=limit_s))


def raising(error: Exception) -> Fit:
    def fit() -> Scored:
        raise error

    return fit


def warning(message: str, category: type[Warning]) -> Fit:
    def fit() -> Scored:
        warnings.warn(message, category, stacklevel=2)
        warnings.warn(message, category, stacklevel=2)
        return Scored(0.5)

    return fit


def test_a_baseline_has_its_score_and_its_seconds() -> None:
    found = results(slow=lambda: Scored(float(np.linalg.svd(np.ones((300, 300)))[1][0])))["slow"]
    assert found.score == pytest.approx(300)
    assert found.cpu_s > 0
    assert not found.note


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_none(score: float) -> None:
    assert results(a=lambda: Scored(score))["a"].score is None
    assert results(a=lambda: Scored(score))["a"].note == "its test score is not finite"


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (DataError("run pip install"), "run pip install"),
        (ValueError("two\nlines"), "could not be fitted: two lines"),
        (np.linalg.LinAlgError("Singular matrix"), "could not be fitted: Singular matrix"),
        (MemoryError(), "could not be fitted: MemoryError"),
    ],
)
def test_one_that_fails_says_why_in_one_line_and_the_others_are_fitted(error: Exception, note: str) -> None:
    found = results(bad=raising(error), good=lambda: Scored(0.5))
    assert (found["bad"].score, found["bad"].note) == (None, note)
    assert scores(found) == {"good": 0.5}


def test_what_a_reader_must_know_is_noted_once_and_other_warnings_are_not() -> None:
    found = results(
        some=warning("saw 10 of 20", BaselineNote), other=warning("deprecated", DeprecationWarning)
    )
    assert found["some"].note == "saw 10 of 20"
    assert found["other"].note == ""


def test_after_the_limit_no_further_one_is_begun() -> None:
    found = results(0.0, first=lambda: pytest.fail("was begun"))
    assert found["first"] == BaselineResult(None, note="not fitted within the limit of 0 s for all")
    assert results(60.0, first=lambda: Scored(1.0))["first"].score == 1.0


def test_what_each_answered_is_kept_where_it_says_so() -> None:
    logits, targets = np.eye(3, dtype=np.float32), np.array([0, 1, 1])
    fits = {"telling": lambda: Scored.of(ACCURACY, logits, targets), "silent": lambda: Scored(0.5)}
    found = fitted_baselines(fits, metric=ACCURACY, examples=Examples(np.arange(3), 3))
    assert scores(found) == {"telling": pytest.approx(2 / 3), "silent": 0.5}
    assert {name: sums.values[:, 0].tolist() for name, sums in found.sums.items()} == {"telling": [1, 1, 0]}


def test_a_model_that_cannot_be_kept_has_its_score_and_the_reason() -> None:
    def keep(*_: object) -> Kept:
        raise MemoryError("no room")

    fits = {"majority": lambda: Scored(0.5, model=Constant(np.zeros(2)))}
    fitted = fitted_baselines(fits, metric=ACCURACY, examples=None, keep=keep)
    assert fitted["majority"].score == 0.5
    assert fitted["majority"].note == "could not be kept as a model: no room"
    assert not fitted.files
