"""`ChampionStore`: keeps the champion of a run and the trainings that its verdict is based on.

::

    champion/trainings/<key>.json, .safetensors    one finished training each
    champion/000001-<random>/...                   one champion each; the newest complete one counts

Files are created and never changed, so that directories and buckets work in the same way. The verdict is written last
and lists the SHA-256 of the other files, so that a partly written champion is never read.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evo_nas.ledger import DamagedError, seal, storage_errors, unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evo_nas.ledger import Store

FOLDER = "champion"
TRAININGS = f"{FOLDER}/trainings"
VERDICT_FILE = "verdict.json"
_NUMBERED = re.compile(r"\d{6,}-[0-9a-f]{8}")
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class ChampionStore:
    """Reads and writes the champion of one run.

    Args:
        store: The place of the run.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def verdict(self) -> dict[str, Any] | None:
        """Returns what was published with the newest champion that is whole; None if there is no such champion."""
        champion = self._newest()
        return None if champion is None else champion[0]

    def files(self) -> dict[str, bytes]:
        """Returns the files of the newest complete champion by name; empty if there is none."""
        champion = self._newest()
        return {} if champion is None else champion[1]

    def publish(
        self,
        files: Mapping[str, bytes],
        verdict: Mapping[str, Any],
        *,
        check_owned: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes ``files`` with ``verdict`` the champion, then removes earlier ones.

        Only the process that owns the run may publish: what an interrupted one left half done is removed.
        """
        with storage_errors(self._store, "write the champion of"):
            earlier = self._folders()
            number = 1 + max((int(name.partition("-")[0]) for name in earlier), default=0)  # never used again
            folder = f"{FOLDER}/{number:06d}-{uuid4().hex[:8]}"
            for name, content in files.items():
                self._store.create(f"{folder}/{name}", content)
            check_owned()  # as late as can be: another owner may have published meanwhile
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
        """Yields what is wrong with the files, a line for each; what can be made again is named, too."""
        for name in self._store.list(FOLDER):
            if f"{FOLDER}/{name}" != TRAININGS and not _NUMBERED.fullmatch(name):
                yield f"{FOLDER}/{name} is no file of this run; remove it"
        for name in self._folders():
            yield from self._damage_of(f"{FOLDER}/{name}")
        for name in self._store.list(TRAININGS):
            key, _, kind = name.partition(".")
            kept = self.training(key)
            # Weights without a record are what an interrupted process left: the record comes last.
            lost = kept is not None and kind != "json" and self.weights(key) is None
            is_there = name in self._store.list(TRAININGS)  # its owner may just have discarded it
            if is_there and (lost or (kept is None and kind == "json")):
                yield f"{TRAININGS}/{name} is damaged; `evo-nas resume` trains it again where it is needed"

    def _damage_of(self, folder: str) -> Iterator[str]:
        present = self._store.list(folder)
        # Without a verdict it is what an interrupted process left; the next one that publishes removes it.
        if VERDICT_FILE not in present:
            return
        champion = self._read(folder)
        if champion is None and VERDICT_FILE not in self._store.list(folder):
            return  # its owner has put another one in its place just now
        if champion is None:
            yield f"{folder} is not whole; `evo-nas resume` makes the champion again"
            return
        for foreign in sorted(set(present) - champion[1].keys()):
            yield f"{folder}/{foreign} is no file of this champion; remove it"

    def _folders(self) -> list[str]:
        # A directory keeps the empty folder of an earlier champion; a bucket knows no folders.
        named = [name for name in self._store.list(FOLDER) if _NUMBERED.fullmatch(name)]
        return [name for name in named if self._store.list(f"{FOLDER}/{name}")]

    def _newest(self) -> tuple[dict[str, Any], dict[str, bytes]] | None:
        with storage_errors(self._store, "read the champion of"):
            for _ in range(2):  # a second look, since the owner of the run may replace what was listed first
                for name in reversed(self._folders()):
                    champion = self._read(f"{FOLDER}/{name}")
                    if champion is not None:
                        return champion
        return None

    def _read(self, folder: str) -> tuple[dict[str, Any], dict[str, bytes]] | None:
        """Returns verdict and files of the champion in ``folder``; None unless every file is what the verdict lists."""
        try:
            sealed = self._store.read(f"{folder}/{VERDICT_FILE}")
            values = unseal(sealed)
            listed, verdict = dict(values["files"]), dict(values["verdict"])
            found = {name: self._store.read(f"{folder}/{name}") for name in listed}
        except (*_MISSING, DamagedError, KeyError, TypeError, ValueError):
            return None
        return (verdict, {**found, VERDICT_FILE: sealed}) if _digests(found) == listed else None

    def _delete_training(self, key: str) -> None:
        for kind in ("json", "safetensors"):
            self._store.delete(f"{TRAININGS}/{key}.{kind}")

    def _delete_folder(self, folder: str) -> None:
        # The verdict goes first: a folder that has one is taken for a whole champion.
        for name in sorted(self._store.list(folder), key=lambda name: name != VERDICT_FILE):
            self._store.delete(f"{folder}/{name}")


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _digest(content) for name, content in files.items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
