"""`StoredBank`: the components that all trainings of a run share, in memory and, from time to time, on disk.

::

    <run>/bank/00000012-<sha256>.safetensors    all components at one time; earlier ones are removed

A bank is a convenience as kept weights are: after a crash it is as old as its last file, or empty.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from evo_nas.ledger.sealed import DamagedError, read_bytes
from evo_nas.ledger.stores import open_store
from evo_nas.weights import MemoryBank, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from evo_nas.ledger.store import Store

FOLDER = "bank"
SNAPSHOT_S = 30.0
"""Seconds between two files while trainings give something: what a crash may cost of a bank."""
_COMPONENT, _STEPS = "component ", "steps "
_NAMED = re.compile(r"(\d{8,})-([0-9a-f]{64})\.safetensors")
_log = logging.getLogger(__name__)


class StoredBank(MemoryBank):
    """A bank that begins with what an earlier process of the run wrote, and writes itself down while it is used.

    It can be pickled for the process that is to own it, which reads the file again.

    Args:
        store: The place of the run.
        clock: Seconds of any clock that only goes forward.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._store = store
        self._clock = clock
        self._writing = threading.Lock()
        self._number = 0
        self._is_changed = False
        self._written_at = clock()
        self._read_newest()

    @classmethod
    def at(cls, location: str) -> StoredBank:
        """Returns the bank of the run at ``location``, a directory or a URI."""
        return cls(open_store(location))

    def __reduce__(self) -> tuple[Callable[[str], StoredBank], tuple[str]]:
        return StoredBank.at, (self._store.location,)

    def give(self, values: Mapping[str, npt.NDArray[np.float32]], *, steps: int) -> None:
        """Replaces components, and writes all of them down if the last file is old."""
        super().give(values, steps=steps)
        self._is_changed = True
        if self._clock() >= self._written_at + SNAPSHOT_S:
            self.save()

    def save(self) -> None:
        """Writes all components down, unless nothing has changed or another thread is about it."""
        if not self._is_changed or not self._writing.acquire(blocking=False):
            return
        try:
            self._is_changed = False
            self._write()
        except OSError as error:
            _log.warning("the bank cannot be written, and a crash would cost it: %s", error)
        finally:
            self._written_at = self._clock()
            self._writing.release()

    def close(self) -> None:
        """Writes down what is not yet."""
        self.save()

    def _write(self) -> None:
        components = self.all()
        content = save(
            {
                name: array
                for key, component in components.items()
                for name, array in (
                    (_COMPONENT + key, component.values),
                    (_STEPS + key, np.array(component.steps, dtype=np.int64)),
                )
            }
        )
        before = self._files()
        self._number += 1
        self._store.create(f"{FOLDER}/{self._number:08d}-{digest_of(content)}.safetensors", content)
        for _, name in before:
            self._store.delete(f"{FOLDER}/{name}")

    def _read_newest(self) -> None:
        try:
            for number, name in reversed(self._files()):
                self._number = max(self._number, number)
                if _is_whole(self._store, name) and self._take_in(self._store.read(f"{FOLDER}/{name}")):
                    return
                _log.warning("%s/%s is damaged; the bank begins with an earlier file, or empty", FOLDER, name)
        except OSError as error:
            _log.warning("the bank cannot be read, and begins empty: %s", error)

    def _take_in(self, content: bytes) -> bool:
        try:
            arrays = load(content)
            for name, values in arrays.items():
                if name.startswith(_COMPONENT):
                    key = name.removeprefix(_COMPONENT)
                    super().give({key: values}, steps=int(arrays[_STEPS + key]))
        except (SafetensorError, ValueError, KeyError, TypeError):
            return False
        return True

    def _files(self) -> list[tuple[int, str]]:
        """Returns number and name of each file, the newest last."""
        names = self._store.list(FOLDER)
        return sorted((int(match[1]), name) for name in names if (match := _NAMED.fullmatch(name)))


def bank_damage(store: Store) -> Iterator[str]:
    """Yields one line for each file of a bank that is damaged."""
    for name in store.list(FOLDER):
        if not _NAMED.fullmatch(name):
            yield f"{FOLDER}/{name} is no file of this run; remove it"
        elif not _is_whole(store, name):
            yield f"{FOLDER}/{name} is damaged; remove it: the search goes on with an earlier bank, or an empty one"


def _is_whole(store: Store, name: str) -> bool:
    match = _NAMED.fullmatch(name)
    assert match is not None, "only files of a bank are asked for"
    try:
        return digest_of(read_bytes(store, f"{FOLDER}/{name}")) == match[2]
    except DamagedError:
        return False
