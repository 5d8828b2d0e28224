"""`champion_section`: the champion's drawing and equations, what it is like, and what it does with data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.report.figures import (
    FIRST,
    GRID,
    SECOND,
    SOFT,
    Figure,
    coloured,
    nominal,
    quantitative,
    values_of,
)
from evo_nas.report.page import PageTable, Section, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.champion.explanation import CellExplanation, Explanation
    from evo_nas.champion.probing import Probe

MOST_GENES, MOST_INPUTS = 10, 12


def champion_section(explanation: Explanation, *, is_judged: bool, candidate: int) -> Section:
    """Returns the section of the network that ``explanation`` explains, which is that of ``candidate``."""
    probe = explanation.probe
    return Section(
        "champion",
        "The champion" if is_judged else "The best network so far",
        paragraphs=[
            f"Candidate {candidate}: {explanation.architecture}.",
            *map(_likeness, explanation.cells),
        ],
        drawings=[explanation.drawing, *(cell.mathml for cell in explanation.cells)],
        figures=list(_figures(explanation)),
        tables=[] if probe is None or not probe.timescales else [_memory(probe)],
        texts=[
            Text(f"Equations of the {cell.title} as text", "\n".join(cell.equations))
            for cell in explanation.cells
        ],
    )


def _likeness(cell: CellExplanation) -> str:
    name = f"The {cell.title}"
    if not cell.kin.differences:
        return f"{name} is the same as {cell.kin.name}."
    differences = "; ".join(cell.kin.differences)
    return f"{name} is closest to {cell.kin.name} (likeness {cell.kin.likeness:.2f}): {differences}."


def _memory(probe: Probe) -> PageTable:
    rows = [
        [
            str(each.layer),
            each.state,
            "longer than the sample" if each.steps is None else f"{each.steps} steps",
        ]
        for each in probe.timescales
    ]
    return PageTable(("layer", "state", "remembers a nudge for"), rows, "How long its states remember")


def _figures(explanation: Explanation) -> Iterator[Figure]:
    if explanation.importance:
        yield _importance(explanation)
    if (probe := explanation.probe) is None:
        return
    if probe.gates:
        yield _gates(probe)
    if probe.inputs:
        yield _inputs(probe)
    if len(probe.history) > 1:
        yield _history(probe)


def _importance(explanation: Explanation) -> Figure:
    genes = list((explanation.importance or {}).items())[:MOST_GENES]
    return Figure(
        "gene-importance",
        "Which genes tell the best networks from all",
        "Share of each gene by PED-ANOVA over the scores of the run. With few scores, genes of many choices look "
        "important by chance.",
        {
            "data": values_of([{"gene": name, "share": share} for name, share in genes]),
            "height": {"step": 20},
            "mark": "bar",
            "encoding": {
                "x": quantitative("share", "share", axis={"format": "%"}),
                "y": nominal("gene", sort=None),
            },
        },
    )


def _gates(probe: Probe) -> Figure:
    rows = []
    for each in probe.gates:
        shares = {"shut": each.shut, "between": 1 - each.shut - each.open, "open": each.open}
        rows += [
            {"gate": f"{each.gate}, layer {each.layer}", "what": what, "share": share, "place": place}
            for place, (what, share) in enumerate(shares.items())
        ]
    colours = {"domain": ["shut", "between", "open"], "range": [SECOND, GRID, FIRST]}
    return Figure(
        "gates",
        "What its gates do",
        "Share of values, over validation sequences, steps and units, at which a gate is shut (below .05), open (above "
        ".95) or between.",
        {
            "data": values_of(rows),
            "height": {"step": 24},
            "mark": "bar",
            "encoding": {
                "x": quantitative("share", "share of values", axis={"format": "%"}, stack="zero"),
                "y": nominal("gate", sort=None),
                "color": nominal("what", scale=colours, sort=None),
                "order": {"field": "place", "type": "quantitative"},
            },
        },
    )


def _inputs(probe: Probe) -> Figure:
    worst = sorted(probe.inputs.items(), key=lambda item: -abs(item[1] - probe.value))[:MOST_INPUTS]
    return Figure(
        "inputs",
        "Which inputs it hangs on",
        f"The {probe.metric} after the values of one input were exchanged between validation sequences; the line is "
        "that with all as they are.",
        {
            "height": {"step": 20},
            "layer": [
                {
                    "data": values_of([{"input": name, "value": value} for name, value in worst]),
                    "mark": {"type": "point", "size": 60},
                    "encoding": {
                        "x": quantitative("value", probe.metric, scale={"zero": False}),
                        "y": nominal("input", sort=None),
                    },
                },
                {
                    "data": values_of([{"value": probe.value}]),
                    "mark": {"type": "rule", "color": SOFT},
                    "encoding": {"x": quantitative("value", probe.metric)},
                },
            ],
        },
    )


def _history(probe: Probe) -> Figure:
    rows = [
        {"steps": steps, "value": value, "what": "the last steps"} for steps, value in probe.history.items()
    ]
    return Figure(
        "history",
        "How much history it needs",
        f"The {probe.metric} of validation sequences of which only the last steps are given.",
        {
            "data": values_of(rows),
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": quantitative("steps", "last steps", scale={"type": "log", "base": 2}),
                "y": quantitative("value", probe.metric, scale={"zero": False}),
                "color": coloured("what", ["the last steps"]) | {"legend": None},
            },
        },
    )
