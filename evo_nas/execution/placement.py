"""Explains why a Ray cluster has no place for a worker, and finds nodes that will be removed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import ray
from ray._private import state

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)


def draining_nodes() -> Mapping[str, float]:
    """Returns the ids of nodes that will be removed, each with the Unix time of its end in seconds; 0 if unknown.

    Ray has no public way to ask. If a later Ray lacks the private one, the answer is empty, and workers are
    replaced when they are lost.
    """
    try:
        nodes: Mapping[str, int] = state.state.get_draining_nodes()
    except (AttributeError, RuntimeError) as error:
        _log.debug("draining nodes cannot be asked for: %s", error)
        return {}
    return {node: deadline_ms / 1000 for node, deadline_ms in nodes.items()}


def explain_misfit(demand: Mapping[str, float]) -> str:
    """Returns why no node could ever hold a worker that asks for ``demand``; empty if one could."""
    nodes = _nodes()
    if any(_fits(demand, node) for node in nodes):
        return ""
    largest = {name: max((node.get(name, 0.0) for node in nodes), default=0.0) for name in demand}
    return (
        f"each asks for {_in_words(demand)}, and no node of {len(nodes)} has that (the most is "
        f"{_in_words(largest)}); ask for less, or add a larger node"
    )


def explain_waiting(demand: Mapping[str, float]) -> str:
    """Returns why a worker that asks for ``demand`` may not have started."""
    if misfit := explain_misfit(demand):
        return f"{misfit}, unless an autoscaler is adding one"
    asked = _in_words(demand)
    available = ray.available_resources()
    if not _fits(demand, available):
        free = _in_words({name: available.get(name, 0.0) for name in demand})
        nodes = len(_nodes())
        where = f"{nodes} node{'' if nodes == 1 else 's'}"
        return f"each asks for {asked}, and {free} are free on {where}; add nodes or ask for less"
    return f"each asks for {asked}, which is free in total: nodes are still starting it, or none has it alone"


def _nodes() -> list[Mapping[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _fits(demand: Mapping[str, float], resources: Mapping[str, Any]) -> bool:
    return all(resources.get(name, 0.0) >= amount for name, amount in demand.items())


def _in_words(resources: Mapping[str, float]) -> str:
    def one(name: str, amount: float) -> str:
        if name == "memory":
            return f"{amount / 2**30:.1f} GiB of memory"
        return f"{amount:g} {name}{'' if amount == 1 else 's'}"

    return " and ".join(one(name, amount) for name, amount in resources.items())
