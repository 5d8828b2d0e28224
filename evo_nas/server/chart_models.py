"""The answer of the API from which the page draws charts."""

from __future__ import annotations

from pydantic import Field

from evo_nas.server.candidate_models import Plain
from evo_nas.views.charts import Axis, ChartPoint


class ChartData(Plain):
    """What is drawn of a run; every list is bounded, however many evaluations the run has."""

    x: Axis = Field(
        description="What x is: evaluations told, `seconds` since the first training began, or `cost`, the seconds of "
        "computing of all trainings until then."
    )
    metric: str = Field(default="", description="Name of the metric; empty before the first score.")
    higher_is_better: bool | None = Field(
        default=None, description="Its direction; null before the first score."
    )
    told: int = Field(default=0, description="Number of evaluations that this was made of.")
    points: list[ChartPoint] = Field(
        default=[],
        description="Some of the evaluations and all that became the best: seq, id, x, value (null without a score), "
        "status, rung at which it was pruned (null if it was not), parameters, operator.",
    )
    best: list[tuple[float, float]] = Field(
        default=[],
        description="x and value whenever the best changed. Only full trainings count; of one that was repeated the "
        "mean does, so that it may fall.",
    )
    population: list[tuple[float, float, float, float]] = Field(
        default=[], description="x, lower quartile, median and upper quartile of the full trainings around x."
    )
    utilisation: list[tuple[float, float]] = Field(
        default=[], description="x, and how many candidates were trained at a time until then."
    )
    cost: list[tuple[float, float]] = Field(
        default=[], description="x, and the seconds of computing until then."
    )
