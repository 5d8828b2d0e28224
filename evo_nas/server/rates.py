"""`Rates`: how often each client may ask, and what counts as one client."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CLIENTS = 10_000
"""Clients that are remembered; whoever has not asked for longest is forgotten first, and may ask at once again."""


class Rates:
    """A bucket of requests for each client, which fills with time.

    Args:
        per_s: Requests a second on average.
        burst: Requests at once.
        clock: Seconds that only grow.
    """

    def __init__(self, per_s: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, float(burst), clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Counts a request of ``client``, and returns the seconds that it must wait, 0 if it may ask now."""
        left = self._charged(client, 0)
        if left < 1:
            return max(1.0, (1 - left) / self._per_s)
        self._charged(client, 1)
        return 0.0

    def charge(self, client: str, requests: int) -> None:
        """Counts ``requests`` more of ``client``."""
        self._charged(client, requests)

    def _charged(self, client: str, requests: float) -> float:
        now = self._clock()
        left, since = self._left.pop(client, (self._burst, now))
        # Never far below nothing, so that nobody waits for minutes.
        left = max(min(self._burst, left + (now - since) * self._per_s) - requests, -self._burst)
        self._left[client] = left, now
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
        return left


@lru_cache(MOST_CLIENTS)
def client_at(address: str) -> str:
    """Returns what counts as the client at ``address``: of IPv6 the network of 64 bits, which one machine may fill."""
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(read, ipaddress.IPv6Address):
        return address
    if read.ipv4_mapped is not None:
        return str(read.ipv4_mapped)
    return address if read.is_loopback else str(ipaddress.ip_network((read, 64), strict=False))
