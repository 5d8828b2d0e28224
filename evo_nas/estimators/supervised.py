"""`EvoClassifier` and `EvoRegressor`: one class, or numbers, for each sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from evo_nas.data.frames import is_frame, plain_column
from evo_nas.data.splitting import SplitOptions
from evo_nas.errors import DataError
from evo_nas.estimators.base import SequenceEstimator, sequences_of, value_errors
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.raw_inputs import NumericInputs

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.memory import Kind
    from evo_nas.tasks.dataset import Dataset


class _Supervised(SequenceEstimator):
    """Sequences with a target each."""

    def _fitted(self, X: Any, y: Any, kind: Kind) -> None:
        """Fits targets of ``kind``; ``y`` is as `dataset_from_arrays` takes it."""
        self._check_parameters()
        seed = self._drawn_seed()
        with value_errors():
            self._search(self._dataset(X, y, kind, seed), seed)

    def _dataset(self, X: Any, y: Any, kind: Kind, seed: int) -> Dataset:
        if len(y) < 3:
            raise DataError(f"y has n_samples = {len(y)}; must have at least 3, one for each part")
        # A sequence that is there twice is no mistake here, since X may be a bootstrap sample; in two parts it would be
        # scored by what was learnt of itself.
        plain = self._plain_params()
        split = SplitOptions(
            validation=self._share(y, plain["validation"], kind),
            test=self._share(y, plain["test"], kind),
            seed=seed,
            duplicates="drop",
        )
        dataset = dataset_from_arrays(
            X, y, kind=kind, missing=cast("Any", self.missing), split=split, metric=cast("Any", self.metric)
        )
        assert dataset.preparation is not None
        inputs = dataset.preparation.inputs
        assert isinstance(inputs, NumericInputs)
        self.n_features_in_ = len(inputs.mean)
        return dataset

    @staticmethod
    def _share(y: Any, share: float, kind: Kind) -> float:
        """Returns a share of the sequences, or the number of classes where that is more: a part has one of each."""
        least = len(np.unique(y)) if kind == "classification" else 1
        return share if share * len(y) >= least else least

    def _answers(self, X: Any, method: str) -> Any:
        champion = self.champion
        with value_errors():
            sequences = sequences_of(self, X)
            found = self.n_features_in_ if is_frame(sequences) else np.shape(sequences[0])[1]
            if found != self.n_features_in_:
                raise ValueError(
                    f"X has {found} features, but {type(self).__name__} is expecting {self.n_features_in_} features as "
                    "input"
                )
            return getattr(champion, method)(sequences)


class EvoClassifier(ClassifierMixin, _Supervised):  # type: ignore[misc]
    """Classifies sequences by the champion of a search; see `SequenceEstimator` for its parameters.

    Attributes:
        classes_: The classes, sorted, ``(classes,)``.
    """

    classes_: npt.NDArray[Any]

    def fit(self, X: Any, y: Any) -> Self:
        """Searches for a network that tells the classes apart.

        Args:
            X: Sequences ``(n, time, features)``, or a list of arrays or frames ``(time, features)``.
            y: Classes ``(n,)``.

        Raises:
            ValueError: ``X`` has not three dimensions, or data or parameters cannot be used.
        """
        X = sequences_of(self, X)
        y = _given(self, X, y)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only, {self.classes_[0]!r}; there is nothing to tell apart")
        self._fitted(X, y, "classification")
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Returns the class of each sequence, ``(n,)``."""
        likeliest: npt.NDArray[np.int64] = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Returns the probability of each class, ``(n, classes)``, in the order of ``classes_``."""
        probabilities = self._answers(X, "predict_proba")
        # The data set sorts classes as people do, 9 before 10, and scikit-learn as numpy does.
        names = list(self.champion.prepared.answers.classes)  # type: ignore[union-attr]
        return np.asarray(probabilities[:, [names.index(str(name)) for name in self.classes_.tolist()]])

    def _facts(self) -> dict[str, Any]:
        return super()._facts() | {"classes_": self.classes_.tolist()}

    def _take(self, facts: Any) -> None:
        super()._take(facts)
        self.classes_ = np.array(facts["classes_"])


class EvoRegressor(RegressorMixin, _Supervised):  # type: ignore[misc]
    """Predicts numbers from sequences by the champion of a search; see `SequenceEstimator` for its parameters."""

    def fit(self, X: Any, y: Any) -> Self:
        """Searches for a network that predicts the numbers.

        Args:
            X: Sequences ``(n, time, features)``, or a list of arrays or frames ``(time, features)``.
            y: Numbers ``(n,)`` or ``(n, outputs)``.

        Raises:
            ValueError: ``X`` has not three dimensions, or data or parameters cannot be used.
        """
        X = sequences_of(self, X)
        y = np.asarray(_given(self, X, y))
        self._is_flat = y.ndim == 1
        self._fitted(X, y, "regression")
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Returns the numbers of each sequence, ``(n,)`` or ``(n, outputs)`` as ``y`` was."""
        numbers = np.asarray(self._answers(X, "predict"))
        return numbers[:, 0] if self._is_flat else numbers

    def _facts(self) -> dict[str, Any]:
        return super()._facts() | {"_is_flat": self._is_flat}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


def _given(estimator: SequenceEstimator, X: Any, y: Any) -> Any:
    """Returns ``y`` if there is one, with a target for each sequence."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: give one for each "
            "sequence"
        )
    if not is_frame(X):
        check_consistent_length(X, y)
        return y
    # The rows of a frame are steps; a series of targets may have the names of the sequences in another order.
    names = list(dict.fromkeys(X.index.get_level_values(0)))
    with value_errors():
        y = plain_column("y", y, names)
    check_consistent_length(names, y)
    return y
