"""The Ray actors of a pool and the results that they have not returned yet."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import ray

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evo_nas.execution.lease import Lease


@dataclass(slots=True)
class SentLease:
    """A lease that was sent, and the time of this clock at which its worker started it."""

    lease: Lease
    running_since: float = math.inf


@dataclass(slots=True)
class Actor:
    """An actor and its open references: one for its start and one for each lease, oldest first."""

    handle: Any
    starting: Any
    created_at: float
    node_id: str | None = None
    retiring: bool = False
    sent: dict[Any, SentLease] = field(default_factory=dict)


class RayActors:
    """Maps references to actors and leases, and finds overdue leases; it makes no decisions.

    Args:
        actor_class: The class from `worker_class`.
        lanes: Leases that an actor runs at the same time.
        time_limit_s: Seconds after which an evaluator should stop; None for no limit.
    """

    def __init__(self, actor_class: Any, *, lanes: int, time_limit_s: float | None) -> None:
        self._actor_class = actor_class
        self._lanes = lanes
        self._time_limit_s = time_limit_s
        self._actors: dict[str, Actor] = {}
        self._owner: dict[Any, str] = {}
        self._late: dict[Any, int] = {}
        self._created = 0

    @property
    def by_name(self) -> Mapping[str, Actor]:
        """All actors by name, including those that have not started."""
        return self._actors

    def create(self, make_evaluator: Any) -> None:
        """Asks Ray for one more actor; it starts when a node has room for it.

        Args:
            make_evaluator: Reference to the callable that makes the evaluator.
        """
        name = f"worker-{self._created}"
        self._created += 1
        handle: Any = self._actor_class.remote()
        starting = handle.start.remote(make_evaluator, self._time_limit_s)
        self._actors[name] = Actor(handle, starting, created_at=time.monotonic())
        self._owner[starting] = name

    def send(self, lease: Lease) -> None:
        """Sends a lease to its worker."""
        actor = self._actors[lease.worker]
        reference = actor.handle.work.remote(lease.candidates)
        actor.sent[reference] = SentLease(lease)
        self._owner[reference] = lease.worker
        self._start_clocks(actor)

    def arrived(self, *, until: float) -> Sequence[Any]:
        """Returns the references that are ready, in the order of sending.

        Waits for the first one, until the time ``until`` or the next lease is overdue.
        """
        pending = [*self._owner, *self._late]
        wait_s = max(0.0, min(until, self._next_deadline()) - time.monotonic())
        if not ray.wait(pending, timeout=wait_s)[0]:
            return []
        # `ray.wait` returns as soon as one is ready; a second look takes all that are.
        ready: list[Any] = ray.wait(pending, num_returns=len(pending), timeout=0)[0]
        return ready

    def owner_of(self, reference: Any) -> str | None:
        """Returns the name of the actor that owes ``reference``; None if it was forgotten."""
        return self._owner.get(reference)

    def settle(self, reference: Any) -> Lease | None:
        """Notes that ``reference`` has arrived; returns the lease it is for, or None for an actor's start."""
        actor = self._actors[self._owner.pop(reference)]
        if reference == actor.starting:
            return None
        lease = actor.sent.pop(reference).lease
        self._start_clocks(actor)
        return lease

    def forget(self, name: str) -> None:
        """Kills an actor; results that it still owes count as late."""
        actor = self._actors.pop(name)
        self._owner.pop(actor.starting, None)
        for reference, sent in actor.sent.items():
            if self._owner.pop(reference, None) is not None:
                self._late[reference] = sent.lease.id
        ray.kill(actor.handle)

    def is_late(self, reference: Any) -> bool:
        """Whether ``reference`` is owed by an actor that was forgotten."""
        return reference in self._late

    def settle_late(self, reference: Any) -> int:
        """Notes that a late ``reference`` has arrived, and returns the id of its lease."""
        return self._late.pop(reference)

    def overdue(self) -> Mapping[str, Sequence[Any]]:
        """Returns the references that have passed the hard limit, by the name of the actor."""
        now = time.monotonic()
        found = {
            name: [reference for reference, deadline in self._deadlines(actor) if deadline <= now]
            for name, actor in self._actors.items()
        }
        return {name: references for name, references in found.items() if references}

    def clear(self, *, kill: bool) -> None:
        """Forgets everything; ``kill`` ends the actors, which needs a Ray that still runs."""
        actors = list(self._actors.values())
        self._actors.clear()
        self._owner.clear()
        self._late.clear()
        if kill:
            for actor in actors:
                ray.kill(actor.handle)

    def _start_clocks(self, actor: Actor) -> None:
        """Starts the clock of every lease that has a lane by now: the oldest, one for each lane."""
        for sent in islice(actor.sent.values(), self._lanes):
            sent.running_since = min(sent.running_since, time.monotonic())

    def _deadlines(self, actor: Actor) -> Iterator[tuple[Any, float]]:
        """Yields each running lease of ``actor`` and when it passes the hard limit."""
        if self._time_limit_s is not None:
            for reference, sent in islice(actor.sent.items(), self._lanes):
                yield reference, sent.running_since + sent.lease.hard_limit_s(self._time_limit_s)

    def _next_deadline(self) -> float:
        running = (deadline for actor in self._actors.values() for _, deadline in self._deadlines(actor))
        return min(running, default=math.inf)
