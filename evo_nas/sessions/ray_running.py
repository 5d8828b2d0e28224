"""A Ray for the trainings of a champion: the one there is, that of a cluster, or a private one on this machine."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import ray

from evo_nas.cluster.connection import connected
from evo_nas.errors import ConfigError
from evo_nas.execution.placement import explain_misfit
from evo_nas.execution.ray_start import start_private_ray

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.config import WorkerOptions


@contextmanager
def running_ray(workers: WorkerOptions, *, shared: object, address: str | None = None) -> Iterator[None]:
    """Runs the body with a Ray; one that was started or joined for it is left at its end.

    Args:
        workers: How many trainings are made at a time, and the resources of each.
        shared: Object for which a private Ray needs room, such as the data set.
        address: ``auto`` or ``host:port`` of a cluster that this process joins; None for a private Ray, unless this
            process is part of a cluster already.

    Raises:
        ConfigError: This machine is too small for a worker.
        ExecutionError: Ray cannot be started, or no cluster answers.
    """
    if ray.is_initialized():
        yield
    elif address is not None:
        with connected(address):
            yield
    else:
        start_private_ray(math.ceil(workers.most * workers.cpus), shared)
        try:
            # A cluster may grow; this machine cannot.
            if misfit := explain_misfit(demand_of(workers)):
                raise ConfigError(f"no worker fits on this machine: {misfit}, see `workers`")
            yield
        finally:
            ray.shutdown()


def demand_of(workers: WorkerOptions) -> Mapping[str, float]:
    """Returns the resources of each worker by Ray's names."""
    demand = {"CPU": workers.cpus, "GPU": workers.gpus, "memory": workers.memory_bytes or 0}
    return {name: amount for name, amount in demand.items() if amount}
