"""What a search may optimise: the fitness, which is as high as possible, and costs, which are as low as possible."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FITNESS = "fitness"
LATENCY = "latency"
LATENCY_METRIC = "latency_p50_ms"


@dataclass(frozen=True, slots=True)
class Objective:
    """One cost that may be an objective.

    Attributes:
        metric: Its entry among the metrics of an outcome; empty for the number of parameters, which has a field.
        heading: What it is called in tables, with its unit.
        words: What it is in a sentence.
    """

    metric: str
    heading: str
    words: str


COSTS: Mapping[str, Objective] = MappingProxyType(
    {
        "parameters": Objective("", "parameters", "parameters"),
        "macs": Objective("macs", "MACs/step", "multiply-accumulates a step"),
        "flops": Objective("flops", "FLOPs/step", "floating-point operations a step"),
        LATENCY: Objective(LATENCY_METRIC, "latency ms", "milliseconds from the last step to the answer"),
        "state_bytes": Objective("state_bytes", "state bytes", "bytes from step to step"),
        "description_bits": Objective("description_bits", "bits", "bits of description"),
        "energy": Objective("energy_uj", "energy uJ/step", "estimated microjoules a step"),
    }
)
"""The costs by the names that a configuration gives them."""


def metrics_of(names: tuple[str, ...]) -> frozenset[str]:
    """Returns the metrics that an outcome must have to be compared in the objectives ``names``."""
    return frozenset(COSTS[name].metric for name in names if name != FITNESS) - {""}


def objectives_problem(names: tuple[str, ...]) -> str:
    """Returns what is wrong with a list of objectives; empty if nothing is."""
    permitted = ", ".join((FITNESS, *COSTS))
    if unknown := [name for name in names if name not in (FITNESS, *COSTS)]:
        return f"objectives has {unknown[0]}; each must be one of {permitted}"
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        return f"objectives has {repeated} {names.count(repeated)} times; name each once"
    if names[0] != FITNESS:
        return (
            f"objectives begins with {names[0]}; {FITNESS} must come first, since a champion is chosen by it"
        )
    return ""
