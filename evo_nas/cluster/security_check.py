"""Checks whether others could use a cluster: its token, the permissions of the token file, and open ports."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from evo_nas.cluster.connection import health_check
from evo_nas.cluster.names import is_url
from evo_nas.cluster.token import is_readable_by_others, token_path
from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 3.0
GCS_DEADLINE_S = 10.0
"""Seconds for a process that asks the head; it spends most of them on starting."""
ELSEWHERE = ("192.0.2.1", 9)
"""An address that belongs to no machine (RFC 5737)."""
PORTS = {6379: "GCS", 8265: "dashboard", 10001: "Ray client"}
"""Ray's default ports; without a token, access to any of them allows to run code."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One result of the check: the subject, what was found, and whether it is safe."""

    subject: str
    found: str
    good: bool = True


def examine(address: str) -> Iterator[Exposure]:
    """Yields what this machine can see of the cluster at ``address``, a URL or ``host:port``."""
    parts = urlsplit(address if is_url(address) else f"//{address}")
    try:
        given = parts.port
    except ValueError as error:
        raise ConfigError(f"address is {address}: {error}; give a URL or host:port") from None
    host = parts.hostname or "127.0.0.1"
    # A loopback address may be a local cluster or a tunnel; others would use the address of this machine.
    seen_by_others = _own_address() if _is_loopback(host) else host
    ports = dict(PORTS)
    yield _token()
    if is_url(address):
        yield _dashboard(address)
        yield _transport(parts.scheme, host)
        if seen_by_others == host and given is not None:
            ports.pop(given, None)  # checked above
    else:
        yield _gcs(address)
        if given is not None:
            ports[given] = "GCS"
    # A port that only this machine can reach is no risk.
    if not _is_loopback(seen_by_others):
        for port, name in ports.items():
            yield from _open_port(seen_by_others, port, name)


def _token() -> Exposure:
    mode = os.environ.get("RAY_AUTH_MODE", "token").lower()
    if mode != "token":
        return Exposure("token", f"RAY_AUTH_MODE is {mode}: no token is used; unset it", good=False)
    if os.environ.get("RAY_AUTH_TOKEN"):
        return Exposure("token", "in RAY_AUTH_TOKEN")
    path = token_path()
    if not path.is_file():
        return Exposure("token", f"{path} is missing; make it with `evo-nas token`", good=False)
    if is_readable_by_others(path):
        return Exposure("token", f"{path} can be read by others; mend it with `evo-nas token`", good=False)
    return Exposure("token", f"{path}, readable by its owner alone")


def _dashboard(url: str) -> Exposure:
    try:
        answers = [_get(f"{url.rstrip('/')}/api/{what}") for what in ("jobs/", "version")]
    except requests.RequestException as error:
        return Exposure("dashboard", f"{url} does not answer: {error}", good=False)
    code = answers[0].status_code
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Exposure("dashboard", f"{url} wants a token")
    if code != HTTPStatus.OK:
        return Exposure("dashboard", f"{url} answers {code}; is it a Ray dashboard?", good=False)
    jobs, about = map(_json_of, answers)
    if isinstance(jobs, list) and isinstance(about, dict) and "ray_version" in about:
        return Exposure("dashboard", f"{url} runs jobs of anyone, without a token", good=False)
    return Exposure("dashboard", f"{url} does not answer as Ray does; is it a Ray dashboard?", good=False)


def _gcs(address: str) -> Exposure:
    """Checks whether the head accepts calls without a token."""
    tokenless = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_")}
    try:
        asked = health_check(address, GCS_DEADLINE_S, environment=tokenless | {"RAY_AUTH_MODE": "disabled"})
    except TimeoutExpired:
        return Exposure("GCS", f"{address} does not answer within {GCS_DEADLINE_S:g} s", good=False)
    if asked.returncode == 0:
        return Exposure("GCS", f"{address} takes calls of anyone, without a token", good=False)
    if "token authentication is enabled" in asked.stderr.lower():
        return Exposure("GCS", f"{address} wants a token")
    reason = (asked.stderr.strip().splitlines() or ["no answer"])[-1]
    return Exposure("GCS", f"{address} does not answer: {reason}", good=False)


def _get(url: str) -> requests.Response:
    """Sends a request without credentials, even if the environment has some for this host."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=DEADLINE_S)


def _json_of(response: requests.Response) -> object:
    """Returns the JSON of ``response``; None if it is not JSON."""
    with suppress(ValueError):
        answer: object = response.json()
        return answer
    return None


def _transport(scheme: str, host: str) -> Exposure:
    if scheme == "https" or _is_loopback(host):
        return Exposure("transport", "encrypted" if scheme == "https" else "this machine, or a tunnel")
    found = f"http to {host} shows the token to the network; use https or an SSH tunnel"
    return Exposure("transport", found, good=False)


def _open_port(host: str, port: int, name: str) -> Iterator[Exposure]:
    """Yields a warning if ``port`` is open on an address that others may reach."""
    with suppress(OSError), socket.create_connection((host, port), timeout=DEADLINE_S):
        found = f"{name} is open on {host}:{port}; keep it in a private network, and behind a token"
        yield Exposure(f"port {port}", found, good=False)


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1", "auto") or host.startswith("127.")


def _own_address() -> str:
    """Returns the address of this machine in its network; the loopback address if it is unknown."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
        # Connecting a UDP socket sends nothing; it only makes the system choose a source address.
        outward.connect(ELSEWHERE)
        address: str = outward.getsockname()[0]
        return address
    return "127.0.0.1"
