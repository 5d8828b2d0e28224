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
        choices: The meaning of its values 0, 1, ...
        ordered: Whether neighbouring choices are similar, so that a mutation should prefer small steps.
        default: Value in the first networks of a search, unless something else decides it.
        option: The key of ``space`` that says what its choices are; empty if there is none.
    """

    name: str
    choices: tuple[object, ...]
    ordered: bool = False
    default: int = 0
    option: str = ""

    @property
    def size(self) -> int:
        """Number of choices."""
        return len(self.choices)
