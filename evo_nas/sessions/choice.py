"""Chooses the session for an address; no other place decides this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.cluster.names import checked_run, is_url
from evo_nas.errors import ConfigError
from evo_nas.sessions.local import LocalSession

if TYPE_CHECKING:
    import os

    from evo_nas.sessions.session import Session


def open_session(
    place: str | os.PathLike[str],
    *,
    address: str | None = None,
    inline: bool = False,
    accept_data_loss: bool = False,
    logs: bool = False,
) -> Session:
    """Returns a session for the run at ``place``, to be used as a context manager.

    Args:
        place: A directory or a URI; with an address it must not be a relative path.
        address: None for this machine, the URL of a cluster's dashboard, or ``auto`` or ``host:port`` of the cluster
            that this machine is part of.
        inline: Whether to train in this process, without Ray.
        accept_data_loss: Whether to resume although committed evaluations are damaged or missing.
        logs: Whether to print the manager's log lines here, too; only in the cluster that this machine is part of.

    Raises:
        ConfigError: Options exclude each other, or the place or the address is invalid.
        ExecutionError: No cluster answers.
    """
    if address is None:
        return LocalSession(place, executor="inline" if inline else "ray", accept_data_loss=accept_data_loss)
    for name, given in (("inline", inline), ("accept-data-loss", accept_data_loss)):
        if given:
            raise ConfigError(f"{name} is given beside an address; use it on the machine that keeps the run")
    run = checked_run(str(place))
    # Ray is loaded only for a session in a cluster; a local search loads it when its workers start.
    if is_url(address):
        from evo_nas.sessions.jobs import JobSession  # noqa: PLC0415

        return JobSession(run, address)
    from evo_nas.sessions.actor import ActorSession  # noqa: PLC0415

    return ActorSession(run, address, logs=logs)
