"""A linear readout of many features: ridge regression whose penalty is chosen by leaving each row out once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.tasks.metrics import surprise

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]
    Features = npt.NDArray[np.float32]

PENALTIES = np.logspace(-3, 3, 10)
"""Those that Dempster et al. (2021) choose from, for standardised features."""
SHARPNESS = np.logspace(-1, 2, 31)
"""Factors of decisions that become logits."""


class Affine(NamedTuple):
    """Weights ``(features, outputs)`` and a bias ``(outputs,)``."""

    weights: Matrix
    bias: Matrix

    def __call__(self, features: Features) -> Matrix:
        """Returns the outputs ``(n, outputs)`` for ``features`` ``(n, features)``."""
        return features @ self.weights + self.bias


@dataclass(frozen=True, slots=True)
class Readout:
    """A ridge regression on standardised features.

    Scikit-learn's RidgeCV gives the same; it takes six times as long where there are more rows than features.

    Attributes:
        mean: Mean of each feature, ``(features,)``.
        deviation: Deviation of each, 1 where a feature is constant.
        weights: ``(features, outputs)``.
        bias: ``(outputs,)``.
        left_out: What the model predicts for each row that it is fitted to if that row is left out, ``(n, outputs)``.
    """

    mean: Matrix
    deviation: Matrix
    weights: Matrix
    bias: Matrix
    left_out: Matrix

    @classmethod
    def fitted(cls, features: Features, targets: Matrix) -> Self:
        """Returns the model whose penalty has the least squared error on rows that are left out.

        Args:
            features: ``(n, features)``.
            targets: ``(n, outputs)``.
        """
        mean, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
        # Rounding gives a constant feature a tiny deviation, by which it would become noise of the size of others.
        deviation[deviation <= 1e-6 * np.maximum(1.0, np.abs(mean))] = 1.0
        # Single precision takes half the time; only the decomposition needs more.
        rows = ((features - mean) / deviation).astype(np.float32)
        bias = targets.mean(axis=0)
        centred = targets - bias
        # Of the two matrices of products the smaller one is taken apart; both give the same scores and weights.
        is_wide = rows.shape[0] <= rows.shape[1]
        products = rows @ rows.T if is_wide else rows.T @ rows
        values, vectors = np.linalg.eigh(products.astype(np.float64))
        values = np.maximum(values, 0.0)
        scores = (
            vectors * np.sqrt(values) if is_wide else (rows @ vectors.astype(np.float32)).astype(np.float64)
        )
        known, squares = scores.T @ centred, np.square(scores)
        best = None
        for penalty in PENALTIES:
            shrunk = 1.0 / (values + penalty)
            # The leverage of each row; the first term is that of the bias.
            leverage = 1.0 / len(rows) + squares @ shrunk
            errors = (centred - scores @ (shrunk[:, None] * known)) / np.maximum(1.0 - leverage, 1e-9)[
                :, None
            ]
            loss = float(np.mean(np.square(errors)))
            if best is None or loss < best[0]:
                best = loss, shrunk, targets - errors
        assert best is not None
        _, shrunk, left_out = best
        inner = (vectors.T @ centred) if is_wide else known
        weights = vectors @ (shrunk[:, None] * inner)
        return cls(mean, deviation, rows.T @ weights if is_wide else weights, bias, left_out)

    @property
    def affine(self) -> Affine:
        """The model as weights and a bias for features as they are."""
        weights = self.weights / self.deviation[:, None]
        return Affine(weights, self.bias - self.mean @ weights)

    def __call__(self, features: Features) -> Matrix:
        """Returns the outputs ``(n, outputs)`` for ``features`` ``(n, features)``."""
        return (features - self.mean) / self.deviation @ self.weights + self.bias


@dataclass(frozen=True, slots=True)
class ClassReadout:
    """One regression for each class, and the factor that makes logits of their decisions.

    A ridge regression has no probabilities: the factor is the one that makes the rows that are left out most likely.
    """

    readout: Readout
    sharpness: float

    @classmethod
    def fitted(cls, features: Features, targets: npt.NDArray[np.int64], *, classes: int) -> Self:
        """Returns the model of the classes ``targets``, int64 ``(n,)``, of the rows ``features``."""
        readout = Readout.fitted(features, np.where(np.eye(classes, dtype=np.bool_)[targets], 1.0, -1.0))
        left_out = readout.left_out.astype(np.float32)
        costs = [surprise((factor * left_out).astype(np.float32), targets)[0] for factor in SHARPNESS]
        return cls(readout, float(SHARPNESS[np.argmin(costs)]))

    @property
    def affine(self) -> Affine:
        """What gives logits of features as they are."""
        return Affine(*(self.sharpness * each for each in self.readout.affine))


def fitted_classes(features: Features, targets: npt.NDArray[np.int64], *, classes: int) -> Affine:
    """Returns what gives logits of the classes ``targets``; see `ClassReadout.fitted`."""
    return ClassReadout.fitted(features, targets, classes=classes).affine


def fitted_numbers(features: Features, targets: npt.NDArray[np.floating]) -> Affine:
    """Returns a model of ``targets`` ``(n, outputs)``, each output learnt from the rows that know it."""
    known = ~np.isnan(targets)
    if known.all():
        return Readout.fitted(features, targets.astype(np.float64)).affine
    each = [
        Readout.fitted(features[rows], column[rows, None].astype(np.float64)).affine
        for rows, column in zip(known.T, targets.T, strict=True)
    ]
    return Affine(*(np.concatenate(parts, axis=-1) for parts in zip(*each, strict=True)))
