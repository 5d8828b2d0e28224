from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from evo_nas.training.once import Once


def test_each_key_is_computed_by_one_thread_alone() -> None:
    once: Once[str] = Once()
    calls: list[str] = []
    together = threading.Barrier(4)

    def needed(key: str) -> str:
        together.wait()
        return once.get(key, lambda: calls.append(key) or key.upper())

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(needed, "abab")) == ["A", "B", "A", "B"]
    assert sorted(calls) == ["a", "b"]


def test_failure_is_not_kept() -> None:
    once: Once[int] = Once()
    with pytest.raises(ZeroDivisionError):
        once.get("key", lambda: 1 // 0)
    assert once.get("key", lambda: 1) == 1
