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
        # Absolute, since searches have working directories of their own.
        self.place = place.rstrip("/") if "://" in place else str(Path(place).absolute())

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
        if not self._is_within(name):
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
                # One question, and not a list of all runs: probes ask every few seconds.
                _ = Run.at(f"{self.place}/ready").exists
        except OSError as error:
            reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
            raise ServiceError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the root {self.place} cannot be written ({reason}); mend that, or give another --root",
            ) from None
        except RunError as error:
            raise ServiceError(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None

    def _is_within(self, name: str) -> bool:
        if not self.is_local:
            return True
        # Links lead somewhere else; whatever is none lies where its name says.
        path = Path(self.place, name)
        return not path.is_symlink() or path.resolve().parent == Path(self.place).resolve()

    def names(self) -> list[str]:
        """Returns the names of all runs, sorted; raises as `listing` does."""
        return self.listing()[0]

    def listing(self) -> tuple[list[str], list[str]]:
        """Returns the names of all runs, and those of directories with a run that no path of the API can name, sorted.

        Links out of the root are no runs, and none begins with a dot.

        Raises:
            RunError: The bucket cannot be listed.
        """
        root = str(Path(self.place)) if self.is_local else self.place
        places = [run.location.rpartition("/") for run in find_runs(self.place)]
        found = [name for folder, _, name in places if folder == root and self._is_within(name)]
        unnamed = [name for name in found if not _NAME.fullmatch(name) and not name.startswith(".")]
        return [name for name in found if _NAME.fullmatch(name)], unnamed

    def at(self, name: str) -> Run:
        """Returns the place of the run ``name``, whether there is one or not, without reading it."""
        return Run.at(self.place_of(name))

    def run(self, name: str) -> Run:
        """Returns the run ``name``.

        Raises:
            ServiceError: There is none.
        """
        run = Run.at(self.place_of(name))
        if not run.exists:
            raise ServiceError(
                HTTPStatus.NOT_FOUND,
                f"run {name} does not exist, or holds nothing yet; `evo-nas runs`, or GET /api/v1/runs, lists all with "
                "their states",
            )
        return run
