"""`ServerOptions`: how a service is started, checked."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one service bears.

    Attributes:
        body: Bytes of a request's body.
        streams: Event streams at a time.
        streams_per_client: Event streams at a time of one address.
        requests_per_s: Requests a second of one address, on average.
        burst: Requests at once of one address.
    """

    body: int = 8 * 2**20
    streams: int = 1000
    streams_per_client: int = 300
    requests_per_s: float = 100.0
    burst: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How a service is started.

    Attributes:
        root: The directory or URI under which runs are kept.
        state: The directory for what launches write: configurations, events and logs.
        address: The cluster in which searches run, as for `open_session`; None for this machine.
        host: The address to listen at.
        port: The port to listen at; 0 for any that is free.
        token: What every client must present; None only on loopback.
        data: The directories and URIs under which the files of configurations may lie.
        names: Names of hosts, without port, under which the service may be called beside ``host`` and loopback.
        limits: What the service bears.
    """

    root: str
    state: Path
    address: str | None = None
    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = None
    data: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    limits: Limits = Limits()

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine for itself alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
