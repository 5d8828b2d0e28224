"""`ChampionStore`: keeps the champion of a run and the trainings that its verdict is based on.

::

    champion/trainings/<key>.json, .safetensors    one finished training each
    champion/000001-<random>/...                   one champion each; the newest complete one counts

Files are created and never changed, so that directories and buckets work in the same way. The verdict is written last
and lists the SHA-256 of the other files, so that a partly written champion is never read.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evo_nas.ledger import DamagedError, seal, storage_errors, unseal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.ledger import Store

FOLDER = "champion"
TRAININGS = f"{FOLDER}/trainings"
VERDICT_FILE = "verdict.json"
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class ChampionStore:
    """Reads and writes the champion of one run.

    Args:
        store: The place of the run.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def verdict(self) -> dict[str, Any] | None:
        """Returns the verdict on the newest complete champion; None if there is none."""
        champion = self._newest()
        return None if champion is None else champion[1]

    def files(self) -> dict[str, bytes]:
        """Returns the files of the newest complete champion by name; empty if there is none."""
        champion = self._newest()
        if champion is None:
            return {}
        folder, _ = champion
        with storage_errors(self._store, "read the champion of"):
            return {name: self._store.read(f"{folder}/{name}") for name in self._store.list(folder)}

    def publish(self, files: Mapping[str, bytes], verdict: Mapping[str, Any]) -> None:
        """Stores ``files`` and ``verdict`` as the champion, then removes earlier champions."""
        with storage_errors(self._store, "write the champion of"):
            earlier = self._folders()
            number = 1 + max((int(name.partition("-")[0]) for name in earlier), default=0)
            # The random part keeps the files of two processes apart that judge the same run.
            folder = f"{FOLDER}/{number:06d}-{uuid4().hex[:8]}"
            for name, content in files.items():
                self._store.create(f"{folder}/{name}", content)
            # The verdict comes last: until it exists, the earlier champion counts.
            sealed = seal({"files": _digests(files), "verdict": dict(verdict)})
            self._store.create(f"{folder}/{VERDICT_FILE}", sealed)
            for name in earlier:
                self._delete_folder(f"{FOLDER}/{name}")

    def training(self, key: str) -> dict[str, Any] | None:
        """Returns the record of training ``key``; None if it is missing or damaged."""
        with storage_errors(self._store, "read a training of"):
            try:
                return unseal(self._store.read(f"{TRAININGS}/{key}.json"))
            except (*_MISSING, DamagedError):
                return None  # it can be trained again

    def weights(self, key: str) -> bytes | None:
        """Returns the weights of training ``key``; None if they are missing or damaged."""
        kept = self.training(key)
        if kept is None or not kept.get("weights"):
            return None
        with storage_errors(self._store, "read the weights of"):
            try:
                content = self._store.read(f"{TRAININGS}/{key}.safetensors")
            except _MISSING:
                return None
        return content if _digest(content) == kept["weights"] else None

    def keep_training(self, key: str, values: Mapping[str, Any], weights: bytes | None = None) -> None:
        """Stores a finished training and replaces a damaged one of the same key."""
        digest = "" if weights is None else _digest(weights)
        with storage_errors(self._store, "write a training of"):
            # `create` never replaces a file, so a damaged one has to go first.
            self._delete_training(key)
            if weights is not None:
                self._store.create(f"{TRAININGS}/{key}.safetensors", weights)
            # The weights come first, since a record without its weights would look complete.
            self._store.create(f"{TRAININGS}/{key}.json", seal({**values, "weights": digest}))

    def discard_trainings(self, keep: frozenset[str]) -> None:
        """Removes the trainings whose keys are not in ``keep``."""
        with storage_errors(self._store, "tidy up the trainings of"):
            for name in self._store.list(TRAININGS):
                if name.partition(".")[0] not in keep:
                    self._store.delete(f"{TRAININGS}/{name}")

    def damage(self) -> Iterator[str]:
        """Yields one line for each file that is damaged, even if it can be made again."""
        for name in self._folders():
            if self._read(f"{FOLDER}/{name}") is None:
                yield f"{FOLDER}/{name} is not whole; `evo-nas resume` makes the champion again"
        for name in self._store.list(TRAININGS):
            key, _, kind = name.partition(".")
            kept = self.training(key)
            if kept is None or (kind != "json" and self.weights(key) is None):
                yield f"{TRAININGS}/{name} is damaged; `evo-nas resume` trains it again where it is needed"

    def _folders(self) -> list[str]:
        return [name for name in self._store.list(FOLDER) if name[:6].isdigit()]

    def _newest(self) -> tuple[str, dict[str, Any]] | None:
        with storage_errors(self._store, "read the champion of"):
            # A `publish` that was interrupted leaves a folder without a verdict; the one before it counts then.
            for name in reversed(self._folders()):
                verdict = self._read(f"{FOLDER}/{name}")
                if verdict is not None:
                    return f"{FOLDER}/{name}", verdict
        return None

    def _read(self, folder: str) -> dict[str, Any] | None:
        """Returns the verdict in ``folder``; None unless all files match the digests that it lists."""
        try:
            values = unseal(self._store.read(f"{folder}/{VERDICT_FILE}"))
            listed = dict(values["files"])
            verdict = dict(values["verdict"])
            found = {name: self._store.read(f"{folder}/{name}") for name in listed}
        except (*_MISSING, DamagedError, KeyError, TypeError, ValueError):
            return None
        return verdict if _digests(found) == listed else None

    def _delete_training(self, key: str) -> None:
        for kind in ("json", "safetensors"):
            self._store.delete(f"{TRAININGS}/{key}.{kind}")

    def _delete_folder(self, folder: str) -> None:
        for name in self._store.list(folder):
            self._store.delete(f"{folder}/{name}")


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _digest(content) for name, content in files.items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
