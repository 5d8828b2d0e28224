"""Baselines that learn a linear readout of random features of sequences: convolutions, and states of a reservoir."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.scaling import Scaler
from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitted_models import ConvolutionReadout, ReservoirReadout, answers
from evo_nas.tasks.baselines.fitting import learnt_from
from evo_nas.tasks.baselines.random_convolutions import RandomConvolutions, number_of_features
from evo_nas.tasks.baselines.readout import fitted_classes, fitted_numbers
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitted_models import BaselineModel
    from evo_nas.tasks.baselines.fitting import Fit
    from evo_nas.tasks.baselines.readout import Affine
    from evo_nas.tasks.metrics import Metric

    Items = Sequence[npt.NDArray[np.generic]]
    Features = npt.NDArray[np.float32]
    Readout = Callable[[Features, Any], Affine]

Number = TypeVar("Number", bound=np.generic)

MOST_LEARNT = 20_000
"""Sequences that a readout learns from; more make it slower, and hardly better."""
MOST_VALUES = 200_000_000
"""Values of padded sequences that a model sees side by side: about a gigabyte."""
FEWEST_UNITS, MOST_UNITS = 50, 500
MOST_PRODUCTS = 1e11
"""Multiplications of a reservoir, about ten seconds."""


def random_feature_classifiers(
    inputs: Sequence[Items], targets: Sequence[npt.NDArray[np.int64]], *, metric: Metric, classes: int
) -> dict[str, Fit]:
    """Returns what fits linear classifiers of random features.

    Args:
        inputs: Sequences to learn from and sequences to test, ``(time, columns)`` each, without holes.
        targets: Classes of both, int64 ``(n,)``.
        metric: A metric of logits and classes.
        classes: Number of classes.
    """
    return _baselines(inputs, targets, partial(fitted_classes, classes=classes), metric)


def random_feature_regressions(
    inputs: Sequence[Items], targets: Sequence[npt.NDArray[np.floating]], *, metric: Metric
) -> dict[str, Fit]:
    """Returns what fits linear regressions on random features.

    Args:
        inputs: Sequences to learn from and sequences to test, ``(time, columns)`` each, without holes.
        targets: Numbers of both, ``(n, outputs)``.
        metric: A metric of outputs and targets.
    """
    return _baselines(inputs, targets, fitted_numbers, metric)


def are_sequences(inputs: Sequence[Items]) -> bool:
    """Returns whether there are steps to read one after the other: ``(time, columns)``, not all of a single step."""
    return all(item.ndim == 2 for item in inputs[0]) and any(len(item) > 1 for item in inputs[0])


def side_by_side(inputs: Sequence[Items], dtype: type[Number]) -> list[npt.NDArray[Number]]:
    """Returns the steps of each sequence in one row, ``(n, steps * columns)``, padded at its end.

    Raises:
        DataError: There are too many values for the memory of a common machine.
    """
    steps = max(len(item) for items in inputs for item in items)
    values = sum(map(len, inputs)) * steps * inputs[0][0][0].size
    if values > MOST_VALUES:
        raise DataError(f"left out for {values:,} values of padded sequences, more than {MOST_VALUES:,}")
    return [padded(items, dtype, steps=steps).reshape(len(items), -1) for items in inputs]


def _baselines(
    inputs: Sequence[Items],
    targets: Sequence[npt.NDArray[np.generic]],
    fit: Readout,
    metric: Metric,
) -> dict[str, Fit]:
    ways = {"reservoir + ridge": _reservoir, "random convolutions + ridge": _convolutions}
    return {name: partial(_score, way, fit, inputs, targets, metric) for name, way in ways.items()}


def _score(
    fitted: Callable[[Items, int, Callable[[Features], Affine]], BaselineModel],
    fit: Readout,
    inputs: Sequence[Items],
    targets: Sequence[npt.NDArray[np.generic]],
    metric: Metric,
) -> Scored:
    some = learnt_from(len(inputs[0]), most=MOST_LEARNT, what="sequences")
    learnt, known = [inputs[0][row] for row in some.tolist()], targets[0][some]
    steps = sum(len(item) for items in (learnt, inputs[1]) for item in items)
    model = fitted(learnt, steps, lambda features: fit(features, known))
    return Scored.of(metric, answers(model, inputs[1]), targets[1], model=model)


def _convolutions(learnt: Items, steps: int, fit: Callable[[Features], Affine]) -> BaselineModel:
    drawn = RandomConvolutions.drawn(learnt, features=number_of_features(len(learnt), steps))
    return ConvolutionReadout.of(drawn, *fit(drawn(learnt)))


def _reservoir(learnt: Items, steps: int, fit: Callable[[Features], Affine]) -> BaselineModel:
    from evo_nas.models.reservoir import Reservoir  # noqa: PLC0415 - torch takes seconds to load

    scaler = Scaler.fitted(np.concatenate(learnt).astype(np.float64))
    # A step of a GRU multiplies with six matrices, three of them as wide as its state.
    units = int(np.clip(np.sqrt(MOST_PRODUCTS / (6 * steps)), FEWEST_UNITS, MOST_UNITS))
    reservoir = Reservoir(len(scaler.mean), units)
    scaled = padded([scaler(item.astype(np.float64)) for item in learnt], np.float32)
    weights, bias = fit(reservoir(scaled, lengths_of(learnt)))
    return ReservoirReadout(scaler.mean, scaler.scale, reservoir.drawn, weights, bias, units)
