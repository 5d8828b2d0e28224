"""`Asking`: asks a service about one run, and writes the files that it answers with."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from evo_nas.client.models import Launched
from evo_nas.errors import ChampionError, ConfigError, DataError, ExecutionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests

    from evo_nas.client.connection import Connection


class Asking:
    """Asks a service about one run; the base of the classes for runs.

    Args:
        connection: The service.
        name: Its name under the root of the service.

    Raises:
        ConfigError: ``name`` is none, such as the directory of a run.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        # It becomes a part of paths, where a slash or a question mark would ask for something else.
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ConfigError(
                f"run is {name!r}; must be the name of a run of the service, such as those that "
                f"`evo-nas runs --service {connection.url}` lists"
            )
        self._connection = connection
        self.name = name

    def __repr__(self) -> str:
        return f"RemoteRun({self._connection.url!r}, {self.name!r})"

    def _launched(self, path: str, body: Mapping[str, Any]) -> Launched:
        return Launched.model_validate(self._values("POST", path, json=body))

    def _values(self, method: str, path: str, **arguments: Any) -> Any:
        return self._connection.values(method, self._path(path), **arguments)

    def _path(self, rest: str) -> str:
        return f"/runs/{self.name}{rest}"

    def _unpacked(self, what: str, folder: Path, **asked: Any) -> tuple[tuple[Path, ...], requests.Response]:
        check_new(folder)
        response = self._connection.send("GET", self._path(what), params=asked)
        try:
            return unpacked(response.content, folder), response
        except BadZipFile:
            raise ExecutionError(
                f"the files of {self.name} came in part only; give the same command again"
            ) from None


def check_new(folder: Path) -> None:
    """Raises an error unless ``folder`` is new or empty.

    Raises:
        ChampionError: It is not.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ChampionError(f"{folder} exists and is not an empty directory; name a new one")


def content_of(file: Path) -> bytes:
    """Returns the content of a file of this machine.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}; give the path of a file") from None


def packed(files: Sequence[Path]) -> bytes:
    """Returns a zip of ``files`` by their names without folders.

    Raises:
        DataError: One cannot be read, or two have the same name.
    """
    names = [file.name for file in files]
    if twice := {name for name in names if names.count(name) > 1}:
        raise DataError(
            f"the data name {sorted(twice)[0]} twice; files that are sent need names of their own"
        )
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(file.name, content_of(file))
    return content.getvalue()


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that say something, as parameters of a request."""
    return {name: value for name, value in options.items() if value is not None and value is not False}


def unpacked(content: bytes, folder: Path) -> tuple[Path, ...]:
    """Writes the files of a zip whose names all begin with one folder, which is left out, and returns them.

    Raises:
        ExecutionError: One of them would lie outside of ``folder``; nothing is written then.
    """
    with ZipFile(io.BytesIO(content)) as packed:
        paths = {name: folder.joinpath(*Path(name).parts[1:]) for name in packed.namelist()}
        for name, path in paths.items():
            # The service is trusted with data, but not with where its files go.
            if folder.resolve() not in path.resolve().parents:
                raise ExecutionError(
                    f"the service names a file {name!r}, outside of the export; nothing is written"
                )
        for name, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed.read(name))
    return tuple(paths.values())
