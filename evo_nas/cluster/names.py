"""The names of runs and of their managers in a cluster."""

from __future__ import annotations

import hashlib
import re
import shlex
from pathlib import PurePosixPath

from evo_nas.errors import ConfigError

NAMESPACE = "evo-nas"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_URI = re.compile(r"[a-z][a-z0-9+]*://[^\s?#]+")


def checked_run(run: str) -> str:
    """Returns ``run`` in a normal form: an absolute path or a URI, whose last part is the name of the run.

    Raises:
        ConfigError: The path is relative, so that it means another place on every machine, or the name is invalid.
    """
    if "://" in run:
        scheme, rest = run.split("://", 1)
        place = f"{scheme}://{'/'.join(filter(None, rest.split('/')))}"
        if scheme == "file":
            return checked_run(f"/{place.removeprefix('file://')}")
        if not _URI.fullmatch(place):
            raise ConfigError(f"run is {run}; must be a URI such as s3://bucket/runs/name")
    else:
        place = str(PurePosixPath(run))
        if not place.startswith("/"):
            raise ConfigError(
                f"run is {run}; must be an absolute path or a URI such as s3://bucket/runs/name, since the "
                "search lives on a machine where a relative path leads elsewhere"
            )
        # pathlib keeps two leading slashes, which would be a second spelling of the same run.
        place = "/" + place.lstrip("/")
    name = place.rsplit("/", 1)[-1]
    if not _NAME.fullmatch(name) or ".." in place.split("/"):
        raise ConfigError(
            f"run is {run}; must have no .. in it and end in a name of at most 64 letters, digits and _ . -"
        )
    return place


def manager_name(run: str) -> str:
    """Returns the name of the manager of ``run``, where ``run`` comes from `checked_run`."""
    # Runs of the same name in different places need different managers.
    digest = hashlib.sha256(run.encode()).hexdigest()[:12]
    return f"{run.rsplit('/', 1)[-1]}-{digest}"


def typed(command: str, run: str, address: str) -> str:
    """Returns a command for ``run`` in backticks, ready to be typed."""
    return f"`evo-nas {command} {shlex.quote(run)} --address {shlex.quote(address)}`"


def is_url(address: str) -> bool:
    """Whether ``address`` is the URL of a dashboard and not an address within the cluster."""
    return address.startswith(("http://", "https://"))
