"""``doctor``: checks whether this machine can search."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evo_nas.cli.options import address

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = {
    "torch": "torch",
    "ray": "ray",
    "pyarrow": "pyarrow",
    "deap": "deap",
    "scikit-learn": "sklearn",
    "safetensors": "safetensors",
}
"""Distributions with native parts that may fail to load, and the module to import for each."""
FEWEST_FREE_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of the check: the subject, what was found, and whether a search can run with it."""

    subject: str
    found: str
    good: bool = True


@click.command()
@click.argument("root", type=click.Path(path_type=Path), default=Path("runs"))
@address(required=False)
def doctor(root: Path, *, address: str | None) -> None:
    """Checks this machine for a search, and with --address whether others could use the cluster there.

    ROOT is the directory for runs, by default runs. The exit code is 1 if something is wrong.
    """
    from rich.table import Table
    from rich.text import Text

    from evo_nas.cli.terminal import plain, plain_console

    table = Table.grid(padding=(0, 2))
    healthy = True
    for finding in (*_examine(root), *_examine_cluster(address)):
        healthy = healthy and finding.good
        mark = Text("ok", "green") if finding.good else Text("wrong", "bold red")
        table.add_row(mark, Text(finding.subject, "dim"), plain(finding.found))
    plain_console().print(table)
    if not healthy:
        raise SystemExit(1)


def _examine(root: Path) -> Iterator[Finding]:
    from evo_nas.config import available_cores

    yield Finding("python", platform.python_version())
    for distribution, module in LIBRARIES.items():
        yield _library(distribution, module)
    yield Finding("cores", str(available_cores()))
    yield Finding("memory", _memory())
    yield Finding("threads", os.environ.get("OMP_NUM_THREADS", "1 in each worker"))
    yield from _networks()
    yield _writable(root)
    yield _disk(root)


def _examine_cluster(address: str | None) -> Iterator[Finding]:
    if address is not None:
        from evo_nas.cluster.security_check import examine

        for exposure in examine(address):
            yield Finding(exposure.subject, exposure.found, exposure.good)


def _library(distribution: str, module: str) -> Finding:
    try:
        # Imported and not only looked up: a native part may fail although the package is installed.
        import_module(module)
        return Finding(distribution, version(distribution))
    except PackageNotFoundError:
        return Finding(distribution, "not installed; run `pip install evo-nas` again", good=False)
    except (ImportError, OSError) as error:
        return Finding(distribution, f"cannot be loaded: {error}", good=False)


def _memory() -> str:
    page = os.sysconf("SC_PAGE_SIZE")
    total, free = os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page
    return f"{total / 2**30:.1f} GiB, {free / 2**30:.1f} GiB unused"


def _networks() -> Iterator[Finding]:
    """Yields the device and the backend of networks; nothing if the libraries that they need are missing."""
    try:
        from evo_nas.models.native import native_status
        from evo_nas.training.runtime import device_name
    except ImportError:
        return
    yield Finding("device", device_name("auto"))
    yield Finding("recurrence", native_status().explanation)


def _writable(root: Path) -> Finding:
    place = _existing(root)
    if root.exists() and not root.is_dir():
        return Finding("runs", f"{root} is a file; choose another", good=False)
    try:
        # Writing and syncing is tried: permissions alone do not show a read-only or full file system.
        with tempfile.NamedTemporaryFile(dir=place) as file:
            os.fsync(file.fileno())
    except OSError as error:
        return Finding("runs", f"{root} cannot be written: {error.strerror}; choose another", good=False)
    return Finding("runs", f"{root} can be written" if root.exists() else f"{root} can be made in {place}")


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(_existing(root)).free
    return Finding("disk", f"{free / 2**30:.1f} GiB free", good=free >= FEWEST_FREE_BYTES)


def _existing(root: Path) -> Path:
    """Returns the nearest existing directory at or above ``root``."""
    return next(place for place in (root.absolute(), *root.absolute().parents) if place.is_dir())
