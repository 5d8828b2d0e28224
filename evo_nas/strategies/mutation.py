"""Mutation operators: each changes genes of one kind, and says by its name which.

The operators follow from the names of a space's genes, so that every space has them: ``width`` for the widths of all
layers, ``cell-edge`` for what the nodes of the evolved cell read. Each operator reaches its genes equally often however
many other genes there are; a single draw over all genes would hardly ever reach a width beside sixty genes of a cell.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from evo_nas.genome.space import Gene, Genome, SearchSpace

FAR = 0.5
"""Chance that a step of an ordered gene goes one choice further, and then again."""
AGAIN = 0.25
"""Chance that another gene of the same kind changes, too, and then again."""
_KINDS = (
    (r"cell\.node\d+\.op", "cell-node"),
    (r"cell\.(node\d+\.input|output)\d+", "cell-edge"),
    (r"layer\d+\.cell", "cell-swap"),
    (r"layer\d+\.width", "width"),
    (r"layer\d+\..*", "layer"),
    (r"layers", "depth"),
    (r"training\.learning_rate", "learning-rate"),
    (r"(training|head)\..*", r"\1"),
)
"""Patterns of the names of genes, and the operators that change such genes; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A kind of mutation.

    Attributes:
        name: What a candidate records.
        positions: Positions of the genes that it changes; all of them have at least two choices.
    """

    name: str
    positions: tuple[int, ...]

    @property
    def share(self) -> float:
        """How often it is chosen while nothing is known of its success, in proportion to the others."""
        # The root is between equal shares, which would starve the cell, and shares by genes, which starve all others.
        return math.sqrt(len(self.positions))


def operators_of(space: SearchSpace, *, fixed: frozenset[int] = frozenset()) -> tuple[Operator, ...]:
    """Returns the mutations of ``space``, in the order of its genes, without the genes at ``fixed`` positions."""
    positions: dict[str, list[int]] = {}
    for position, gene in enumerate(space.genes):
        if gene.size > 1 and position not in fixed:
            positions.setdefault(_operator_of(gene.name), []).append(position)
    return tuple(Operator(name, tuple(places)) for name, places in positions.items())


def blocks_of(space: SearchSpace) -> tuple[tuple[int, ...], ...]:
    """Returns the positions of all genes in the groups that a crossover takes whole from either parent.

    The evolved cell is one: half of one graph and half of another are seldom a good graph. So is each layer.
    """
    blocks: dict[str, list[int]] = {}
    for position, gene in enumerate(space.genes):
        part = gene.name.split(".")[0]
        whole = part == "cell" or re.fullmatch(r"layer\d+", part)
        blocks.setdefault(part if whole else gene.name, []).append(position)
    return tuple(map(tuple, blocks.values()))


def mutated(
    genome: Genome, operator: Operator, *, space: SearchSpace, rng: random.Random, again: float = AGAIN
) -> Genome:
    """Returns a child in which at least one active gene of ``operator`` differs, and perhaps some inactive ones.

    Genes are changed one after another until an active one is hit: the inactive genes drift, and yet every child
    differs from its parent. Goldman and Punch, "Reducing Wasted Evaluations in Cartesian Genetic Programming",
    EuroGP 2013. A genome without active genes of the operator is returned unchanged.
    """
    active = set(space.active_genes(genome)).intersection(operator.positions)
    child = list(genome)
    more = bool(active)
    while more:
        position = rng.choice(operator.positions)
        child[position] = moved(space.genes[position], child[position], rng)
        # A second change may undo the first.
        is_hit = any(child[place] != genome[place] for place in active)
        more = not is_hit or rng.random() < again
    return tuple(child)


def moved(gene: Gene, value: int, rng: random.Random) -> int:
    """Returns another value of ``gene``, which has at least two; most steps of an ordered gene are short."""
    if not gene.ordered:
        # Draws from one number fewer and shifts those from ``value`` on by one, so that ``value`` is never drawn.
        other = rng.randrange(gene.size - 1)
        return other if other < value else other + 1
    below, above = value, gene.size - 1 - value
    is_up = below == 0 or (above > 0 and rng.random() < 1 / 2)
    room, step = (above, 1) if is_up else (below, 1)
    while step < room and rng.random() < FAR:
        step += 1
    return value + step if is_up else value - step


def _operator_of(name: str) -> str:
    for pattern, operator in _KINDS:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, operator, name)
    return name.replace("_", "-")
