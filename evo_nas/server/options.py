"""`ServerOptions`: the options that a service is started with, and their checks."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits that keep one service from being overloaded.

    Attributes:
        body: Bytes of a request's body.
        body_s: Seconds until a body must be there.
        header_s: Seconds until the head of a request must be there.
        unread_s: Seconds that a client may take nothing of what is sent to it.
        connections: Connections at a time.
        connections_per_client: Connections at a time of one address that is no proxy.
        streams: Event streams at a time.
        streams_per_client: Event streams at a time of one address.
        requests_per_s: Requests a second of one address, on average.
        burst: Requests at once of one address.
    """

    body: int = 8 * 2**20
    body_s: float = 30.0
    header_s: float = 20.0
    unread_s: float = 60.0
    connections: int = 4000
    connections_per_client: int = 1000
    streams: int = 1000
    streams_per_client: int = 300
    requests_per_s: float = 100.0
    burst: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """The options that a service is started with.

    Attributes:
        root: The directory or URI under which runs are kept.
        state: The directory for what launches write: configurations, events and logs.
        address: The cluster in which searches run, as for `open_session`; None for this machine.
        host: The address to listen at.
        port: The port to listen at; 0 for any that is free.
        token: What every client must present; None only on loopback.
        data: The directories and URIs under which the files of configurations may lie.
        names: Names of hosts, without port, under which the service may be called beside ``host`` and loopback.
        proxies: Addresses and networks of proxies, whose word for client and scheme is taken.
        limits: What the service bears.
        inline: Whether searches of this machine train in one process each, without Ray.

    Raises:
        ConfigError: There is no token and others could reach the service, the token is easily guessed, or a proxy is
            no address.
    """

    root: str
    state: Path
    address: str | None = None
    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = None
    data: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    limits: Limits = Limits()
    inline: bool = False

    def __post_init__(self) -> None:
        if self.token is None and not self.is_private:
            raise ConfigError(
                f"others would reach the service at {', '.join((self.host, *self.names, *self.proxies))} without a "
                "token, so that anyone could start searches; give --token-file FILE, which is made if it is not there"
            )
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise ConfigError(
                f"the token has {len(self.token)} characters; must have at least {SHORTEST_TOKEN}, such as those that "
                "`openssl rand -hex 32` prints"
            )

        for proxy in self.proxies:
            # A name would be taken for no address at all, and `*`, or the network of all addresses, for every client.
            if not _is_place_of_proxies(proxy):
                raise ConfigError(
                    f"proxy is {proxy!r}; must be the address that the proxy calls from, or a network of such, as "
                    "127.0.0.1 or 10.0.0.0/8"
                )

    def is_proxy(self, address: str) -> bool:
        """Whether a proxy is at ``address``, an address of the Internet or nothing."""
        if not address or not self.proxies:
            return False
        caller = ipaddress.ip_address(address)
        return any(caller in ipaddress.ip_network(proxy) for proxy in self.proxies)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect to the service."""
        return is_loopback(self.host)

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach the service, by itself or through a proxy."""
        return self.is_local and not self.names and not self.proxies


def _is_place_of_proxies(text: str) -> bool:
    try:
        return ipaddress.ip_network(text).prefixlen > 0
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine for itself alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
