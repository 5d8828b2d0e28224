"""The figures of how a population evolved: its diversity, what its operators achieved, and the line of its best."""

from __future__ import annotations

import statistics
from collections import Counter, deque
from itertools import combinations
from typing import TYPE_CHECKING, Any

from evo_nas.evaluation import Status
from evo_nas.report.figures import (
    FIRST,
    INK,
    SOFT,
    THIRD,
    Figure,
    coloured,
    nominal,
    quantitative,
    values_of,
)

if TYPE_CHECKING:
    from evo_nas.report.facts import RunFacts
    from evo_nas.runs.rows import Row

WINDOW = 20
"""Evaluations whose genomes are compared for the diversity."""


def diversity_figure(facts: RunFacts) -> Figure | None:
    """Returns how far the latest genomes are apart, and how many of them have the most common founder."""
    rows = [row for row in facts.rows if row["repeats"] is None and row["continues"] is None]
    if len(rows) < 2 * WINDOW:
        return None
    founder_of: dict[int, int] = {}
    latest: deque[Row] = deque(maxlen=WINDOW)
    values = []
    step = max(1, len(rows) // 150)
    for number, row in enumerate(rows, start=1):
        founder_of[row["id"]] = (
            founder_of.get(row["parents"][0], row["parents"][0]) if row["parents"] else row["id"]
        )
        latest.append(row)
        if len(latest) < WINDOW or number % step:
            continue
        apart = statistics.fmean(
            sum(map(int.__ne__, first["genome"], second["genome"])) / len(first["genome"])
            for first, second in combinations(latest, 2)
        )
        ((_, most),) = Counter(founder_of[each["id"]] for each in latest).most_common(1)
        values += [
            {"evaluations": number, "share": apart, "what": "genes that differ"},
            {"evaluations": number, "share": most / WINDOW, "what": "offspring of one founder"},
        ]
    return Figure(
        "diversity",
        "Diversity of the population",
        f"Of the latest {WINDOW} networks: the share of genes in which two of them differ in the mean, and the share "
        "that descends from the most common founder.",
        {
            "data": values_of(values),
            "mark": "line",
            "encoding": {
                "x": quantitative("evaluations", "evaluations"),
                "y": quantitative("share", "share", scale={"domain": [0, 1]}, axis={"format": "%"}),
                "color": coloured("what", ["genes that differ", "offspring of one founder"]),
            },
        },
    )


def operators_figure(facts: RunFacts) -> Figure | None:
    """Returns how often the children of each operator were better than their parents; None of too few children."""
    tallies = [tally for tally in facts.operators if tally.children >= 3][:12]
    if not tallies:
        return None
    values = [
        {
            "operator": f"{tally.operator} ({tally.children})",
            "better": tally.better / tally.children,
            "failed": tally.failed / tally.children,
        }
        for tally in tallies
    ]
    return Figure(
        "operators",
        "What mutations achieved",
        "Share of the children of each operator that score higher than each of their parents; in brackets how many "
        "children it had.",
        {
            "data": values_of(values),
            "height": {"step": 20},
            "mark": {"type": "bar", "color": THIRD, "height": {"band": 0.6}},
            "encoding": {
                "y": nominal("operator", sort=None),
                "x": quantitative("better", "better than its parents", axis={"format": "%"}),
            },
        },
    )


def lineage_figure(facts: RunFacts) -> Figure | None:
    """Returns the scores along the line of the champion; None if it has no scored ancestor."""
    line = [
        {"generation": number, "score": score, "operator": row["operator"], "name": f"#{row['id']}"}
        for number, row in enumerate(reversed(facts.line))
        if (score := facts.score_of(row)) is not None and row["status"] == Status.OK
    ]
    if len(line) < 2:
        return None
    y = quantitative("score", f"validation {facts.metric}", scale={"zero": False, "padding": 12})
    x = quantitative("generation", "generations since the founder", axis={"tickMinStep": 1})
    noise = facts.noise.seeds
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "line", "color": FIRST, "strokeWidth": 1.5}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "point", "color": FIRST, "size": 45}, "encoding": {"x": x, "y": y}},
        {
            "mark": {"type": "text", "dy": -12, "color": INK, "fontSize": 11},
            "encoding": {"x": x, "y": y, "text": {"field": "name"}},
        },
    ]
    said = ""
    if noise is not None:
        line = [
            {**each, "low": each["score"] - noise.std, "high": each["score"] + noise.std} for each in line
        ]
        bar = {"field": "low", "type": "quantitative", "title": f"validation {facts.metric}"}
        layers.insert(
            0,
            {
                "mark": {"type": "rule", "color": SOFT},
                "encoding": {"x": x, "y": bar, "y2": {"field": "high"}},
            },
        )
        said = " The bars are one standard deviation of a training with another seed."
    return Figure(
        "lineage",
        "The line of the best network",
        f"From its founder to the best candidate of the search, by first parents, each a full training.{said}",
        {"data": values_of(line), "layer": layers},
    )
