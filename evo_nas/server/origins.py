"""Decides by which host names a service may be called, and which origin is its own."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

    from evo_nas.server.options import ServerOptions

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?")
_PORTS = {"http": "80", "https": "443"}


def own_names(options: ServerOptions) -> frozenset[str]:
    """Returns the names, in lower case and without port, by which a service with these options may be called.

    A service that others reach has the name of its machine, too, which the machine itself says. What the domain name
    system says of it, as `socket.getfqdn` does, is whatever those who answer for its addresses like.
    """
    machine = () if options.is_local else (socket.gethostname(),)
    return frozenset(map(str.lower, ("localhost", options.host, *options.names, *machine)))


def is_own_name(host: str, names: Collection[str]) -> bool:
    """Whether ``host``, the value of a header ``Host``, is one of ``names`` or an address, with any port.

    An address is always one: a site that makes its own name point here (DNS rebinding) is called by a name.
    """
    name = name_in(host)
    return name is not None and (name in names or _is_address(name))


def name_in(host: str) -> str | None:
    """Returns the name or the address in ``host``, in lower case and without port; None if there is none."""
    found = _HOST.fullmatch(host.lower())
    return None if found is None else found[1].strip("[]")


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
