"""The figures of a search: what it reached when, and how it went."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from evo_nas.config.objectives import COSTS, FITNESS
from evo_nas.evaluation import Status
from evo_nas.report.evolution_figures import diversity_figure, operators_figure
from evo_nas.report.figures import (
    FIRST,
    SECOND,
    SERIES,
    SOFT,
    Figure,
    coloured,
    nominal,
    quantitative,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evo_nas.report.facts import RunFacts
    from evo_nas.runs.rows import Row

MOST_POINTS, MOST_CURVES = 1500, 120
"""More would make a page of megabytes; what is left out is said."""
TIME_BINS = 48
PLAIN_SHARE = 0.1
"""Share of the lowest scores that the axis leaves out: a few failures would press all others together."""
_UNITS = {1.0: "seconds", 60.0: "minutes", 3600.0: "hours"}


def search_figures(facts: RunFacts) -> Iterator[Figure]:
    """Yields the figures of the whole search that the run has data for."""
    scored = _scored(facts)
    yield from _progress(facts, scored)
    for draw in (_curves, _costs, diversity_figure, operators_figure, _endings, _utilization):
        figure = draw(facts)
        if figure is not None:
            yield figure


def _scored(facts: RunFacts) -> list[dict[str, Any]]:
    """Returns the complete evaluations with the best so far, and what each took since the start."""
    first = min(row["finished_at"].timestamp() - row["train_s"] for row in facts.rows)
    unit_s = _unit_s(facts)
    best: float | None = None
    spent_s, found = 0.0, []
    for number, row in enumerate(facts.rows, start=1):
        spent_s += row["cpu_s"] or row["train_s"]
        score = facts.score_of(row)
        if score is None or row["status"] != Status.OK:
            continue
        if best is None or facts.is_better(score, best):
            best = score
        found.append(
            {
                "evaluations": number,
                "clock": (row["finished_at"].timestamp() - first) / unit_s,
                "cost": spent_s / unit_s,
                "score": score,
                "best": best,
            }
        )
    return found


def _progress(facts: RunFacts, scored: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    if not scored:
        return
    domain = _domain(facts, [each["score"] for each in scored])
    step = max(1, len(scored) // MOST_POINTS)
    last, unit = len(scored) - 1, _UNITS[_unit_s(facts)]
    shown = [each for at, each in enumerate(scored) if at % step == 0 or at == last]
    for field, axis, title in (
        ("evaluations", "evaluations", "Best so far, by evaluations"),
        ("clock", f"{unit} on the clock", "Best so far, by time"),
        ("cost", f"{unit} of computing, all workers together", "Best so far, by cost"),
    ):
        x = quantitative(field, axis)
        y = {
            "type": "quantitative",
            "title": f"validation {facts.metric}",
            "scale": {"domain": domain, "clamp": True},
        }
        yield Figure(
            f"best-by-{field}",
            title,
            "Points are networks that were trained in full, the line is the best of them so far, by its first score.",
            {
                "data": values_of(shown),
                "layer": [
                    {
                        "mark": {"type": "point", "size": 28, "opacity": 0.5, "color": SOFT},
                        "encoding": {"x": x, "y": {"field": "score", **y}},
                    },
                    {
                        "mark": {"type": "line", "interpolate": "step-after", "color": FIRST},
                        "encoding": {"x": x, "y": {"field": "best", **y}},
                    },
                ],
            },
        )


def _unit_s(facts: RunFacts) -> float:
    """Returns the seconds of the unit in which the run's times are read best."""
    times = [row["finished_at"].timestamp() for row in facts.rows]
    lasted = max(times) - min(times)
    return next((unit for unit in sorted(_UNITS, reverse=True) if lasted >= 2 * unit), 1.0)


def _domain(facts: RunFacts, scores: Sequence[float]) -> list[float]:
    """Returns the range of an axis that shows all but the worst."""
    ordered = sorted(scores, reverse=facts.higher_is_better)
    best, worst = ordered[0], ordered[int((1 - PLAIN_SHARE) * (len(ordered) - 1))]
    margin = 0.06 * abs(best - worst) or 0.01 * abs(best) or 0.01
    low, high = min(best, worst) - margin, max(best, worst) + margin
    return [low, high]


def _curves(facts: RunFacts) -> Figure | None:
    rows = [row for row in facts.rows if len(row["curve"]) > 1]
    if not rows:
        return None
    # Evenly over the run, so that early and late networks are there.
    chosen = rows[:: max(1, -(-len(rows) // MOST_CURVES))]
    ends = sorted({row["epochs"] for row in chosen if row["status"] == Status.PRUNED})[: len(SERIES) - 1]
    names = {epochs: f"pruned after {epochs}" for epochs in ends}
    values = [
        {"network": row["id"], "epoch": epoch, "score": score, "end": names.get(row["epochs"], "in full")
         if row["status"] == Status.PRUNED else "in full"}
        for row in chosen
        for epoch, score in enumerate(row["curve"], start=1)
    ]  # fmt: skip
    final = [row["curve"][-1] for row in chosen]
    domain = _domain(facts, final)
    return Figure(
        "learning-curves",
        "Learning curves by rung",
        f"{len(chosen)} of {len(rows)} trainings, spread evenly over the run; a rung ends a training whose score lags "
        "behind. A training that went on after a rung shows the epochs since.",
        {
            "data": values_of(values),
            "mark": {"type": "line", "strokeWidth": 1.2, "opacity": 0.55, "clip": True},
            "encoding": {
                "x": quantitative("epoch", "epochs", axis={"tickMinStep": 1}),
                "y": quantitative(
                    "score", f"validation {facts.metric}", scale={"domain": domain, "zero": False}
                ),
                "color": coloured("end", [*names.values(), "in full"]),
                "detail": {"field": "network"},
            },
        },
    )


def _costs(facts: RunFacts) -> Figure | None:
    """Returns score against size or against the second objective, with what no other network beats in both."""
    objectives = facts.config.fitness.objectives
    second = next((name for name in objectives if name != FITNESS), "parameters")
    points = []
    for row in facts.rows:
        score, cost = (
            facts.score_of(row),
            row["parameters"] if second == "parameters" else _cost_of(row, second),
        )
        if row["status"] == Status.OK and score is not None and cost:
            points.append({"cost": float(cost), "score": score})
    if len(points) < 2:
        return None
    front: list[dict[str, float]] = []
    for point in sorted(
        points, key=lambda each: (each["cost"], -each["score"] if facts.higher_is_better else each["score"])
    ):
        if not front or facts.is_better(point["score"], front[-1]["score"]):
            front.append(point)
    kept = {id(point) for point in front}
    step = max(1, len(points) // MOST_POINTS)
    shown = [
        {**point, "kind": "not beaten" if id(point) in kept else "beaten"}
        for at, point in enumerate(points)
        if at % step == 0 or id(point) in kept
    ]
    title = second.replace("_", " ")
    return Figure(
        "pareto-front",
        f"Score against {title}",
        f"Orange networks are on the front: no other has a better score at as few {title}, or fewer. "
        + ("Both were optimised." if len(objectives) > 1 else "The search optimised the score alone."),
        {
            "data": values_of(shown),
            "mark": {"type": "point", "size": 36, "opacity": 0.75},
            "encoding": {
                "x": quantitative("cost", title, scale={"type": "log", "nice": False}, axis={"format": "~s"}),
                "y": quantitative(
                    "score",
                    f"validation {facts.metric}",
                    scale={"domain": _domain(facts, [point["score"] for point in points]), "clamp": True},
                ),
                "color": nominal(
                    "kind", scale={"domain": ["not beaten", "beaten"], "range": [SECOND, SOFT]}, legend=None
                ),
            },
        },
    )


def _cost_of(row: Row, objective: str) -> float | None:
    """Returns what ``row`` costs in an objective of `config.objectives`."""
    metric = COSTS[objective].metric
    return dict(row["metrics"]).get(metric) if metric else float(row["parameters"])


def _endings(facts: RunFacts) -> Figure | None:
    counts = Counter(row["status"] for row in facts.rows)
    values = [{"end": status.replace("_", " "), "count": count} for status, count in counts.most_common()]
    return Figure(
        "endings",
        "How trainings ended",
        "Pruned trainings were ended at a rung; a failure has its cause in the table below.",
        {
            "data": values_of(values),
            "height": {"step": 26},
            "encoding": {
                "y": nominal("end", sort=None),
                "x": quantitative("count", "evaluations", axis={"tickMinStep": 1}),
            },
            "layer": [
                {"mark": {"type": "bar", "height": {"band": 0.6}}},
                {
                    "mark": {"type": "text", "align": "left", "dx": 4},
                    "encoding": {"text": {"field": "count"}},
                },
            ],
        },
    )


def _utilization(facts: RunFacts) -> Figure | None:
    """Returns for each worker which share of the time it trained."""
    spans = [
        (f"{row['worker']}", row["finished_at"].timestamp() - row["train_s"], row["finished_at"].timestamp())
        for row in facts.rows
        if row["worker"] and not row["source"]
    ]
    if not spans:
        return None
    start, end = min(span[1] for span in spans), max(span[2] for span in spans)
    if end <= start:
        return None
    bin_s, unit_s = (end - start) / TIME_BINS, _unit_s(facts)
    workers = sorted({worker for worker, *_ in spans})[:32]
    busy: Counter[tuple[str, int]] = Counter()
    for worker, began, ended in spans:
        for place in range(
            int((began - start) / bin_s), min(int((ended - start) / bin_s), TIME_BINS - 1) + 1
        ):
            left, right = start + place * bin_s, start + (place + 1) * bin_s
            busy[worker, place] += max(0.0, min(ended, right) - max(began, left)) / bin_s
    total = sum(min(1.0, busy[worker, place]) for worker in workers for place in range(TIME_BINS))
    values = [
        {"worker": worker, "from": place * bin_s / unit_s, "until": (place + 1) * bin_s / unit_s,
         "busy": min(1.0, busy[worker, place])}
        for worker in workers
        for place in range(TIME_BINS)
    ]  # fmt: skip
    return Figure(
        "workers",
        "What the workers did",
        f"The darker, the more of that time a worker trained: {total / (len(workers) * TIME_BINS):.0%} in all. What is "
        "left is imports, waiting, and the time between processes.",
        {
            "data": values_of(values),
            "height": {"step": 18},
            "mark": {"type": "rect", "color": FIRST},
            "encoding": {
                "x": quantitative("from", f"{_UNITS[unit_s]} on the clock"),
                "x2": {"field": "until"},
                "y": nominal("worker"),
                "opacity": quantitative("busy", scale={"domain": [0, 1], "range": [0.06, 1]}, legend=None),
            },
        },
    )
