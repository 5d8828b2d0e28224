"""Brings an architecture of another space into this one: what is not permitted becomes the nearest that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evo_nas.errors import GenomeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.genome.architecture import Architecture, Layer
    from evo_nas.genome.gene import Gene, Genome
    from evo_nas.genome.layout import Layout, Part, Section
    from evo_nas.genome.space import SearchSpace

TINY = 1e-6
"""Added before logarithms are compared, since a rate may be 0."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The feasible genome that is nearest to an architecture.

    Attributes:
        genome: The genome.
        changes: What had to be changed, such as ``layer1.width 48 -> 64``.
    """

    genome: Genome
    changes: tuple[str, ...]


def nearest(space: SearchSpace, layout: Layout, architecture: Architecture) -> Nearest:
    """Returns the feasible genome of ``space`` that is nearest to ``architecture``.

    Depth, widths and settings move to their nearest choices, blocks that are not permitted to their defaults, and a
    network that is too large becomes narrower. A cell is permitted or not: there is no nearest one.

    Raises:
        GenomeError: None of its cells is permitted, or even its narrowest form breaks a limit.
    """
    wanted = space.canonical(architecture)
    changes: list[str] = []
    wanted = replace(wanted, layers=_with_depth(wanted.layers, layout, changes))
    fitted = replace(
        wanted,
        head=_fitted(wanted.head, layout.head, space.genes, changes),
        training=_fitted(wanted.training, layout.training, space.genes, changes),
        layers=tuple(
            _fitted(layer, genes.rest, space.genes, changes)
            for layer, genes in zip(wanted.layers, layout.layers, strict=False)
        ),
    )
    fitted = _fitted(fitted, layout.network, space.genes, changes)
    fitted = _with_cells(fitted, space, changes)
    for smaller in _narrowing(fitted, space):
        genome = space.encode(smaller)
        if space.is_feasible(genome):
            if smaller is not fitted:
                changes.append(f"widths {_widths(fitted)} -> {_widths(smaller)}, to keep the limits")
            return Nearest(genome, tuple(changes))
    raise GenomeError(space.obstacle(genome))


def _with_depth(layers: tuple[Layer, ...], layout: Layout, changes: list[str]) -> tuple[Layer, ...]:
    depths = layout.depth.choices
    depth = min(max(len(layers), depths[0]), depths[-1])
    if depth != len(layers):
        changes.append(f"layers {len(layers)} -> {depth}")
    return (*layers[:depth], *(replace(layers[-1], skip=None) for _ in range(depth - len(layers))))


def _fitted(part: Part, section: Section[Part], genes: tuple[Gene, ...], changes: list[str]) -> Part:
    """Returns ``part`` with the nearest choice of every field that has a gene."""
    fields: dict[str, Any] = {}
    for field, locus in section.loci.items():
        had = getattr(part, field)
        if had not in locus.choices:
            gene = genes[locus.position]
            fields[field] = _choice(gene, had)
            changes.append(f"{gene.name} {_words(had)} -> {_words(fields[field])}")
    return replace(part, **fields) if fields else part


def _choice(gene: Gene, had: object) -> object:
    if gene.ordered and isinstance(had, int | float):
        numbers = [choice for choice in gene.choices if isinstance(choice, int | float)]
        if numbers:
            return min(numbers, key=lambda number: abs(math.log((number + TINY) / (had + TINY))))
    return gene.choices[gene.default]


def _with_cells(architecture: Architecture, space: SearchSpace, changes: list[str]) -> Architecture:
    """Returns ``architecture`` with its own cells, or the first of them in all layers that the space permits alone."""
    reason: GenomeError | None = None
    for number, chosen in enumerate((None, *(layer.cell for layer in architecture.layers))):
        layers = tuple(
            layer if chosen is None else replace(layer, cell=chosen) for layer in architecture.layers
        )
        tried = replace(architecture, layers=layers)
        try:
            space.encode(tried)
        except GenomeError as error:
            reason = reason or error
            continue
        if chosen is not None:
            changes.append(f"the cell of all layers is that of layer {number}")
        return tried
    assert reason is not None, "an architecture has layers"
    raise reason


def _narrowing(architecture: Architecture, space: SearchSpace) -> Iterator[Architecture]:
    """Yields ``architecture``, then with no layer wider than each permitted width below its widest one."""
    yield architecture
    for most in sorted(space.options.widths, reverse=True):
        layers = tuple(replace(layer, width=min(layer.width, most)) for layer in architecture.layers)
        if layers != architecture.layers:
            yield replace(architecture, layers=layers)


def _widths(architecture: Architecture) -> str:
    return " ".join(str(layer.width) for layer in architecture.layers)


def _words(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
