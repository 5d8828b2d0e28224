"""Which individual of a full population makes room for a newcomer."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.strategies.operators import Breeder, Individual

RemovalName = Literal["oldest", "worst"]


class Removal(Protocol):
    """Chooses who dies."""

    def __call__(self, population: Sequence[Individual], *, breeder: Breeder) -> Individual:
        """Returns the one of ``population``, the oldest first, that is removed; the newcomer is the last of it."""


def oldest(population: Sequence[Individual], *, breeder: Breeder) -> Individual:  # noqa: ARG001 - the contract's signature
    """Returns the oldest: a lucky score dies with its individual, and only what is good again and again stays.

    Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019.
    """
    return population[0]


def worst(population: Sequence[Individual], *, breeder: Breeder) -> Individual:
    """Returns the worst, so that the best are never lost; of equals the youngest, as they add nothing.

    Whitley, "The GENITOR Algorithm and Selection Pressure", ICGA 1989.
    """
    return breeder.ranked(population)[-1]


REMOVALS: Mapping[RemovalName, Removal] = MappingProxyType({"oldest": oldest, "worst": worst})
"""The removals by the names that a configuration gives them."""
