"""The CPU time of training steps that take turns, and the sizes that the benchmarks of recurrence share."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

STEPS = BATCH = 64
WIDTHS = (32, 64, 128, 256)
BLOCKS = 5
BLOCK_S = 0.12
"""CPU time of a block, of at least one step."""

TrainStep = Callable[[], None]


def train_step(module: nn.Module, inputs: Tensor) -> TrainStep:
    """Returns a function that runs forward, loss and backward once."""
    parameters = list(module.parameters())

    def step() -> None:
        outputs = module(inputs)
        outputs = outputs[0] if isinstance(outputs, tuple) else outputs
        outputs.square().mean().backward()
        for parameter in parameters:
            parameter.grad = None

    return step


def cpu_ms(steps: Mapping[str, TrainStep]) -> dict[str, float]:
    """Returns the median CPU milliseconds of each step; they take turns."""
    counts = {}
    for name, step in steps.items():
        step()
        counts[name] = max(1, round(BLOCK_S / max(1e-5, _block_s(step, 1))))
    blocks: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(BLOCKS):
        for name, step in steps.items():
            blocks[name].append(1e3 * _block_s(step, counts[name]) / counts[name])
    return {name: statistics.median(times) for name, times in blocks.items()}


def _block_s(step: TrainStep, count: int) -> float:
    started = time.process_time()
    for _ in range(count):
        step()
    return time.process_time() - started
