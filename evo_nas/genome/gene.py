"""One gene: a named, bounded choice; and its place in the vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from evo_nas.errors import GenomeError

Genome = tuple[int, ...]
"""One small integer per gene of a `SearchSpace`, each in ``range(gene.size)``."""

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Gene:
    """A choice that evolves.

    Attributes:
        name: Unique in a space, such as ``layer1.width`` or ``cell.node3.op``.
        choices: What its values 0, 1, ... mean.
        ordered: Whether neighbouring choices are alike, so that a mutation should step rather than jump.
        regularisation: Whether a short training cannot see what it is good for.
        default: Value in a founder that does not care.
    """

    name: str
    choices: tuple[object, ...]
    ordered: bool = False
    regularisation: bool = False
    default: int = 0

    @property
    def size(self) -> int:
        """Number of choices."""
        return len(self.choices)


@dataclass(frozen=True, slots=True)
class Slot(Generic[Choice]):
    """The place of a gene in the genome, and its choices by their own type."""

    position: int
    name: str
    choices: tuple[Choice, ...]

    def read(self, genome: Genome) -> Choice:
        """Returns the choice that ``genome`` makes."""
        return self.choices[genome[self.position]]

    def write(self, values: list[int], choice: Choice) -> None:
        """Sets the value that means ``choice``.

        Raises:
            GenomeError: The gene does not offer it.
        """
        if choice not in self.choices:
            permitted = ", ".join(str(permitted) for permitted in self.choices)
            raise GenomeError(f"{self.name} is {choice}; this space permits {permitted}")
        values[self.position] = self.choices.index(choice)
