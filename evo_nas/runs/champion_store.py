"""`ChampionStore`: keeps the champion of a run, its opponents, and the trainings that the verdict is based on.

::

    champion/trainings/<key>.json, .safetensors    one finished training or assessment each
    champion/000001-<random>/...                   the files of one champion; the newest complete one counts
    champion/000001-<random>/<which>/...           those of another model that was judged beside it, such as ``lstm``
    champion/looks/<key>.json                      one look at the test part each; none is ever removed

Files are created and never changed, so that directories and buckets work in the same way. The verdict is written last
and lists the SHA-256 of the other files, so that a partly written champion is never read. A model that is added later
lists its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evo_nas.ledger import DamagedError, seal, storage_errors, unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evo_nas.ledger import Store

FOLDER = "champion"
TRAININGS = f"{FOLDER}/trainings"
LOOKS = f"{FOLDER}/looks"
VERDICT_FILE = "verdict.json"
FILES_FILE = "files.json"
CHAMPION = "champion"
"""Name of the model whose files lie at the top of the folder; the others have a folder each."""
SINGLE = "single"
"""Name of the champion's best network alone, for where size matters."""
_NUMBERED = re.compile(r"\d{6,}-[0-9a-f]{8}")
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A champion as its folder keeps it.

    Attributes:
        folder: Its folder.
        sealed: Content of its verdict.
        listed: SHA-256 of each file of all models that were judged, by the name within the folder.
        verdict: What was published with it.
        files: Its own files, once they are read.
    """

    folder: str
    sealed: bytes
    listed: dict[str, str]
    verdict: dict[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def of(self, which: str) -> dict[str, str]:
        """Returns what is listed of one model, by the name within its own folder."""
        if which == CHAMPION:
            return {name: digest for name, digest in self.listed.items() if "/" not in name}
        inside = f"{which}/"
        return {
            name.removeprefix(inside): digest
            for name, digest in self.listed.items()
            if name.startswith(inside)
        }


class ChampionStore:
    """Reads and writes the champion of one run.

    Args:
        store: The place of the run.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def verdict(self) -> dict[str, Any] | None:
        """Returns what was published with the newest champion that is whole; None if there is no such champion."""
        kept = self._newest()
        return None if kept is None else kept.verdict

    def models(self) -> tuple[str, ...]:
        """Returns the names of the models that the newest whole champion is kept with, its own first."""
        kept = self._newest()
        if kept is None:
            return ()
        judged = dict.fromkeys((CHAMPION, *(name.partition("/")[0] for name in kept.listed if "/" in name)))
        return (*judged, *(name for name in self._added(kept.folder) if name not in judged))

    def files(self, which: str = CHAMPION) -> dict[str, bytes]:
        """Returns the files of a model that is kept with the newest whole champion, by name; empty without it.

        Args:
            which: One of `models`.
        """
        kept = self._newest()
        if kept is None:
            return {}
        if which == CHAMPION:
            return {**kept.files, VERDICT_FILE: kept.sealed}
        with storage_errors(self._store, "read a model of"):
            if not any(name.startswith(f"{which}/") for name in kept.listed):
                return self._read_added(kept.folder, which) or {}
            return self._read(f"{kept.folder}/{which}", kept.of(which)) or {}

    def publish(
        self,
        models: Mapping[str, Mapping[str, bytes]],
        verdict: Mapping[str, Any],
        *,
        check_owned: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes ``models`` with ``verdict`` the champion and what it was compared with, then removes earlier ones.

        Only the process that owns the run may publish: what an interrupted one left half done is removed.

        Args:
            models: The files of each model by its name, those of `CHAMPION` among them.
            verdict: What is told of them.
            check_owned: Raises an error if another process has taken the run over.
        """
        # Those of the champion come first: a folder without files at its top is taken for an empty one.
        named = {**models[CHAMPION], **_inside(models)}
        with storage_errors(self._store, "write the champion of"):
            earlier = self._folders()
            number = 1 + max((int(name.partition("-")[0]) for name in earlier), default=0)  # never used again
            folder = f"{FOLDER}/{number:06d}-{uuid4().hex[:8]}"
            for name, content in named.items():
                self._store.create(f"{folder}/{name}", content)
            check_owned()  # as late as can be: another owner may have published meanwhile
            # The verdict comes last: until it exists, the earlier champion counts.
            sealed = seal({"files": _digests(named), "verdict": dict(verdict)})
            self._store.create(f"{folder}/{VERDICT_FILE}", sealed)
            for name in earlier:
                self._delete_folder(f"{FOLDER}/{name}")

    def add(self, which: str, files: Mapping[str, bytes]) -> None:
        """Keeps another model beside the newest whole champion, until another champion is published.

        Args:
            which: Its name, which no other model there has.
            files: Its files by name.
        """
        kept = self._newest()
        if kept is None:
            return
        with storage_errors(self._store, "write a model of"):
            place = f"{kept.folder}/{which}"
            for name in self._store.list(place):  # what an interrupted process left
                self._store.delete(f"{place}/{name}")
            for name, content in files.items():
                self._store.create(f"{place}/{name}", content)
            self._store.create(f"{place}/{FILES_FILE}", seal({"files": _digests(files)}))

    def look(self, key: str, facts: Mapping[str, Any]) -> int:
        """Records a look at the test part before it is taken, and returns its number in this run, from 1.

        Args:
            key: What is looked at; the same contest that goes on after an interruption is one look.
            facts: What is kept of it.
        """
        with storage_errors(self._store, "write a look at the test part of"):
            earlier = self._store.list(LOOKS)
            name = f"{key}.json"
            if name in earlier:
                try:
                    return int(unseal(self._store.read(f"{LOOKS}/{name}"))["number"])
                except (*_MISSING, DamagedError, KeyError, TypeError, ValueError):
                    return len(earlier)  # it was one of them
            number = len(earlier) + 1
            self._store.create(f"{LOOKS}/{name}", seal({**facts, "number": number}))
            return number

    def looks(self) -> int:
        """Returns how often the test part of this run was looked at."""
        with storage_errors(self._store, "read the looks at the test part of"):
            return len(self._store.list(LOOKS))

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
        """Removes the trainings that have weights and whose keys are not in ``keep``.

        Scores alone stay: they are small, and judgements of finalists and of ensembles are made of them.
        """
        with storage_errors(self._store, "tidy up the trainings of"):
            for name in self._store.list(TRAININGS):
                key, _, kind = name.partition(".")
                if kind == "safetensors" and key not in keep:
                    self._delete_training(key)

    def damage(self) -> Iterator[str]:
        """Yields what is wrong with the files, a line for each; what can be made again is named, too."""
        for name in self._store.list(FOLDER):
            if f"{FOLDER}/{name}" not in (TRAININGS, LOOKS) and not _NUMBERED.fullmatch(name):
                yield f"{FOLDER}/{name} is no file of this run; remove it"
        for name in self._folders():
            yield from self._damage_of(f"{FOLDER}/{name}")
        yield from self._damaged_looks()
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
        kept = self._sealed(folder)
        if kept is None and VERDICT_FILE not in self._store.list(folder):
            return  # its owner has put another one in its place just now
        if kept is None or self._read(folder, kept.listed) is None:
            yield f"{folder} is not whole; `evo-nas resume` makes the champion again"
            return
        judged = {name.partition("/")[0] for name in kept.listed if "/" in name}
        for name in sorted(set(present) - {*kept.of(CHAMPION), VERDICT_FILE} - judged):
            if "." in name:
                yield f"{folder}/{name} is no file of this champion; remove it"
            # A folder that is empty is one of an earlier champion: a directory keeps it.
            elif self._store.list(f"{folder}/{name}") and self._read_added(folder, name) is None:
                yield f"{folder}/{name} is not whole; make it again, or remove it"
        for which in sorted(judged):
            for name in sorted(set(self._store.list(f"{folder}/{which}")) - kept.of(which).keys()):
                yield f"{folder}/{which}/{name} is no file of this champion; remove it"

    def _damaged_looks(self) -> Iterator[str]:
        for name in self._store.list(LOOKS):
            try:
                unseal(self._store.read(f"{LOOKS}/{name}"))
            except (*_MISSING, DamagedError):
                yield f"{LOOKS}/{name} is damaged; it still counts as a look at the test part"

    def _folders(self) -> list[str]:
        # A directory keeps the empty folders of an earlier champion; a bucket knows no folders.
        named = [name for name in self._store.list(FOLDER) if _NUMBERED.fullmatch(name)]
        return [name for name in named if any("." in each for each in self._store.list(f"{FOLDER}/{name}"))]

    def _newest(self) -> _Kept | None:
        """Returns the newest champion whose own files are whole."""
        with storage_errors(self._store, "read the champion of"):
            for _ in range(2):  # a second look, since the owner of the run may replace what was listed first
                for name in reversed(self._folders()):
                    kept = self._sealed(f"{FOLDER}/{name}")
                    files = None if kept is None else self._read(kept.folder, kept.of(CHAMPION))
                    if kept is not None and files is not None:
                        return replace(kept, files=files)
        return None

    def _sealed(self, folder: str) -> _Kept | None:
        """Returns what the verdict in ``folder`` says; None if it is missing or damaged."""
        try:
            sealed = self._store.read(f"{folder}/{VERDICT_FILE}")
            values = unseal(sealed)
            return _Kept(folder, sealed, dict(values["files"]), dict(values["verdict"]))
        except (*_MISSING, DamagedError, KeyError, TypeError, ValueError):
            return None

    def _read(self, folder: str, listed: Mapping[str, str]) -> dict[str, bytes] | None:
        """Returns the files that are listed with their SHA-256; None unless every one is what is listed."""
        try:
            found = {name: self._store.read(f"{folder}/{name}") for name in listed}
        except _MISSING:
            return None
        return found if _digests(found) == listed else None

    def _added(self, folder: str) -> list[str]:
        """Returns the names of the models that were added to a champion and are whole."""
        names = [name for name in self._store.list(folder) if "." not in name]
        return [name for name in names if self._read_added(folder, name) is not None]

    def _read_added(self, folder: str, which: str) -> dict[str, bytes] | None:
        try:
            listed = dict(unseal(self._store.read(f"{folder}/{which}/{FILES_FILE}"))["files"])
        except (*_MISSING, DamagedError, KeyError, TypeError, ValueError):
            return None
        return self._read(f"{folder}/{which}", listed)

    def _delete_training(self, key: str) -> None:
        for kind in ("json", "safetensors"):
            self._store.delete(f"{TRAININGS}/{key}.{kind}")

    def _delete_folder(self, folder: str) -> None:
        # The verdict goes first, since a folder that has one is taken for a whole champion, and the files at the top
        # last, since a folder without any is taken for an empty one.
        for name in sorted(self._store.list(folder), key=lambda name: (name != VERDICT_FILE, "." in name)):
            if "." not in name:
                self._delete_folder(f"{folder}/{name}")
            else:
                self._store.delete(f"{folder}/{name}")


def _inside(models: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    return {
        f"{which}/{name}": content
        for which, files in models.items()
        if which != CHAMPION
        for name, content in files.items()
    }


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _digest(content) for name, content in files.items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
