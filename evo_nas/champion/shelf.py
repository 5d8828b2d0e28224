"""Where a run keeps its champion: in a folder beside its segments, which is there whole or not at all."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

from evo_nas.champion.export import ARCHITECTURE_FILE, GENOME_FILE, WEIGHTS_FILE, replaced
from evo_nas.ledger import Store, open_store, storage_errors

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

FOLDER, VERDICT_FILE = "champion", "verdict.json"
FILES = frozenset({ARCHITECTURE_FILE, GENOME_FILE, VERDICT_FILE, WEIGHTS_FILE})


class Shelf(ABC):
    """The files of one champion, its verdict among them."""

    @abstractmethod
    def verdict(self) -> bytes | None:
        """Returns the content of the verdict; None if there is no champion, or part of it is missing."""

    @abstractmethod
    def replaced(self) -> AbstractContextManager[Path]:
        """Yields an empty directory whose files take the place of the champion's if the body succeeds."""

    @abstractmethod
    def copy_to(self, directory: Path) -> None:
        """Copies the files of the champion, which is there, into an existing directory."""


class _Directory(Shelf):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def verdict(self) -> bytes | None:
        whole = all((self._folder / name).is_file() for name in FILES)
        return (self._folder / VERDICT_FILE).read_bytes() if whole else None

    def replaced(self) -> AbstractContextManager[Path]:
        return replaced(self._folder)

    def copy_to(self, directory: Path) -> None:
        for path in self._folder.iterdir():
            shutil.copyfile(path, directory / path.name)


class _Bucket(Shelf):
    """Each champion has a folder of its own, numbered; the last one that is whole counts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def verdict(self) -> bytes | None:
        with storage_errors(self._store, "read the champion of"):
            folder = self._newest()
            return None if folder is None else self._store.read(f"{folder}/{VERDICT_FILE}")

    @contextmanager
    def replaced(self) -> Iterator[Path]:
        with TemporaryDirectory() as directory:
            yield Path(directory)
            with storage_errors(self._store, "write the champion of"):
                self._publish(Path(directory))

    def copy_to(self, directory: Path) -> None:
        with storage_errors(self._store, "read the champion of"):
            folder = self._newest()
            for name in self._store.list(folder) if folder else []:
                (directory / name).write_bytes(self._store.read(f"{folder}/{name}"))

    def _newest(self) -> str | None:
        folders = (f"{FOLDER}/{name}" for name in reversed(self._store.list(FOLDER)))
        return next((folder for folder in folders if FILES.issubset(self._store.list(folder))), None)

    def _publish(self, directory: Path) -> None:
        older = self._store.list(FOLDER)
        number = 1 + max((int(name.partition("-")[0]) for name in older), default=0)
        folder = f"{FOLDER}/{number:06d}-{uuid4().hex[:8]}"
        for path in sorted(directory.iterdir(), key=lambda path: path.name == VERDICT_FILE):
            self._store.create(f"{folder}/{path.name}", path.read_bytes())
        for name in older:
            for file in self._store.list(f"{FOLDER}/{name}"):
                self._store.delete(f"{FOLDER}/{name}/{file}")


def shelf_of(run: str | os.PathLike[str]) -> Shelf:
    """Returns the shelf of the run at ``run``."""
    return _Bucket(open_store(run)) if "://" in str(run) else _Directory(Path(run) / FOLDER)
