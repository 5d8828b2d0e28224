"""`SharedWork`: results that are costly to make, each made once though many ask for it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from anyio import CapacityLimiter, to_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Result = TypeVar("Result")


class SharedWork(Generic[Result]):
    """Makes results in threads, keeps the latest, and lets those who ask for the same wait for one making.

    Args:
        most: Results that are kept; with 0 those alone share one who ask while it is made.
        limiter: Bounds how many are made at a time, here and wherever else it is used.
    """

    def __init__(self, most: int, limiter: CapacityLimiter) -> None:
        self._most = most
        self._limiter = limiter
        self._tasks: OrderedDict[Hashable, asyncio.Task[Result]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """Returns the result for ``key``, which ``make`` makes in a thread if it is not there.

        An error of ``make`` is raised to all who wait, and not kept.
        """
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(to_thread.run_sync(make, limiter=self._limiter))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._settle(key, done))
        self._tasks.move_to_end(key)
        # One who goes away must not end what others wait for.
        return await asyncio.shield(task)

    def _settle(self, key: Hashable, task: asyncio.Task[Result]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._tasks.pop(key, None)
        for old in [each for each, made in self._tasks.items() if made.done()]:
            if len(self._tasks) <= self._most:
                break
            del self._tasks[old]
