"""Runs the service until a signal ends it."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from evo_nas.errors import ConfigError
from evo_nas.server.app import create_app
from evo_nas.server.listeners import listener_at

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from evo_nas.server.options import ServerOptions

GRACE_S = 3
"""Seconds that answers under way get when the service ends; event streams go on elsewhere, or when it is back."""


def serve(options: ServerOptions, *, ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; searches that were started go on.

    Args:
        options: How the service is started.
        ready: Called with the URL of the page once connections are accepted.

    Raises:
        ConfigError: The port is in use, or the address is none of this machine.
    """
    with _listening(options) as listener:
        host, port = listener.getsockname()[:2]
        server = uvicorn.Server(server_config(options))
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        server.run(sockets=[listener])


def server_config(options: ServerOptions) -> uvicorn.Config:
    """Returns how connections are served."""
    return uvicorn.Config(
        create_app(options),
        http=_impatient(options.limits.header_s),
        ws="none",
        log_level="warning",
        server_header=False,
        access_log=False,
        limit_concurrency=options.limits.connections,
        timeout_graceful_shutdown=GRACE_S,
        # The word of a proxy counts only where there is one; otherwise any client could say that it is another.
        proxy_headers=bool(options.proxies),
        forwarded_allow_ips=list(options.proxies),
    )


def _impatient(header_s: float) -> type[H11Protocol]:
    """Returns a protocol that closes a connection on which the head of a request does not come in time."""

    class Impatient(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._timer = self.loop.call_later(header_s, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            is_waiting = self.conn.their_state is h11.IDLE
            if not is_waiting:
                self._stop_waiting()
            elif self._timer is None:
                self._timer = self.loop.call_later(header_s, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _stop_waiting(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Impatient


def _listening(options: ServerOptions) -> socket.socket:
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((options.host, options.port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {options.port} of {options.host} is in use{listener_at(options.port)}, or give another "
                "--port; 0 takes any that is free"
            ) from None
        raise ConfigError(
            f"cannot listen at {options.host}, port {options.port}: {error.strerror or error}; give an address of this "
            "machine as --host, such as 127.0.0.1, and a --port above 1023"
        ) from None
