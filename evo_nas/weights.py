"""`WeightStore` and `ComponentBank`: where trainings leave weights that later trainings start from."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt


BANK = "bank"
"""What a candidate names in place of a digest if its training takes its weights from the bank of the run."""


class WeightStore(Protocol):
    """Keeps weights under the SHA-256 of their bytes; workers use it, so it can be pickled.

    What `put` returned is durable: an evaluation that names a digest may be committed.
    """

    def put(self, content: bytes) -> str:
        """Keeps ``content`` and returns its digest in hex."""

    def get(self, digest: str) -> bytes | None:
        """Returns what was kept under ``digest``; None if it is missing or damaged."""


def digest_of(content: bytes) -> str:
    """Returns the digest under which ``content`` is kept."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Component:
    """A tensor of a bank, and the optimizer steps behind it."""

    values: npt.NDArray[np.float32]
    steps: int


class ComponentBank(Protocol):
    """Tensors that all trainings of a run share, by role and shape; workers use it, so it can be pickled."""

    def take(self, keys: Sequence[str]) -> Mapping[str, Component]:
        """Returns the components that are there, as of now."""

    def give(self, values: Mapping[str, npt.NDArray[np.float32]], *, steps: int) -> None:
        """Replaces components by those of a training that has ended, with ``steps`` behind them."""

    def close(self) -> None:
        """Ends its use; one that is kept on disk is written."""


LARGEST_BANK = 2**30
"""Most bytes of a bank; beyond that the components go that were not used for longest."""


class MemoryBank:
    """A bank in this process; several threads may use it.

    Args:
        most_bytes: How much it holds.
    """

    def __init__(self, most_bytes: int = LARGEST_BANK) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        # The one that was used last is last.
        self._components: OrderedDict[str, Component] = OrderedDict()

    def take(self, keys: Sequence[str]) -> dict[str, Component]:
        """Returns the components that are there."""
        with self._lock:
            found = {key: self._components[key] for key in keys if key in self._components}
            for key in found:
                self._components.move_to_end(key)
            return found

    def give(self, values: Mapping[str, npt.NDArray[np.float32]], *, steps: int) -> None:
        """Replaces components; of two trainings that give the same one, the later counts."""
        with self._lock:
            for key, array in values.items():
                before = self._components.pop(key, None)
                self._bytes += array.nbytes - (0 if before is None else before.values.nbytes)
                self._components[key] = Component(array, steps)
            while self._bytes > self._most_bytes:
                _, forgotten = self._components.popitem(last=False)
                self._bytes -= forgotten.values.nbytes

    def close(self) -> None:
        """Does nothing: nothing is kept."""

    def all(self) -> dict[str, Component]:
        """Returns all components, the least used first."""
        with self._lock:
            return dict(self._components)
