"""What the suites give a registered strategy that cannot serve just any space, or needs options or objectives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evo_nas.genome.options import SpaceOptions


@dataclass(frozen=True)
class Fitted:
    """A space and a way of scoring that a strategy can serve.

    Attributes:
        space: Its ``space`` section.
        objectives: The fewest objectives that it takes.
        options: Its options where they are not the defaults.
        few: Its options for a search of twenty evaluations, if not those that follow such a budget.
        is_slow: Whether an ask costs so much that few schedules are simulated outside of the campaign.
    """

    space: Mapping[str, object] = field(default_factory=dict)
    objectives: tuple[str, ...] = ("fitness",)
    options: Mapping[str, object] = field(default_factory=dict)
    few: Mapping[str, object] = field(default_factory=dict)
    is_slow: bool = False

    @property
    def space_options(self) -> SpaceOptions:
        return SpaceOptions.model_validate(self.space)


ANY = Fitted()
BOUNDED = {
    "evolve_cell": False, "cells": ["lstm", "gru"], "widths": [4, 8, 16], "norms": ["none"], "fronts": ["none"],
    "shortcuts": ["none"], "heads": [0], "poolings": ["last"], "optimizers": ["adam"], "clips": [1.0],
    "batch_sizes": [8], "learning_rates": {"count": 5}, "residuals": [False],
}  # fmt: skip
"""A space of 1,140 architectures."""
# A model of few trials that compares few genomes: what is tested does not depend on its quality.
FITTED = {
    "agebo": Fitted(options={"warmup": 30, "settings": 8, "trials": 30}, few={"warmup": 8}, is_slow=True),
    "aging": Fitted(few={"population": 8, "tournament": 3, "warmup": 4}),
    "bayesian": Fitted(
        options={"initial": 40, "candidates": 4, "trials": 30}, few={"initial": 8}, is_slow=True
    ),
    "darts": Fitted(few={"stretches": 3, "meanwhile": 6}),
    "differential": Fitted(few={"population": 4}),
    "genetic": Fitted(few={"population": 5, "tournament": 2, "elites": 1}),
    "grid": Fitted(space=BOUNDED),
    "islands": Fitted(few={"islands": 2, "population": 4, "tournament": 2, "warmup": 4, "extinction": 6}),
    "nsga2": Fitted(objectives=("fitness", "parameters"), few={"population": 6, "warmup": 4}),
    "tune": Fitted(options={"startup": 100}, few={"startup": 8}, is_slow=True),
}
"""By kind; a strategy that is not here takes anything."""


def fitted(kind: str) -> Fitted:
    return FITTED.get(kind, ANY)
