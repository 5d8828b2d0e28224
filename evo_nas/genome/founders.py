"""The founders of a search: whole networks that are known to be good, as far as a space permits them.

A recipe is a published cell with some traits, such as layer normalisation or a shortcut. Each trait is a wish for a
gene: where the task or the space has nothing of the kind, the gene keeps its default, so that one list serves every
task. Founders that come out the same as an earlier one are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from evo_nas.errors import ConfigError, GenomeError
from evo_nas.genome.architecture import Norm, Pooling
from evo_nas.genome.blocks import Columns, FrontKind, ShortcutKind
from evo_nas.genome.cell_text import cell_of, label_of
from evo_nas.genome.options import LINEAR_CELLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.gene import Genome
    from evo_nas.genome.options import SpaceOptions
    from evo_nas.genome.space import SearchSpace


@dataclass(frozen=True, slots=True)
class Trait:
    """What a founder should have.

    Attributes:
        word: What it is called in the name of a founder.
        gene: The gene that decides it; ``layer.`` stands for each layer.
        is_wanted: Whether a choice of that gene has it; the first such choice is taken.
    """

    word: str
    gene: str
    is_wanted: Callable[[Any], bool]


class Size(Enum):
    """Which of the permitted widths a founder has, or the widest below it that keeps the limits."""

    SMALL = auto()
    MIDDLE = auto()
    WIDE = auto()


@dataclass(frozen=True, slots=True)
class Recipe:
    """A founder as it is wished for.

    Attributes:
        cell: Name or text of its cell.
        size: Its width.
        traits: What else it should have.
    """

    cell: str
    size: Size = Size.MIDDLE
    traits: tuple[Trait, ...] = ()


NORM = Trait("norm", "layer.norm", lambda norm: norm is Norm.LAYER)
DIFFERENCES = Trait("differences", "front", lambda front: front.kind is FrontKind.DIFFERENCES)
NGRAMS = Trait("ngrams", "front", lambda front: front.kind is FrontKind.NGRAMS)
SHORTCUT = Trait("shortcut", "shortcut", lambda shortcut: shortcut.kind is not ShortcutKind.NONE)
SEGMENTS = Trait("segments", "front", lambda front: front.kind is FrontKind.SEGMENTS)
CONVOLUTION = Trait("convolution", "front", lambda front: front.kind is FrontKind.CONVOLUTION)
APART = Trait("apart", "columns", lambda columns: columns is Columns.APART)
PARALLEL = Trait("parallel", "head.segment", bool)
BOTH_WAYS = Trait("both ways", "layer.bidirectional", bool)
MAX = Trait("max", "head.pooling", lambda pooling: pooling is Pooling.MAX)
STACKED = Trait("stacked", "layers", lambda layers: layers == 2)

DRESSED = (NORM, DIFFERENCES, SHORTCUT)
"""What helped nearly wherever a task has a use for it."""
RECIPES = (
    # The first ten differ in everything that matters, so that whichever suits the task is known early.
    Recipe("gru", Size.WIDE, DRESSED),
    Recipe("lstm", Size.MIDDLE, (NORM,)),
    # SegRNN (Lin et al., 2023) with the linear map of DLinear (Zeng et al., 2023).
    Recipe("gru", Size.WIDE, (SEGMENTS, APART, PARALLEL, SHORTCUT)),
    Recipe("gru", Size.WIDE, (NORM, SHORTCUT, BOTH_WAYS, MAX)),
    Recipe("lstm", Size.WIDE, (NORM, DIFFERENCES, NGRAMS)),
    Recipe("lstm", Size.MIDDLE),
    Recipe("gru", Size.SMALL, DRESSED),
    Recipe("lstm", Size.MIDDLE, (NORM, SHORTCUT, CONVOLUTION)),
    Recipe("rnn_sigmoid", Size.WIDE, (NORM,)),
    Recipe("gru", Size.MIDDLE),
    Recipe("gru", Size.WIDE, (NORM, DIFFERENCES, SHORTCUT, STACKED)),
    Recipe("rnn_tanh", Size.MIDDLE, (NORM,)),
    Recipe("rnn_sigmoid", Size.MIDDLE),
    Recipe("rnn_tanh", Size.MIDDLE),
)
"""The founders of a space that names no seeds."""


def founders(space: SearchSpace) -> Iterator[tuple[str, Genome]]:
    """Yields the founders of ``space`` by name, such as ``gru+norm, wide``, no architecture twice.

    Raises:
        ConfigError: A seed that was asked for is not in the space.
    """
    known = set()
    for recipe in _recipes(space.options):
        try:
            name, genome = _cook(recipe, space)
        except GenomeError as error:
            if space.options.seeds is None:
                continue
            raise ConfigError(
                f"space.seeds names {label_of(recipe.cell)}, which is not in the space: {error}"
            ) from error
        identity = space.canonical_hash(genome)
        if identity not in known:
            known.add(identity)
            yield name, genome


def _recipes(options: SpaceOptions) -> tuple[Recipe, ...]:
    """Returns what founders a space should have: each cell that is asked for by name twice, plain and dressed."""
    cells = options.seeds
    if cells is None and options.linear_only:
        cells = LINEAR_CELLS
    if cells is None:
        return RECIPES
    return (
        *(Recipe(cell) for cell in cells),
        *(Recipe(cell, Size.WIDE, DRESSED) for cell in cells),
    )


def _cook(recipe: Recipe, space: SearchSpace) -> tuple[str, Genome]:
    """Returns the name and the genome of a founder.

    Raises:
        GenomeError: The cell cannot be spelled, or no width keeps the limits.
    """
    granted, network = _with_traits(recipe.traits, space)
    cell = cell_of(recipe.cell)
    widths = space.options.widths
    middle = widths[len(widths) // 2]
    widest = {Size.SMALL: widths[0], Size.MIDDLE: middle, Size.WIDE: widths[-1]}[recipe.size]
    obstacle = ""
    for width in reversed(widths[: 1 + widths.index(widest)]):
        layers = tuple(replace(layer, cell=cell, width=width) for layer in network.layers)
        genome = space.encode(replace(network, layers=layers))
        if space.is_feasible(genome):
            words = "+".join((label_of(recipe.cell), *(trait.word for trait in granted)))
            size = "" if width == middle else ", wide" if width > middle else ", small"
            return words + size, genome
        obstacle = space.admission.obstacle(space.decode(genome))
    raise GenomeError(f"of its smallest network {obstacle}")


def _with_traits(traits: tuple[Trait, ...], space: SearchSpace) -> tuple[list[Trait], Architecture]:
    """Returns the traits that ``space`` permits, and the default network with them; its cell does not matter."""
    values = [gene.default for gene in space.genes]
    granted = []
    for trait in traits:
        for position, gene in enumerate(space.genes):
            if re.sub(r"^layer\d+\.", "layer.", gene.name) != trait.gene:
                continue
            wanted = [index for index, choice in enumerate(gene.choices) if trait.is_wanted(choice)]
            if wanted:
                values[position] = wanted[0]
                granted += [] if trait in granted else [trait]
    return granted, space.decode(tuple(values))
