"""`RunsRoot`: the runs of a service by their names; nothing outside of its root can be named."""

from __future__ import annotations

import re
import tempfile
from http import HTTPStatus
from pathlib import Path

from evo_nas.errors import RunError
from evo_nas.runs import Run, find_runs
from evo_nas.server.problems import ServiceError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class RunsRoot:
    """The place under which a service keeps its runs.

    Args:
        place: A directory or a URI.
    """

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether the runs lie in a directory of this machine."""
        return "://" not in self.place

    def place_of(self, name: str) -> str:
        """Returns where the run ``name`` is kept, whether there is one or not.

        Raises:
            ServiceError: The name could lead out of the root.
        """
        if not _NAME.fullmatch(name):
            raise ServiceError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"run is {name[:80]!r}; must have at most 64 letters, digits and _ . -, the first a letter or digit",
            )
        if self.is_local:
            root, path = Path(self.place).resolve(), Path(self.place, name)
            if path.resolve().parent != root:
                raise ServiceError(
                    HTTPStatus.NOT_FOUND,
                    f"run {name} is a link out of the root; give a run that lies under it",
                )
        return f"{self.place}/{name}"

    def check_writable(self) -> None:
        """Checks that runs can be listed, and made where they lie in a directory.

        Raises:
            ServiceError: They cannot.
        """
        try:
            if self.is_local:
                folder = Path(self.place)
                folder.mkdir(parents=True, exist_ok=True)
                # Tried out, since permissions do not tell of a full disk or of one that can only be read.
                with tempfile.TemporaryFile(dir=folder) as file:
                    file.write(b"evo-nas")
            else:
                find_runs(self.place)
        except OSError as error:
            raise ServiceError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the root {self.place} cannot be written ({error.strerror}); mend that, or give another --root",
            ) from None
        except RunError as error:
            raise ServiceError(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None

    def run(self, name: str) -> Run:
        """Returns the run ``name``.

        Raises:
            ServiceError: There is none.
        """
        run = Run.at(self.place_of(name))
        if not run.exists:
            raise ServiceError(
                HTTPStatus.NOT_FOUND, f"run {name} does not exist; GET /api/v1/runs lists those that do"
            )
        return run
