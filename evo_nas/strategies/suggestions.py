"""`Suggestion`: a genome that another program has proposed, and the inbox in which it waits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from evo_nas.errors import GenomeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate
    from evo_nas.genome.gene import Genome
    from evo_nas.genome.space import SearchSpace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
"""What a program may call itself: it becomes a part of operators, which are shown everywhere."""
_OPERATOR = re.compile(rf"external:({NAME.pattern}):(\d{{1,18}})")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A genome that was proposed from outside and accepted.

    Attributes:
        number: Its place in the inbox, from 1.
        name: What the program calls itself.
        genome: The genome.
    """

    number: int
    name: str
    genome: Genome

    @property
    def operator(self) -> str:
        """The operator of its candidate, which says where it came from."""
        return f"external:{self.name}:{self.number}"

    def fits(self, space: SearchSpace) -> bool:
        """Whether its genome is one of ``space``: others than `evo-nas tell` can write to an inbox, too."""
        try:
            space.decode(self.genome)
        except GenomeError:
            return False
        return True


class Inbox(Protocol):
    """Where suggestions wait; they are only ever added, and none changes."""

    def suggestions(self) -> Sequence[Suggestion]:
        """Returns all suggestions that have arrived so far, by number, those that were trained included."""


class EmptyInbox:
    """The inbox of a search that nobody else can reach."""

    def suggestions(self) -> Sequence[Suggestion]:
        """Returns none."""
        return ()


def suggestion_of(candidate: Candidate) -> int | None:
    """Returns the number of the suggestion that ``candidate`` is; None if it is none, or trains one again."""
    return number_in(candidate.operator)


def number_in(operator: str) -> int | None:
    """Returns the number of the suggestion that an operator names; None if it names none."""
    match = _OPERATOR.fullmatch(operator)
    return int(match[2]) if match else None
