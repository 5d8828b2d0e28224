"""What runs are called in a cluster."""

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
    """Returns ``run`` in its one spelling: an absolute path or a URI, whose last part names the run.

    Raises:
        ConfigError: It is relative, which means another place on every machine, or its name is no name.
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
        place = "/" + place.lstrip("/")
    name = place.rsplit("/", 1)[-1]
    if not _NAME.fullmatch(name) or ".." in place.split("/"):
        raise ConfigError(
            f"run is {run}; must have no .. in it and end in a name of at most 64 letters, digits and _ . -"
        )
    return place


def manager_name(run: str) -> str:
    """Returns the name of the actor that searches ``run``, which `checked_run` has returned."""
    digest = hashlib.sha256(run.encode()).hexdigest()[:12]
    return f"{run.rsplit('/', 1)[-1]}-{digest}"


def typed(command: str, run: str, address: str) -> str:
    """Returns a command about ``run`` as a person would type it."""
    return f"`evo-nas {command} {shlex.quote(run)} --address {shlex.quote(address)}`"


def is_url(address: str) -> bool:
    """Whether ``address`` is reached by HTTP and not as a part of the cluster."""
    return address.startswith(("http://", "https://"))
