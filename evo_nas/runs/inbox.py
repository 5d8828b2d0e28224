"""`StoredInbox`: the suggestions that other programs have handed in, each an immutable file of the run.

::

    <run>/inbox/space.json       the shapes of the task, from which a program's genomes can be checked without the data
    <run>/inbox/00000012.json    suggestion 12, with a checksum

A name is taken by whoever creates the file first, in a directory and in a bucket alike, so that several programs can
write at once; a file that exists is complete and durable. Nothing is ever removed: what was trained is told from the
ledger.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evo_nas.errors import GenomeError, RunError
from evo_nas.genome.codec import signature_from_json
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import DamagedError, seal, storage_errors, unseal
from evo_nas.ledger.sealed import read_bytes
from evo_nas.strategies.suggestions import NAME, Suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evo_nas.genome.gene import Genome
    from evo_nas.genome.options import SpaceOptions
    from evo_nas.ledger import Store

FOLDER = "inbox"
SPACE = "space.json"
MOST = 100_000
"""Suggestions that a run takes in; a bound on its files, which a program in an endless loop would otherwise exceed."""
LOOK_S = 0.5
"""Seconds between two looks at the folder."""
LOOK_AT_BUCKET_S = 5.0
"""The same for a bucket, where a look takes long and costs money."""
_ATTEMPTS = 1000
_log = logging.getLogger(__name__)


class StoredInbox:
    """The inbox of a run.

    Args:
        store: The place of the run.
        clock: Seconds of any clock that only goes forward.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        # Where there is no lock, the place is a bucket.
        self._every_s = LOOK_S if store.has_lock else LOOK_AT_BUCKET_S
        self._looked_at: float | None = None
        self._known: dict[int, Suggestion] = {}
        self._damaged: set[str] = set()

    def suggestions(self) -> Sequence[Suggestion]:
        """Returns all suggestions that have arrived so far, by number; looks at the folder now and then.

        A search goes on without what cannot be read now.
        """
        now = self._clock()
        if self._looked_at is None or now >= self._looked_at + self._every_s:
            try:
                self._look()
            except OSError as error:
                _log.warning("the inbox of %s cannot be read now: %s", self._store.location, error)
            self._looked_at = self._clock()
        return [self._known[number] for number in sorted(self._known)]

    def all(self) -> Sequence[Suggestion]:
        """Returns all suggestions as of now, by number.

        Raises:
            RunError: They cannot be read.
        """
        with storage_errors(self._store, "read the inbox of"):
            self._look()
        return [self._known[number] for number in sorted(self._known)]

    def add(self, genome: Genome, *, name: str, note: str = "") -> Suggestion:
        """Adds a suggestion durably and returns it with its number.

        Raises:
            RunError: It cannot be written, or the inbox is full.
        """
        with storage_errors(self._store, "write to the inbox of"):
            number = max(map(_number_of, self._files()), default=0) + 1
            for attempt in range(_ATTEMPTS):
                if number > MOST:
                    raise RunError(
                        f"the inbox of {self._store.location} is full: it takes {MOST:,} suggestions"
                    )
                # The mark makes files differ: a bucket takes an equal one for a repeated attempt to write this.
                content = seal(
                    {
                        "number": number,
                        "name": name,
                        "note": note,
                        "genome": list(genome),
                        "mark": uuid4().hex,
                    }
                )
                try:
                    if self._store.create(_path(number), content):
                        return Suggestion(number, name, genome)
                except FileNotFoundError:
                    # A search that starts removes temporary files.
                    if attempt + 1 == _ATTEMPTS:
                        raise
                    continue
                number += 1
        raise RunError(f"{_ATTEMPTS} programs wrote to the inbox of {self._store.location} first; try again")

    def keep_space(self, space: SearchSpace, *, batch_steps: int | None) -> None:
        """Writes down what a program needs to know of the data, unless that was done already."""
        content = {
            "signature": asdict(space.signature),
            "epochs": space.epochs,
            "batch_steps": batch_steps,
        }
        with storage_errors(self._store, "write to the inbox of"):
            self._store.create(f"{FOLDER}/{SPACE}", seal(content))

    def space(self, options: SpaceOptions) -> SearchSpace:
        """Returns the search space of the run, without its data.

        Raises:
            RunError: The search has not begun, or its description is damaged.
        """
        place = f"{FOLDER}/{SPACE}"
        with storage_errors(self._store, "read the inbox of"):
            try:
                values = unseal(read_bytes(self._store, place))
                signature = signature_from_json(json.dumps(values["signature"]))
                epochs, batch_steps = values["epochs"], values["batch_steps"]
            except (DamagedError, KeyError, GenomeError) as error:
                raise RunError(
                    f"{self._store.location}/{place} cannot be used: {error}; it is written when a search with "
                    "strategy.kind external begins, and again by `evo-nas resume` once it was removed"
                ) from None
        return SearchSpace(options, signature, epochs, batch_steps=batch_steps)

    def damage(self) -> Iterator[str]:
        """Yields one line for each file that is damaged."""
        for name in self._store.list(FOLDER):
            try:
                content = unseal(read_bytes(self._store, f"{FOLDER}/{name}"))
                if name != SPACE:
                    _suggestion(name, content)
            except DamagedError as error:
                yield f"{FOLDER}/{name} is damaged: {error}"

    def _look(self) -> None:
        for name in self._files():
            if _number_of(name) in self._known or name in self._damaged:
                continue
            try:
                suggestion = _suggestion(name, unseal(read_bytes(self._store, f"{FOLDER}/{name}")))
            except DamagedError as error:
                self._damaged.add(name)
                _log.warning("%s/%s is left out: %s", FOLDER, name, error)
                continue
            self._known[suggestion.number] = suggestion

    def _files(self) -> list[str]:
        return [name for name in self._store.list(FOLDER) if _number_of(name)]


def _path(number: int) -> str:
    return f"{FOLDER}/{number:08d}.json"


def _number_of(name: str) -> int:
    """Returns the number of the suggestion in the file ``name``; 0 for other files."""
    stem = name.removesuffix(".json")
    is_ours = len(stem) == 8 and stem.isascii() and stem.isdigit() and name.endswith(".json")
    return int(stem) if is_ours else 0


def _suggestion(name: str, content: dict[str, Any]) -> Suggestion:
    """Returns the suggestion in a file.

    Raises:
        DamagedError: It is not what `StoredInbox.add` wrote.
    """
    number, who, genome = content.get("number"), content.get("name"), content.get("genome")
    if number != _number_of(name) or not isinstance(who, str) or not NAME.fullmatch(who):
        raise DamagedError("it is not the file of a suggestion")
    if not isinstance(genome, list) or not all(type(value) is int for value in genome):
        raise DamagedError("its genome is no list of integers")
    return Suggestion(number, who, tuple(genome))
