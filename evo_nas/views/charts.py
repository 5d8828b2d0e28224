"""`chart_of`: what is drawn of a run, with few points however many evaluations it has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evo_nas.evaluation import Status
from evo_nas.views.course import thinned
from evo_nas.views.digest import STATUSES

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.views.course import Rows
    from evo_nas.views.digest import RunDigest

Axis = Literal["evaluations", "seconds", "cost"]
STRIPES = 60
"""Stretches of evaluations whose values are summed up by their quartiles."""
LEAST = 4
"""Fewer values have no quartiles."""

ChartPoint = tuple[int, int, float, float | None, str, int | None, int, str]
"""``seq``, id, x, value of the metric, status, rung, parameters, operator."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn of a run.

    Attributes:
        x: What the first number of all pairs is: evaluations told, seconds since the first training began, or seconds
            of computing of all trainings until then.
        metric: Name of the metric; empty before the first score.
        higher_is_better: Its direction; None before the first score.
        told: Number of evaluations that this was made of.
        points: Some of the evaluations, and all that became the best.
        best: When the best changed, and its value from then on. Only full trainings count; of one that was repeated the
            mean does, so that it may fall.
        population: Quartiles of the full trainings around x: x, lower quartile, median, upper quartile.
        utilisation: How many candidates were trained at a time, up to each x.
        cost: Seconds of computing until x.
    """

    x: Axis
    metric: str
    higher_is_better: bool | None
    told: int
    points: list[ChartPoint]
    best: list[tuple[float, float]]
    population: list[tuple[float, float, float, float]]
    utilisation: list[tuple[float, float]]
    cost: list[tuple[float, float]]


def chart_of(digest: RunDigest, *, points: int, x: Axis) -> Chart:
    """Returns the chart of a run that was digested, with at most ``points`` of its evaluations."""
    seconds, told, cost, busy = digest.clock.table()
    across = {"seconds": seconds, "evaluations": told, "cost": cost}[x].tolist()
    return Chart(
        x=x,
        metric=digest.metric.removeprefix("validation_"),
        higher_is_better=digest.higher_is_better,
        told=digest.told,
        points=_points(digest, points, x),
        best=best_so_far(digest, points=points, x=x),
        population=_population(digest, x),
        utilisation=list(zip(across, busy.tolist(), strict=True)),
        cost=list(zip(across, cost.tolist(), strict=True)),
    )


def best_so_far(digest: RunDigest, *, points: int, x: Axis) -> list[tuple[float, float]]:
    """Returns x and value whenever the best of a run changed, at most ``points`` of them."""
    steps = thinned(digest.course.steps, points)
    return list(zip(_across(steps, x).tolist(), map(digest.value, steps["fitness"].tolist()), strict=True))


def reached(digest: RunDigest, x: Axis) -> float | None:
    """Returns x of the last evaluation, to the width of a stretch of time; None without any."""
    if not digest.told:
        return None
    seconds, _, cost, _ = digest.clock.table()
    return {"evaluations": float(digest.told), "seconds": float(seconds[-1]), "cost": float(cost[-1])}[x]


def _points(digest: RunDigest, most: int, x: Axis) -> list[ChartPoint]:
    best = thinned(digest.course.rows, most)
    others = digest.points.rows
    others = thinned(others[~np.isin(others["seq"], best["seq"])], most - len(best))
    rows = np.sort(np.concatenate([best, others]), order="seq")
    names = list(digest.operators)
    return [
        (
            seq,
            number,
            place,
            None if math.isnan(fitness) else digest.value(fitness),
            STATUSES[status],
            epochs if STATUSES[status] is Status.PRUNED else None,
            parameters,
            names[operator],
        )
        for seq, number, place, fitness, status, epochs, parameters, operator in zip(
            *(rows[name].tolist() for name in ("seq", "id")),
            _across(rows, x).tolist(),
            *(rows[name].tolist() for name in ("fitness", "status", "epochs", "parameters", "operator")),
            strict=True,
        )
    ]


def _population(digest: RunDigest, x: Axis) -> list[tuple[float, float, float, float]]:
    rows = digest.points.rows
    full = rows[rows["status"] == STATUSES.index(Status.OK)]
    stripes = np.array_split(full, min(STRIPES, max(1, len(full) // LEAST)))
    found = []
    for stripe in stripes:
        if len(stripe) >= LEAST:
            quartiles = np.quantile([digest.value(each) for each in stripe["fitness"]], [0.25, 0.5, 0.75])
            low, middle, high = quartiles.tolist()
            found.append((float(np.median(_across(stripe, x))), low, middle, high))
    return found


def _across(rows: Rows, x: Axis) -> npt.NDArray[np.float64]:
    across: npt.NDArray[np.float64] = rows["seq"] + 1.0 if x == "evaluations" else rows[x]
    return across
