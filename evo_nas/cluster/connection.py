"""Connects this process to a Ray cluster, within a deadline."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import ray
from ray._raylet import Config  # type: ignore[attr-defined]

from evo_nas.cluster.names import NAMESPACE
from evo_nas.cluster.token import require_token
from evo_nas.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEADLINE_S = 30.0


@contextmanager
def connected(address: str, *, logs: bool = False, deadline_s: float = DEADLINE_S) -> Iterator[None]:
    """Connects this process, on a machine of the cluster, and disconnects it at the end.

    Args:
        address: ``host:port`` of the head's GCS, or ``auto`` for the cluster that runs on this machine.
        logs: Whether to print the log lines of this job's actors here, too.
        deadline_s: Seconds in which the cluster must answer.

    Raises:
        ConfigError: Ray requires a token and there is none.
        ExecutionError: No cluster answers.
    """
    use_token()
    if address == "auto":
        # `auto` follows RAY_ADDRESS, so that the probe and `ray.init` ask the same cluster.
        address = os.environ.get("RAY_ADDRESS", "auto")
    _probe(address, deadline_s)
    try:
        ray.init(
            address=address,
            namespace=NAMESPACE,
            log_to_driver=logs,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ExecutionError(f"address is {address}; cannot join that cluster: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def use_token() -> None:
    """Applies `require_token` to this process, even if Ray is loaded already."""
    require_token()
    Config.initialize("")  # Ray reads its environment only once; this makes it read again, as it does itself


def health_check(
    address: str, deadline_s: float, *, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Checks in another process whether the cluster answers, since Ray itself would wait for a dead head without end.

    Args:
        address: ``host:port`` or ``auto``, as for `connected`.
        deadline_s: Seconds in which the cluster must answer.
        environment: Environment of the other process; None for a copy of this one's.

    Raises:
        TimeoutExpired: The cluster has not answered.
    """
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--skip-version-check"]
    return subprocess.run(  # noqa: S603 - our own interpreter; the address is one argument
        [*command, "--address", address],
        env=environment,
        timeout=deadline_s,
        capture_output=True,
        text=True,
        check=False,
    )


def _probe(address: str, deadline_s: float) -> None:
    """Raises an `ExecutionError` unless the cluster at ``address`` answers."""
    try:
        asked = health_check(address, deadline_s)
    except subprocess.TimeoutExpired:
        reason = f"no answer within {deadline_s:g} s"
    else:
        if asked.returncode == 0:
            return
        reason = (asked.stderr.strip().splitlines() or ["no answer"])[-1]
    raise ExecutionError(
        f"address is {address}; no Ray cluster answers there ({reason}). Start one, or give host:port of its "
        "head on one of its machines; from elsewhere give the URL of its dashboard"
    )
