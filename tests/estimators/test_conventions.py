"""The estimators follow the conventions of scikit-learn, as its own checks see them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.utils.estimator_checks import parametrize_with_checks

from evo_nas.estimators.supervised import EvoClassifier, EvoRegressor

TINY: dict[str, Any] = {
    "evaluations": 2,
    "epochs": 1,
    "space": {"layers": {"min": 1, "max": 1}, "widths": [4], "batch_sizes": [32], "cell_nodes": 8},
    "verdict": {"finalists": 1, "trials": 1, "seeds": 1, "most_seeds": 1, "opponents": ["lstm"]},
    "random_state": 0,
}
EXPECTED = {
    "check_n_features_in_after_fitting": "a column of the check's matrix is a step here, and no feature",
    "check_n_features_in": "as before",
    "check_classifiers_train": "a shorter row is a shorter sequence here, and none with other features",
    "check_estimators_empty_data_messages": "the message that is expected names a shape of two dimensions",
    "check_array_api_input": "arrays become numpy's",
}


class _Widened:
    """Takes the matrices of scikit-learn's checks, a row as a sequence of one feature.

    Estimators that refuse matrices are left out by most of the checks.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        # Two candidates with one epoch learn next to nothing.
        for kind in (tags.classifier_tags, tags.regressor_tags):
            if kind is not None:
                kind.poor_score = True
        return tags

    def fit(self, X, y):
        return super().fit(deep(X), y)

    def predict(self, X):
        return super().predict(deep(X))


class Classifier(_Widened, EvoClassifier):
    def predict(self, X):
        return EvoClassifier.predict(self, X)

    def predict_proba(self, X):
        return super().predict_proba(deep(X))


class Regressor(_Widened, EvoRegressor):
    pass


def deep(X):
    if issparse(X):
        return X
    array = np.asarray(X)
    return array[:, :, None] if array.ndim == 2 else array


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [Classifier(**TINY), Regressor(**TINY)], expected_failed_checks=lambda _: EXPECTED, xfail_strict=True
)
def test_a_check_of_scikit_learn_passes(estimator, check) -> None:
    check(estimator)
