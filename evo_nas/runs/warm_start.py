"""`WarmStart`: networks of earlier runs with which a run begins, in the space of that run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.strategies.proposal import Founder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.ledger import RecordedFounder


@dataclass(frozen=True, slots=True)
class WarmStart:
    """What a run takes over from earlier ones when it is created; afterwards it does not need them.

    Attributes:
        founders: The networks, as its record holds them.
        weights: The contents that the digests of the founders stand for.
        remarks: What was taken, changed and left out, one sentence each.
    """

    founders: tuple[RecordedFounder, ...] = ()
    weights: tuple[bytes, ...] = ()
    remarks: tuple[str, ...] = ()


def founders_of(recorded: Iterable[RecordedFounder]) -> tuple[Founder, ...]:
    """Returns founders as strategies take them."""
    return tuple(Founder(each.name, each.genome, each.weights) for each in recorded)


COLD_START = WarmStart()
"""A run that begins with the founders of its space alone."""
