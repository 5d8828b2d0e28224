"""Weights for workers on other machines: an actor on the head's node owns the store and serves all of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from evo_nas.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from evo_nas.weights import Component, ComponentBank, WeightStore

AT_ONCE = 8
"""Calls that the actor serves at the same time: most of a call is waiting for a disk or a bucket."""
PATIENCE_S = 120.0
"""Seconds that a worker waits for the actor; then it trains without the weights."""


class WeightServer:
    """Serves one store of weights. Large contents travel through Ray's object store."""

    def __init__(self, store: WeightStore) -> None:
        self._store = store

    def put(self, content: bytes) -> str:
        """Keeps ``content`` and returns its digest."""
        return self._store.put(content)

    def get(self, digest: str) -> bytes | None:
        """Returns what was kept under ``digest``; None if it is missing or damaged."""
        return self._store.get(digest)


class RayWeights:
    """A `WeightStore` for workers anywhere in the cluster.

    Ray restarts the actor if it dies alone. It ends with the process that made it; the next one makes another on the
    same store, so that nothing is lost.

    Args:
        store: The store, which this machine reaches; the actor gets a copy.
    """

    def __init__(self, store: WeightStore) -> None:
        self._actor: Any = _actor_on_this_node(WeightServer).remote(store)

    def put(self, content: bytes) -> str:
        """Keeps ``content`` and returns its digest.

        Raises:
            ExecutionError: The actor does not answer, or its store fails.
        """
        return str(_answer(self._actor.put.remote(content)))

    def get(self, digest: str) -> bytes | None:
        """Returns what was kept under ``digest``; None if it is missing or damaged; raises as `put` does."""
        content: bytes | None = _answer(self._actor.get.remote(digest))
        return content

    def close(self) -> None:
        """Ends the actor."""
        ray.kill(self._actor)


class BankServer:
    """Serves one bank of components. It lives in this actor; large components travel through Ray's object store.

    They are copied out of it: what an actor holds there is pinned, and results of trainings need the room.
    """

    def __init__(self, bank: ComponentBank) -> None:
        self._bank = bank

    def take(self, keys: Sequence[str]) -> Mapping[str, Component]:
        """Returns the components that are there."""
        return self._bank.take(keys)

    def give(self, values: Mapping[str, npt.NDArray[np.float32]], steps: int) -> None:
        """Replaces components."""
        self._bank.give({key: array.copy() for key, array in values.items()}, steps=steps)

    def close(self) -> None:
        """Lets the bank write down what it has."""
        self._bank.close()


class RayBank:
    """A `ComponentBank` for workers anywhere in the cluster.

    If its actor dies, Ray makes another one, which begins with what the bank had written down.

    Args:
        bank: The bank; the actor gets a copy, which must begin with what is on disk.
    """

    def __init__(self, bank: ComponentBank) -> None:
        self._actor: Any = _actor_on_this_node(BankServer).remote(bank)

    def take(self, keys: Sequence[str]) -> Mapping[str, Component]:
        """Returns the components that are there.

        Raises:
            ExecutionError: The actor does not answer.
        """
        found: Mapping[str, Component] = _answer(self._actor.take.remote(list(keys)))
        return found

    def give(self, values: Mapping[str, npt.NDArray[np.float32]], *, steps: int) -> None:
        """Replaces components, without waiting until that is done."""
        self._actor.give.remote(dict(values), steps)

    def close(self) -> None:
        """Lets the bank write itself down, and ends the actor."""
        if not ray.is_initialized():
            return
        with suppress(ExecutionError):  # what it wrote last is what is left
            _answer(self._actor.close.remote())
        ray.kill(self._actor)


def _actor_on_this_node(server: type[Any]) -> Any:
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(server).options(
        num_cpus=0,
        max_restarts=-1,
        # A repeated call does no harm: contents are named by their digests, and the later component counts.
        max_task_retries=3,
        max_concurrency=AT_ONCE,
        scheduling_strategy=here,
    )


def _answer(reference: Any) -> Any:
    try:
        return ray.get(reference, timeout=PATIENCE_S)
    except RayError as error:
        last = str(error).rstrip().rsplit("\n", 1)[-1]
        raise ExecutionError(f"the weights on the head cannot be reached: {last}") from error
