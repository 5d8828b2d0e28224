"""One gene: a named, bounded choice."""

from __future__ import annotations

from dataclasses import dataclass

Genome = tuple[int, ...]
"""One small integer per gene of a `SearchSpace`, each in ``range(gene.size)``."""


@dataclass(frozen=True, slots=True)
class Gene:
    """A choice that evolves.

    Attributes:
        name: Unique in a space, such as ``layer1.width`` or ``cell.node3.op``.
        choices: What its values 0, 1, ... mean.
        ordered: Whether neighbouring choices are similar, so that a mutation should step rather than jump.
        default: Value in the first networks of a search, where nothing else decides it.
    """

    name: str
    choices: tuple[object, ...]
    ordered: bool = False
    default: int = 0

    @property
    def size(self) -> int:
        """Number of choices."""
        return len(self.choices)
