"""How long an epoch takes on this machine, measured before a search plans its trainings."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.models.threads import one_thread
from evo_nas.training.batches import prepare
from evo_nas.training.runtime import device_for
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from evo_nas.config.schema import TrainingConfig
    from evo_nas.genome.space import SearchSpace
    from evo_nas.tasks.dataset import Dataset

FIRST_USE_S = 60.0
"""The first training of a process may take so much longer than others, such as to compile the native interpreter."""


def measured_epoch_s(
    space: SearchSpace, dataset: Dataset, training: TrainingConfig, *, on_gpu: bool = False
) -> float | None:
    """Returns the seconds that an epoch of a typical network takes in a worker, its validation included.

    The networks that a search begins with are tried until one trains. Returns None if none of a few does, or if this
    process has another device than the workers.

    Args:
        space: The space of the search.
        dataset: Its data.
        training: How candidates are trained.
        on_gpu: Whether the workers have GPUs.
    """
    try:
        device = device_for(training)
    except ConfigError:
        return None
    if on_gpu != (device.type == "cuda"):
        return None
    data = prepare(dataset, device)
    founders = [genome for _, genome in space.seeds()[:3]] or [space.random(Random(0))]
    with one_thread():
        for genome in founders:
            outcome = train(space.decode(genome), data, training, epochs=1, seed=0).outcome
            if not outcome.status.complete:
                continue
            if outcome.train_s > FIRST_USE_S:
                return outcome.train_s
            again = train(space.decode(genome), data, training, epochs=1, seed=0).outcome
            return min(outcome.train_s, again.train_s)
    return None
