"""The weights that a run keeps so that later trainings can begin with them, and their removal.

::

    <run>/weights/<sha256>.safetensors    what a pruned training left, or the weights of a parent

They are a convenience, not a part of the record: what is missing or damaged is trained again.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from evo_nas.ledger.sealed import DamagedError, read_bytes
from evo_nas.ledger.store import WEIGHTS as FOLDER
from evo_nas.ledger.stores import open_store
from evo_nas.weights import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Self

    from evo_nas.evaluation import Evaluation
    from evo_nas.ledger.store import Store

_NAMED = re.compile(r"([0-9a-f]{64})\.safetensors")
_log = logging.getLogger(__name__)


class RunWeights:
    """A `WeightStore` in the place of a run, reached directly; it can be pickled for processes that reach the place.

    Args:
        store: The place of the run.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def at(cls, location: str) -> Self:
        """Returns the weights of the run at ``location``, a directory or a URI."""
        return cls(open_store(location))

    def __reduce__(self) -> tuple[Callable[[str], RunWeights], tuple[str]]:
        # A store holds a lock or a connection; another process opens its own.
        return RunWeights.at, (self._store.location,)

    def put(self, content: bytes) -> str:
        """Keeps ``content`` durably and returns its digest; raises `OSError` if that is impossible."""
        digest = digest_of(content)
        name = _name(digest)
        if not self._store.create(name, content) and self.get(digest) is None:
            # Made again after it was damaged: a file is never replaced, so the damaged one goes first.
            self._store.delete(name)
            self._store.create(name, content)
        return digest

    def get(self, digest: str) -> bytes | None:
        """Returns what was kept under ``digest``; None if it is missing or damaged."""
        if not _NAMED.fullmatch(f"{digest}.safetensors"):
            return None
        try:
            content = read_bytes(self._store, _name(digest))
        except DamagedError:
            return None
        return content if digest_of(content) == digest else None

    def delete(self, digest: str) -> None:
        """Removes what was kept under ``digest``, if it is there."""
        self._store.delete(_name(digest))

    def digests(self) -> list[str]:
        """Returns the digests of all that is kept."""
        found = (_NAMED.fullmatch(name) for name in self._store.list(FOLDER))
        return [match.group(1) for match in found if match is not None]

    def damage(self) -> Iterator[str]:
        """Yields one line for each file that is damaged or does not belong here."""
        for name in self._store.list(FOLDER):
            match = _NAMED.fullmatch(name)
            if match is None:
                yield f"{FOLDER}/{name} is no file of this run; remove it"
            elif self.get(match.group(1)) is None:
                yield (
                    f"{FOLDER}/{name} is damaged; remove it: a training that would begin with it begins from scratch, "
                    "which gives the same for one that was pruned, and takes longer"
                )


class WeightKeeper:
    """Removes weights that nothing needs any more; called in the loop after each telling.

    A result is durable before it is told, so what it makes superfluous is removed only when the log says so, too. What
    a worker has kept and not reported yet is never touched, since nothing here has heard of it.

    Args:
        weights: The weights of the run.
        wanted: Returns the digests that a candidate in flight begins with, or that a later one may.
    """

    def __init__(self, weights: RunWeights, wanted: Callable[[], Collection[str]]) -> None:
        self._weights = weights
        self._wanted = wanted
        self._kept: set[str] = set()

    def look(self) -> None:
        """Takes in what is kept already; called once, before anything is trained.

        The next call then removes what nothing wants, such as what workers kept whose results were never committed.
        """
        try:
            self._kept.update(self._weights.digests())
        except OSError as error:
            _log.warning("weights that nothing needs cannot be found: %s", error)

    def __call__(self, evaluations: Sequence[Evaluation] = ()) -> None:
        """Takes in evaluations that were just told, and removes what nothing wants any more."""
        self._kept.update(each.outcome.weights for each in evaluations if each.outcome.weights)
        if self._kept:
            self._tidy()

    def _tidy(self) -> None:
        for digest in sorted(self._kept.difference(self._wanted())):
            try:
                self._weights.delete(digest)
            except OSError as error:  # the next turn tries again
                _log.warning("weights %s stay: %s", digest, error)
            else:
                self._kept.discard(digest)


def _name(digest: str) -> str:
    return f"{FOLDER}/{digest}.safetensors"
