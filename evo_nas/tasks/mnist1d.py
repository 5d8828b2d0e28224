"""MNIST-1D (Greydanus, 2020, arXiv:2011.14439): ten digits as short noisy curves, which tell classifiers apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from evo_nas.data.options import Count  # noqa: TC001 - pydantic reads it from the annotations
from evo_nas.data.scaling import Scaler
from evo_nas.data.statistics import Statistics
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.classifiers import classification_baselines
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.generated import Drawn, GeneratedClassesOptions, GeneratedTask
from evo_nas.tasks.metrics import CLASSIFICATION
from evo_nas.tasks.preparation import plain_preparation

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit, TrainTest

    Curves = npt.NDArray[np.float64]

# The figures are those of the paper: 12 points for each digit, drawn like the digit lying on its side.
_DIGITS = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
_POINTS = _DIGITS.shape[1]
_PADDING = (36, 60)
_CANVAS = _POINTS + _PADDING[1]
_FURTHEST_SHIFT = 48
_SCALING = 0.4
_SHEAR = 0.75
_NOISE = 0.02
_BACKGROUND_NOISE = 0.25
_SMOOTHING = 2.0
"""Deviation in steps of the Gaussian that makes the noise beside a digit smooth."""


class Mnist1dOptions(GeneratedClassesOptions):
    """Options of the task ``mnist1d``.

    Its ``length`` is the number of steps of each curve. Validation is taken from the 4,000 curves that the paper learns
    from.
    """

    train: Count = 3600
    validation: Count = 400
    test: Count = 1000
    length: Annotated[int, Field(ge=2, le=_CANVAS)] = 40


class Mnist1dTask(GeneratedTask[Mnist1dOptions]):
    """Curves of ten digits, padded, stretched, shifted, sheared and noisy; one value for each step."""

    kind = "mnist1d"
    Options = Mnist1dOptions

    def _baselines(self, both: TrainTest[Sequences]) -> dict[str, Fit]:
        """Returns what fits classifiers that see all steps; see `classification_baselines`."""
        return classification_baselines(
            both.map(lambda part: list(part.inputs)),
            both.map(lambda part: part.targets.astype(np.int64)),
            metric=CLASSIFICATION[self.options.metric],
            classes=len(_DIGITS),
        )

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        classes = np.arange(count, dtype=np.int64) % len(_DIGITS)
        curves, is_digit = _on_canvas(rng, classes)
        curves *= 1 + _SCALING * (rng.random((count, 1)) - 0.5)
        curves, is_digit = _shifted(rng, curves, is_digit)
        curves = np.where(is_digit, curves, _background(rng, curves.shape))
        curves += rng.normal(0.0, _NOISE, curves.shape)
        curves -= _SHEAR * (rng.random((count, 1)) - 0.5) * np.linspace(-0.5, 0.5, _CANVAS)
        steps = np.linspace(0, _CANVAS - 1, self.options.length)
        curves = _between(curves, np.broadcast_to(steps, (count, len(steps))))
        return Sequences(curves[..., None].astype(np.float32), classes)

    def _dataset(self, drawn: Drawn) -> Dataset:
        scaler = Scaler.fitted(drawn.train.inputs.astype(np.float64))
        scaled = Drawn(*(replace(part, inputs=scaler(part.inputs.astype(np.float64))) for part in drawn))
        signature, classes = Signature(1, len(_DIGITS)), tuple(map(str, range(len(_DIGITS))))
        return Dataset(
            "MNIST-1D",
            signature,
            Objective.CROSS_ENTROPY,
            CLASSIFICATION[self.options.metric],
            *scaled,
            classes=classes,
            preparation=plain_preparation(signature, scaler=scaler, classes=classes),
            statistics=Statistics(scaled=(0,)),
        )


def _templates() -> Curves:
    """Returns the curve of each digit, ``(10, 12)``; it begins and ends at 0."""
    centred = _DIGITS - _DIGITS.mean(axis=1, keepdims=True)
    scaled: Curves = centred / centred.std(axis=1, keepdims=True)
    return (scaled - scaled[:, :1]) / 6.0


def _on_canvas(
    rng: np.random.Generator, classes: npt.NDArray[np.int64]
) -> tuple[Curves, npt.NDArray[np.bool_]]:
    """Returns curves with a random number of zeros behind them, all stretched to one length, and where the digit is."""
    padding = rng.integers(_PADDING[0], _PADDING[1] + 1, (len(classes), 1))
    points = np.linspace(0.0, 1.0, _CANVAS) * (_POINTS + padding - 1)
    padded = np.pad(_templates(), ((0, 0), (0, _PADDING[1])))
    return _between(padded[classes], points), points < _POINTS


def _between(curves: Curves, points: npt.NDArray[np.floating]) -> Curves:
    """Returns the values of ``curves (n, time)`` at ``points (n, times)``, which may lie between two steps."""
    before = np.minimum(points.astype(np.int64), curves.shape[1] - 2)
    first, second = (np.take_along_axis(curves, before + step, axis=1) for step in (0, 1))
    values: Curves = first + (points - before) * (second - first)
    return values


def _shifted(
    rng: np.random.Generator, curves: Curves, is_digit: npt.NDArray[np.bool_]
) -> tuple[Curves, npt.NDArray[np.bool_]]:
    """Moves each curve to the right by its own number of steps; what leaves at the end comes in at the start."""
    shift = rng.integers(0, _FURTHEST_SHIFT, (len(curves), 1))
    origin = (np.arange(_CANVAS) - shift) % _CANVAS
    return np.take_along_axis(curves, origin, axis=1), np.take_along_axis(is_digit, origin, axis=1)


def _background(rng: np.random.Generator, shape: tuple[int, ...]) -> Curves:
    from scipy.ndimage import gaussian_filter1d  # noqa: PLC0415 - only who draws these curves pays for it

    smooth: Curves = gaussian_filter1d(rng.normal(0.0, _BACKGROUND_NOISE, shape), _SMOOTHING, axis=1)
    return smooth
