"""Limits connections before they have sent a request that the guard can check."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from evo_nas.server.rates import client_at

if TYPE_CHECKING:
    import asyncio

    from evo_nas.server.options import ServerOptions


def bounded(served: ServerOptions) -> type[H11Protocol]:
    """Returns a protocol that closes connections which wait too long, or of which one client has too many."""

    class Bounded(_BoundedProtocol):
        options = served
        held: ClassVar[Counter[str]] = Counter()

    return Bounded


class _BoundedProtocol(H11Protocol):
    """A protocol that closes connections which send no head of a request in time, or read nothing.

    Attributes:
        options: How the service was started.
        held: Connections of each client; see `client_at`.
    """

    options: ClassVar[ServerOptions]
    held: ClassVar[Counter[str]]
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Whatever the kernel does not take is noticed: also the rest of an answer, which a close would wait for.
        transport.set_write_buffer_limits(high=0)
        self.held[self._client] += 1
        # A proxy has the connections of all its clients.
        is_client = not self.options.is_proxy(self._address)
        if is_client and self.held[self._client] > self.options.limits.connections_per_client:
            transport.close()
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._timer is None:
            self._wait()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._count_unread()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_counting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_counting()
        self.held[self._client] -= 1
        if not self.held[self._client]:
            del self.held[self._client]
        super().connection_lost(exc)

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    @property
    def _client(self) -> str:
        return client_at(self._address)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.options.limits.header_s, self.transport.close)

    def _count_unread(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(self.options.limits.unread_s, self._check_unread, left)

    def _check_unread(self, before: int) -> None:
        # A large answer to a slow client takes as long as it takes.
        if self.transport.get_write_buffer_size() < before:
            self._count_unread()
        else:
            self.transport.abort()

    def _stop_counting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
