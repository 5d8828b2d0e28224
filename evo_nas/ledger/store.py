"""`Store`: the few operations on immutable files that the ledger needs.

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
WEIGHTS = "weights"
"""Folder of kept weights; those that a run begins with are there before its record."""


class Store(ABC):
    """Immutable files under slash-separated names such as ``segments/<name>``; all failures are `OSError`.

    Attributes:
        location: The directory or URI, for messages.
        has_lock: Whether `lock` keeps a second writer out; where it does not, the later writer takes the run over.
    """

    location: str
    has_lock: bool = True

    @abstractmethod
    def create(self, name: str, content: bytes) -> bool:
        """Creates a file durably and with all its content at once; returns False if the name is taken.

        If an attempt may succeed and still report a failure, a file with the same content counts as created by
        this call; no other writer would write it, since names or contents are unique. When this
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
        """Moves a file or folder to where the ledger does not read it, and returns its new name."""

    @abstractmethod
    def lock(self) -> None:
        """Refuses a second writer if the medium can detect one; the terms of its writers protect the run itself.

        Raises:
            RunError: Another process holds the lock, and the message says which; or the medium cannot carry terms.
        """

    def holder(self) -> str | None:
        """Returns which process holds the lock, for people; None if none does, or if this medium cannot tell."""
        return None

    @abstractmethod
    def discard_leftovers(self) -> None:
        """Removes what interrupted `create` calls left behind."""

    @abstractmethod
    def close(self) -> None:
        """Releases the lock; it may be called more than once."""

    def stamp(self, *folders: str) -> object | None:  # noqa: ARG002 - for stores that can tell
        """Returns a value that is another one once files have come or gone in ``folders``; None if it cannot tell."""
        return None

    @abstractmethod
    def remedy(self, error: OSError) -> str:
        """Returns what to do about a failure of this store."""


@contextmanager
def storage_errors(store: Store, action: str) -> Iterator[None]:
    """Turns an `OSError` in its body into a `RunError` that says what failed and what to do."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or error
        raise RunError(f"cannot {action} {store.location}: {problem}; {store.remedy(error)}") from error
