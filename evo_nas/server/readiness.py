"""Checks whether the cluster of a service can be reached."""

from __future__ import annotations

import os
import socket
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from evo_nas.server.problems import ServiceError

DEADLINE_S = 3.0
_PORTS = {"http": 80, "https": 443, "ray": 10001}
_GCS = 6379


def check_cluster(address: str) -> None:
    """Checks that something listens where the cluster should; asking it more would take seconds and its token.

    Args:
        address: URL of its dashboard, ``host:port`` of its head, or ``auto`` for that of this machine.

    Raises:
        ServiceError: Nothing does.
    """
    named = _address_here() if address == "auto" else address
    parts = urlsplit(named if "://" in named else f"//{named}")
    try:
        port = parts.port or _PORTS.get(parts.scheme, _GCS)
        socket.create_connection((parts.hostname or "127.0.0.1", port), timeout=DEADLINE_S).close()
    except (OSError, ValueError) as error:
        raise ServiceError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"the cluster at {address} cannot be reached ({error}); start it, or give another --address",
        ) from None


def _address_here() -> str:
    """Returns the address of the cluster of this machine, which need not listen at the usual port."""
    if named := os.environ.get("RAY_ADDRESS"):
        return named
    noted = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster")  # noqa: S108 - where Ray has it
    try:
        return noted.read_text(encoding="utf-8").strip() or "127.0.0.1"
    except OSError:
        return "127.0.0.1"
