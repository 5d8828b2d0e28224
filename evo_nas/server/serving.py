"""Runs the service until a signal ends it."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import uvicorn

from evo_nas.errors import ConfigError
from evo_nas.server.app import create_app
from evo_nas.server.connections import bounded
from evo_nas.server.listeners import listener_at
from evo_nas.server.memory import share_heaps

if TYPE_CHECKING:
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
        share_heaps()
        host, port = listener.getsockname()[:2]
        server = uvicorn.Server(server_config(options))
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        server.run(sockets=[listener])


def server_config(options: ServerOptions) -> uvicorn.Config:
    """Returns how connections are served."""
    return uvicorn.Config(
        create_app(options),
        http=bounded(options),
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
        reason = (error.strerror or str(error)).partition(" (while")[0]  # the address is said already
        raise ConfigError(
            f"cannot listen at {options.host}, port {options.port}: {reason}; give an address of this "
            "machine as --host, such as 127.0.0.1, and a --port above 1023"
        ) from None
