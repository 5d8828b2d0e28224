"""Runs the service until a signal ends it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn

from evo_nas.errors import ConfigError
from evo_nas.server.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.server.options import ServerOptions


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
        server = uvicorn.Server(
            uvicorn.Config(create_app(options), log_level="warning", server_header=False, access_log=False)
        )
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        server.run(sockets=[listener])


def _listening(options: ServerOptions) -> socket.socket:
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((options.host, options.port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {options.host}, port {options.port} ({error.strerror or error}); give another --port "
            "(0 takes any that is free), or end what uses it: `ss -ltnp` shows its process"
        ) from None
