"""`ObjectStore`: a run under a prefix of a bucket, reached through fsspec."""

from __future__ import annotations

import errno
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import fsspec

from evo_nas.errors import RunError
from evo_nas.ledger.store import QUARANTINE, TEMPORARY, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENT = {"connect_timeout": 10, "read_timeout": 30, "retries": {"mode": "standard", "max_attempts": 3}}
_OPTIONS: dict[str, dict[str, Any]] = {"s3": {"config_kwargs": _PATIENT, "max_concurrency": 1}}
"""Options for fsspec by kind of bucket; every kind here can create a file only if its name is free."""

_NO_BUCKET = errno.ENXIO
_CONFLICT = "ConditionalRequestConflict"
_CONFLICTS_S = (0.1, 0.3, 1.0, 3.0)
"""Pauses before a conditional PUT that met another one is repeated (HTTP 409): neither may have won."""


class ObjectStore(Store):
    """Objects whose names start with a URI such as ``s3://bucket/runs/name``.

    A single PUT publishes all bytes, so that no object ever exists in part; the server refuses it if the name is
    taken. Nothing is renamed or locked. The bucket must exist.

    Raises:
        RunError: Runs cannot be kept under a URI of this kind, or the package for it is not installed.
    """

    has_lock = False

    def __init__(self, uri: str) -> None:
        scheme, _, rest = uri.partition("://")
        place = "/".join(filter(None, rest.split("/")))
        if scheme not in _OPTIONS or not place:
            kinds = ", ".join(f"{kind}://bucket/name" for kind in _OPTIONS)
            raise RunError(f"run is {uri}; must be the path of a directory, local or mounted, or {kinds}")
        self.location = f"{scheme}://{place}"
        try:
            # Listings are not cached, since a cached one would hide what other writers have published.
            self._fs, self._root = fsspec.url_to_fs(
                self.location, use_listings_cache=False, **_OPTIONS[scheme]
            )
        except ImportError as error:
            raise RunError(f"run is {uri}; {error}: pip install 'evo-nas[{scheme}]'") from error

    def create(self, name: str, content: bytes) -> bool:
        """Puts the object if its name is free; after a failure it checks what exists now.

        The server may have carried out a PUT whose answer was lost; it then refuses the repetition.
        """
        for pause_s in (*_CONFLICTS_S, None):
            try:
                with _os_errors():
                    self._fs.pipe_file(self._path(name), content, mode="create")
            except OSError as error:
                with suppress(FileNotFoundError):
                    return self.read(name) == content
                if pause_s is None or _code(error) != _CONFLICT:
                    raise
                time.sleep(pause_s)
            else:
                break
        return True

    def read(self, name: str) -> bytes:
        """Gets the whole object."""
        with _os_errors():
            return bytes(self._fs.cat_file(self._path(name)))

    def list(self, folder: str) -> list[str]:
        """Lists objects and common prefixes."""
        top = self._path(folder)
        try:
            with _os_errors():
                paths = self._fs.ls(top, detail=False)
        except FileNotFoundError:
            return []
        names = (path.removeprefix(top).strip("/") for path in paths)
        return sorted(filter(None, names))

    def delete(self, name: str) -> None:
        """Deletes the object."""
        with suppress(FileNotFoundError), _os_errors():
            self._fs.rm_file(self._path(name))

    def set_aside(self, name: str) -> str:
        """Copies to the quarantine folder under a new name, then deletes."""
        aside = f"{QUARANTINE}/{uuid4().hex[:8]}-{name.rsplit('/', 1)[-1]}"
        source, target = self._path(name), self._path(aside)
        with _os_errors():
            for path in self._fs.find(source):
                self._fs.cp_file(path, target + path.removeprefix(source))
                self._fs.rm_file(path)
        return aside

    def lock(self) -> None:
        """Makes sure that the server refuses a name that is taken, since two writers could claim one term otherwise.

        Raises:
            RunError: The bucket's server creates an object twice.
        """
        probe = f"{TEMPORARY}/{uuid4().hex}"
        first, second = self.create(probe, b"first"), self.create(probe, b"second")
        self.delete(probe)
        if second or not first:
            raise RunError(
                f"the server of {self.location} does not refuse to create an object twice (If-None-Match: *), "
                "so that two searches could harm one run; use a server that does, such as AWS S3 or MinIO, or "
                "a directory that the machines share"
            )

    def discard_leftovers(self) -> None:
        """Does nothing: a PUT leaves nothing behind, and a probe may belong to another process."""

    def close(self) -> None:
        """Does nothing: there is no lock."""

    def remedy(self, error: OSError) -> str:
        """Returns the remedy for a wrong name, missing permissions, or a server that cannot be reached."""
        if error.errno == _NO_BUCKET:
            return "make the bucket first, or correct its name"
        if isinstance(error, PermissionError):
            return (
                "give this process credentials that may list the bucket and get, put and delete its objects, "
                "such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role of the machine"
            )
        return (
            "check the network, AWS_ENDPOINT_URL and the region, then run the same command again; nothing "
            "acknowledged is lost"
        )

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root


@contextmanager
def _os_errors() -> Iterator[None]:
    """Turns every failure in its body into an `OSError` that says neither broken disk nor, of a bucket, missing file.

    Both would make callers believe that committed segments are lost.
    """
    try:
        yield
    except OSError as error:
        if _code(error) == "NoSuchBucket":
            raise OSError(_NO_BUCKET, "there is no such bucket") from error
        if error.errno == errno.EIO:
            raise OSError(errno.EREMOTEIO, str(error)) from error
        raise
    except Exception as error:
        credentials = "credential" in str(error).lower()
        raise (PermissionError if credentials else ConnectionError)(str(error)) from error


def _code(error: BaseException | None) -> str | None:
    """Returns the server's code for the failure; None if it gave none."""
    while error is not None:
        response = getattr(error, "response", None)
        if response is not None:
            code: str | None = response.get("Error", {}).get("Code")
            return code
        error = error.__cause__
    return None
