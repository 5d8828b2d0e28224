"""`Once`: values that are computed once for a data set, by whichever of several threads needs one first."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Value = TypeVar("Value")


class Once(Generic[Value]):
    """Values by their keys; a thread that needs one waits while another computes it."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Value] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Returns the value of ``key``, computed if it is not known yet; an error of ``compute`` is not kept."""
        with self._lock:
            if key not in self._values:
                self._values[key] = compute()
            return self._values[key]
