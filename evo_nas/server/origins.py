"""By which names a service may be called, and what its own origin is."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from evo_nas.server.options import ServerOptions

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?")
_PORTS = {"http": "80", "https": "443"}


def is_own_name(host: str, options: ServerOptions) -> bool:
    """Whether ``host``, the value of a header ``Host``, names a service with these options.

    An address is always one: a site that makes its own name point here (DNS rebinding) is called by a name.
    """
    found = _HOST.fullmatch(host.lower())
    if found is None:
        return False
    name = found[1].strip("[]")
    return (
        name in _LOOPBACK
        or name in {options.host.lower(), *map(str.lower, options.names)}
        or _is_address(name)
    )


_LOOPBACK = frozenset({"localhost"})


def is_same_origin(origin: str, host: str) -> bool:
    """Whether ``origin`` is a page of the service that is called ``host``.

    The scheme may differ, since a proxy with TLS before the service hands on the name and not the scheme.
    """
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    if parts.scheme not in _PORTS or parts.path or parts.query or parts.fragment:
        return False
    default = _PORTS[parts.scheme]
    return _with_port(parts.netloc, default) == _with_port(host.lower(), default)


def _with_port(host: str, default: str) -> tuple[str, str] | None:
    found = _HOST.fullmatch(host)
    return (found[1], found[2] or default) if found else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
