"""`WeightStore` and `ComponentBank`: where trainings leave weights that later trainings start from."""

from __future__ import annotations

import hashlib
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


class MemoryWeights:
    """Keeps weights in this process, for tests and for searches that keep nothing."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        """Keeps ``content`` and returns its digest."""
        digest = digest_of(content)
        self._contents[digest] = content
        return digest

    def get(self, digest: str) -> bytes | None:
        """Returns what was kept under ``digest``."""
        return self._contents.get(digest)


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
