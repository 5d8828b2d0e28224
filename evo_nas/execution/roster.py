"""`Roster`: finds the worker that gets the next lease."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.execution.lease import Lease


@dataclass(slots=True)
class Member:
    """A worker on the roster.

    Attributes:
        node: Name of its machine.
        leases: Its leases in the order of sending; the first ones run, one in each lane.
        retired: Whether it gets no more leases.
        peers: The workers with the same number of leases that may get more; None if this one may not.
    """

    node: str
    leases: deque[Lease] = field(default_factory=deque)
    retired: bool = False
    peers: OrderedDict[str, None] | None = None


class Roster:
    """Groups workers by the number of their leases, so that one with the fewest is found in O(1).

    Args:
        leases_each: Most leases that a worker holds.
    """

    def __init__(self, *, leases_each: int) -> None:
        self._members: dict[str, Member] = {}
        # The workers that may get a lease, by the number that they hold; ordered, so that peers take turns.
        self._open: tuple[OrderedDict[str, None], ...] = tuple(OrderedDict() for _ in range(leases_each))

    def __len__(self) -> int:
        return len(self._members)

    @property
    def busy(self) -> int:
        """Workers that hold a lease."""
        return sum(bool(member.leases) for member in self._members.values())

    @property
    def active(self) -> int:
        """Workers that are not retired."""
        return sum(not member.retired for member in self._members.values())

    @property
    def open_places(self) -> int:
        """Leases that could be given now."""
        return sum((len(self._open) - held) * len(peers) for held, peers in enumerate(self._open))

    def join(self, worker: str, *, node: str) -> None:
        """Adds a worker without leases."""
        self._members[worker] = Member(node)
        self._file(worker)

    def leave(self, worker: str) -> Member | None:
        """Removes a worker and returns it; None if it never joined."""
        member = self._members.pop(worker, None)
        if member is not None and member.peers is not None:
            del member.peers[worker]
        return member

    def retire(self, worker: str) -> None:
        """Stops giving leases to a worker, if it has joined."""
        if worker in self._members:
            self._members[worker].retired = True
            self._file(worker)

    def node_of(self, worker: str) -> str:
        """Returns the name of a worker's machine."""
        return self._members[worker].node

    def is_idle(self, worker: str) -> bool:
        """Whether a worker holds no lease; a worker that has not joined counts as idle."""
        return worker not in self._members or not self._members[worker].leases

    def give(self, lease: Lease) -> None:
        """Adds a lease to those that its worker holds."""
        self._members[lease.worker].leases.append(lease)
        self._file(lease.worker)

    def take_back(self, lease: Lease) -> None:
        """Removes a lease from those that its worker holds."""
        self._members[lease.worker].leases.remove(lease)
        self._file(lease.worker)

    def idle_worker(self) -> str | None:
        """Returns a worker without leases; None if there is none."""
        return next(iter(self._open[0]), None)

    def next_worker(self, *, reserved: int) -> str | None:
        """Returns a worker with the fewest leases that may get another one; None if there is none.

        Args:
            reserved: How many of the workers with the fewest leases get no more, so that they become idle.
        """
        for peers in self._open:
            if len(peers) > reserved:
                # The reserved ones are first in line; taking the last keeps them the same from call to call.
                return next(reversed(peers) if reserved else iter(peers))
            reserved -= len(peers)
        return None

    def _file(self, worker: str) -> None:
        """Moves a worker to the end of the group with its number of leases."""
        member = self._members[worker]
        if member.peers is not None:
            del member.peers[worker]
        alone = bool(member.leases) and member.leases[0].tickets[0].alone
        full = len(member.leases) >= len(self._open)
        member.peers = None if member.retired or alone or full else self._open[len(member.leases)]
        if member.peers is not None:
            member.peers[worker] = None
