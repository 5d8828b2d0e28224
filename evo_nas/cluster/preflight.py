"""Run on the cluster before anything is sent there: whether a search could find what it names.

Prints one line a problem and leaves with exit code 3 if there is one. Loads next to nothing.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REFUSED = 3


def problems(wanted: dict[str, str], paths: Sequence[str], run: str) -> Iterator[str]:
    """Yields what is wrong on this machine.

    Args:
        wanted: Versions of distributions.
        paths: Files, or patterns of files, that must be readable.
        run: Where the run is to be kept.
    """
    for name, theirs in wanted.items():
        if version(name) != theirs:
            yield f"the cluster has {name} {version(name)}, this machine {theirs}; install the same version"
    for path in paths:
        place = Path(path)
        if not all(os.access(match, os.R_OK) for match in list(place.parent.glob(place.name)) or [place]):
            yield (
                f"{path} cannot be read on the head node of the cluster; data are not sent there: put them on "
                "storage that the head node sees, and give their absolute path there"
            )
    if "://" not in run:
        there = next(place for place in (Path(run), *Path(run).parents) if place.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            yield f"run is {run}; {there} cannot be written on the head node of the cluster; choose another"


def main(arguments: str) -> int:
    """Examines what the JSON object ``arguments`` names and returns the exit code."""
    found = list(problems(**json.loads(arguments)))
    for problem in found:
        sys.stdout.write(f"error: {problem}\n")
    return REFUSED if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
