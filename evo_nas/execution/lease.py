"""The leases of candidates that a dispatcher sends to workers, and the causes for the loss of a worker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from evo_nas.execution.worker import HARD_LIMIT_FACTOR, LEASE_S

if TYPE_CHECKING:
    from evo_nas.evaluation import Candidate


class LossCause(Enum):
    """Why a worker was lost."""

    CRASHED = auto()
    OUT_OF_MEMORY = auto()
    """The worker ran out of memory. A candidate gets one more attempt alone; then it counts as too big."""
    OVERRUN = auto()
    """The executor ended the worker, since its candidate passed the hard time limit."""
    PREEMPTED = auto()
    """The machine was taken away, which says nothing about the worker's candidates."""

    @property
    def may_be_shared(self) -> bool:
        """Whether the cause may be something that all workers share, and not a candidate."""
        return self in (LossCause.CRASHED, LossCause.OUT_OF_MEMORY)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A submitted candidate.

    Attributes:
        candidate: The candidate to evaluate.
        submitted_at: Time of submission, in seconds of the dispatcher's clock.
        attempt: 1 plus the number of workers that were lost with it.
        alone: Whether it must have a worker to itself, since one was lost or ended with it.
    """

    candidate: Candidate
    submitted_at: float
    attempt: int = 1
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """Candidates that a worker evaluates one after another in one call."""

    id: int
    worker: str
    node: str
    tickets: tuple[Ticket, ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates that are sent to the worker."""
        return tuple(ticket.candidate for ticket in self.tickets)

    def hard_limit_s(self, time_limit_s: float) -> float:
        """Returns the seconds after which one of its candidates must have passed the hard limit."""
        # The last candidate starts within LEASE_S; a single one starts at once.
        before_last = LEASE_S if len(self.tickets) > 1 else 0.0
        return before_last + HARD_LIMIT_FACTOR * time_limit_s
