"""Finds the problems of a search before it is sent to a cluster.

`remote_paths` checks a configuration on this machine. The module itself runs on the head node as a separate job: it
prints one line for each problem and exits with code 3 if there is one. It imports as little as possible there.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evo_nas.config import SearchConfig

REFUSED = 3


def remote_paths(config: SearchConfig) -> list[str]:
    """Checks every option of ``config`` and returns the data paths of its task, all absolute.

    Raises:
        ConfigError: An option is wrong, or a path is relative and would mean another file in the cluster.
    """
    from evo_nas.data.paths import data_paths  # noqa: PLC0415
    from evo_nas.sections import Sections  # noqa: PLC0415 - the job on the head node needs none of it

    named = data_paths(Sections.of(config).task)
    for name, paths in named.items():
        for path in paths:
            if not path.is_absolute():
                raise ConfigError(
                    f"task.{name} is {path}; must be an absolute path on the head node of the cluster, since "
                    "data are not sent there"
                )
    return [str(path) for paths in named.values() for path in paths]


def problems(wanted: dict[str, str], paths: Sequence[str], run: str) -> Iterator[str]:
    """Yields one line for each problem on this machine.

    Args:
        wanted: Required version of each distribution by name.
        paths: Files, or patterns of files, that must be readable.
        run: Directory or URI of the run.
    """
    for name, theirs in wanted.items():
        if version(name) != theirs:
            yield f"the cluster has {name} {version(name)}, this machine {theirs}; install the same version"
    for path in paths:
        place = Path(path)
        # A pattern without matches is reported like a missing file.
        if not all(os.access(match, os.R_OK) for match in list(place.parent.glob(place.name)) or [place]):
            yield (
                f"{path} cannot be read on the head node of the cluster; data are not sent there: put them on "
                "storage that the head node sees, and give their absolute path there"
            )
    if "://" not in run:
        # The run does not exist yet: the nearest directory that does decides whether it can be made.
        there = next(place for place in (Path(run), *Path(run).parents) if place.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            yield f"run is {run}; {there} cannot be written on the head node of the cluster; choose another"


def main(arguments: str) -> int:
    """Prints the `problems` with the JSON object ``arguments`` and returns the exit code."""
    found = list(problems(**json.loads(arguments)))
    for problem in found:
        sys.stdout.write(f"error: {problem}\n")
    return REFUSED if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
