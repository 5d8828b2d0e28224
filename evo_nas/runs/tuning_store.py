"""`TuningStore`: the trials of tunings, each a file of its own that is written once, so that a tuning can go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evo_nas.ledger import DamagedError, seal, storage_errors, unseal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.ledger import Store

FOLDER = "tuning"


class TuningStore:
    """Reads and writes what the tunings of one run have found.

    Args:
        store: The place of the run.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, key: str, kind: str) -> list[dict[str, Any]]:
        """Returns what was kept of a tuning, in the order of its names; what is damaged is left out.

        Args:
            key: Identity of the tuning.
            kind: ``trials`` or ``retrainings``.
        """
        folder = f"{FOLDER}/{key}/{kind}"
        with storage_errors(self._store, "read a tuning of"):
            found = (self._read(f"{folder}/{name}") for name in sorted(self._store.list(folder)))
            return [values for values in found if values is not None]

    def keep(self, key: str, kind: str, name: str, values: Mapping[str, Any]) -> None:
        """Keeps ``values`` under a name, in place of what was kept there."""
        path = f"{FOLDER}/{key}/{kind}/{name}.json"
        with storage_errors(self._store, "write a tuning of"):
            # `create` never replaces a file.
            self._store.delete(path)
            self._store.create(path, seal(values))

    def damage(self) -> Iterator[str]:
        """Yields one line for each damaged file."""
        for key in self._store.list(FOLDER):
            for kind in self._store.list(f"{FOLDER}/{key}"):
                for name in self._store.list(f"{FOLDER}/{key}/{kind}"):
                    path = f"{FOLDER}/{key}/{kind}/{name}"
                    if self._read(path) is None:
                        yield f"{path} is damaged; `evo-nas tune` makes it again"

    def _read(self, path: str) -> dict[str, Any] | None:
        try:
            return unseal(self._store.read(path))
        except (DamagedError, FileNotFoundError, IsADirectoryError):
            return None  # it can be made again
