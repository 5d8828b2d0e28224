"""Measures how long a trained model takes to answer, one sequence at a time, on one thread of a CPU."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from evo_nas.config.objectives import LATENCY_METRIC
from evo_nas.genome.streaming import can_stream
from evo_nas.models.ensemble import Ensemble, model_of
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.models.streaming import StreamingModel
from evo_nas.training.runtime import training_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from evo_nas.genome.architecture import Signature
    from evo_nas.models.ensemble import Model

WARM_UP = 20
"""Calls that are not counted: the first ones build what later ones use."""
MOST_CALLS = 500
LEAST_CALLS = 50
LIMIT_S = 1.0
"""After this time no call is begun beyond the least."""


def measure_latency(model: Model, *, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Returns the time from the arrival of the last step to the answer, median and 99th percentile in milliseconds.

    A network that streams reads one step, and carries its states on. Any other has to wait for the end of the sequence
    and then reads it all; ``latency_steps`` tells how many steps a call read. The networks are copied to the CPU, where
    each layer has its fastest backend.

    Args:
        model: A trained network or several that answer together, on any device; it stays as it is.
        clock: Returns seconds.
    """
    networks = [each for each in model.modules() if isinstance(each, Network)]
    copy = _copied(networks, model)
    streams = all(can_stream(each.architecture) for each in networks)
    steps = 1 if streams else max(1, model.signature.steps)
    inputs = _any_input(model.signature, steps)
    with training_thread(torch.device("cpu")), torch.inference_mode():
        read = _stream(copy, inputs) if streams else lambda: copy(inputs)
        times = _timed(read, clock)
    median, late = map(float, np.percentile(times, (50, 99)))
    return {LATENCY_METRIC: 1e3 * median, "latency_p99_ms": 1e3 * late, "latency_steps": float(steps)}


def _copied(networks: Sequence[Network], model: Model) -> Model:
    copies = []
    for network in networks:
        with SeededInit(torch.Generator()):  # no weights are drawn from the generator of the process
            copies.append(Network(network.architecture, network.signature).eval())
        copies[-1].load_state_dict(network.state_dict())
    return (
        model_of(copies, link=model.link, shares=model.shares) if isinstance(model, Ensemble) else copies[0]
    )


def _stream(network: Model, inputs: Tensor) -> Callable[[], object]:
    """Returns what reads one more step of a stream at each call."""
    streaming = StreamingModel(network, records=False)
    states, step = streaming.zero_states(len(inputs)), inputs[:, 0]

    def read() -> None:
        nonlocal states
        _, states = streaming(step, states)

    return read


def _timed(call: Callable[[], object], clock: Callable[[], float]) -> list[float]:
    """Returns the seconds of each counted call."""
    for _ in range(WARM_UP):
        call()
    times: list[float] = []
    ended = clock() + LIMIT_S
    while len(times) < LEAST_CALLS or (len(times) < MOST_CALLS and clock() < ended):
        began = clock()
        call()
        times.append(clock() - began)
    return times


def _any_input(signature: Signature, steps: int) -> Tensor:
    """Returns one sequence; what it holds does not change how long a call takes."""
    generator = torch.Generator().manual_seed(0)
    if signature.vocabulary:
        return torch.randint(signature.vocabulary, (1, steps), generator=generator)
    return torch.randn(1, steps, signature.features, generator=generator)
