"""What the ledger needs of a medium: a few operations on immutable files.

The protocol never overwrites, appends or renames, so that an object store can carry it: there `Store.create` is
one conditional PUT, and temporary files, folder syncs and locks are not needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evo_nas.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator


LOCK = "LOCK"
TEMPORARY = "tmp"
QUARANTINE = "quarantine"


class Store(ABC):
    """Immutable files under slash-separated names such as ``segments/<name>``; all failures are `OSError`.

    Attributes:
        location: What a person would call it, for messages.
    """

    location: str

    @abstractmethod
    def create(self, name: str, content: bytes) -> bool:
        """Makes a file appear with all its content at once, durably; returns False if the name is taken.

        Where an attempt may succeed and yet report a failure, a file with the very same content counts as
        created by this call; no other writer would write it, since names or contents are unique. When this
        raises, the file may or may not have appeared; it never appears with part of its content.
        """

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Returns a file's content; raises `FileNotFoundError` if there is none."""

    @abstractmethod
    def list(self, folder: str) -> list[str]:
        """Returns the names in ``folder``, sorted; ``""`` is the top, and a missing folder is empty.

        Every file whose `create` returned before the call and that was not removed is among them.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Removes a file if there is one; a power cut may undo it."""

    @abstractmethod
    def set_aside(self, name: str) -> str:
        """Moves a file or folder out of the ledger's sight and returns its new name."""

    @abstractmethod
    def lock(self) -> None:
        """Refuses a second writer where the medium can tell; what protects the run are the terms of its writers.

        Raises:
            RunError: Another process holds the lock, and the message says which; or the medium cannot carry terms.
        """

    @abstractmethod
    def discard_leftovers(self) -> None:
        """Removes what interrupted `create` calls left behind."""

    @abstractmethod
    def close(self) -> None:
        """Gives the lock back. May be called twice."""

    @abstractmethod
    def remedy(self, error: OSError) -> str:
        """Returns what a person can do about a failure of this store."""


@contextmanager
def storage_errors(store: Store, action: str) -> Iterator[None]:
    """Turns an `OSError` in its body into a `RunError` that says what failed and what to do."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or error
        raise RunError(f"cannot {action} {store.location}: {problem}; {store.remedy(error)}") from error
