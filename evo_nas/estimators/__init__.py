"""Estimators with the conventions of scikit-learn, for sequences: ``X`` has three dimensions, ``(n, time, features)``.

``fit`` runs a search as `evo_nas.search` does and keeps its champion, so that ``predict`` takes raw sequences.
"""

from __future__ import annotations

from evo_nas.estimators.forecaster import EvoForecaster
from evo_nas.estimators.supervised import EvoClassifier, EvoRegressor

__all__ = ["EvoClassifier", "EvoForecaster", "EvoRegressor"]
