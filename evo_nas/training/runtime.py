"""The surroundings of a training: the device, its memory, and the state of the thread."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from evo_nas.errors import ConfigError
from evo_nas.genome.columns import networks_per_sequence
from evo_nas.genome.footprint import FLOAT_BYTES, training_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.config.schema import DeviceChoice, TrainingConfig
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.training.batches import BatchShape

_this_thread = threading.local()


def device_for(training: TrainingConfig) -> torch.device:
    """Returns the device on which this process trains.

    Raises:
        ConfigError: ``cuda`` is wanted and there is none, or the device cannot train in the wanted precision.
    """
    device = resolve_device(training.device)
    if training.precision == "bfloat16" and device.type == "cpu":
        raise ConfigError(
            "training.precision is bfloat16; this process trains on its CPU, where it must be float32: "
            "set it so, or give workers.gpus a share"
        )
    return device


def resolve_device(choice: DeviceChoice) -> torch.device:
    """Returns the device that ``auto``, ``cpu`` or ``cuda`` means in this process.

    Raises:
        ConfigError: ``cuda`` is wanted and there is none.
    """
    gpu = torch.cuda.is_available()
    if choice == "auto":
        return torch.device("cuda" if gpu else "cpu")
    if choice == "cuda" and not gpu:
        raise ConfigError(
            "training.device is cuda; this process sees no GPU: set it to auto, or give workers.gpus a share"
        )
    return torch.device(choice)


def device_name(choice: DeviceChoice) -> str:
    """Returns the name of the device for ``choice`` in this process, such as ``cpu`` or ``cuda (NVIDIA H100)``."""
    device = resolve_device(choice)
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type


def least_bytes(architecture: Architecture, signature: Signature, batch: BatchShape) -> int:
    """Returns a lower bound in bytes of what training needs in addition to the data; see `footprint.training_bytes`.

    A network that cannot fit is never tried.

    Args:
        architecture: The architecture to train.
        signature: Shapes of the task.
        batch: Shape of some batch that it is trained on; see `Split.least_batch`.
    """
    return training_bytes(architecture, signature, rows=batch.rows, steps=batch.steps)


def graph_bytes(architecture: Architecture, signature: Signature, batch: BatchShape) -> int:
    """Returns about how many bytes the graph of one step keeps: every node's value and gradient at every step."""
    values = sum(len(layer.cell.nodes) * layer.output_width for layer in architecture.layers)
    rows = batch.rows * networks_per_sequence(architecture, signature)
    return 2 * FLOAT_BYTES * rows * architecture.front.steps(batch.steps) * values


def limit_memory(device: torch.device, *, gpu_share: float) -> int | None:
    """Keeps this process to its share of a GPU and returns the bytes of that share; None on a CPU.

    A share of 0 or 1 is the whole GPU. Ray's shares are bookkeeping: without this limit, one worker's candidate could
    take the memory that another worker needs.
    """
    if device.type != "cuda":
        return None
    share = gpu_share if 0 < gpu_share < 1 else 1.0
    torch.cuda.set_per_process_memory_fraction(share, device)
    return int(share * torch.cuda.get_device_properties(device).total_memory)


@contextmanager
def training_thread(device: torch.device) -> Iterator[None]:
    """Prepares this thread for training on ``device`` and leaves it as it was.

    On a CPU, numbers too small to be normal count as zero: some processors take a hundred times longer for them.
    On a GPU the thread has its own stream, so that trainings in several threads run at the same time, and cuDNN's
    recurrent layers multiply in single precision; by default they would round the factors to TF32.
    """
    with ExitStack() as stack:
        stack.enter_context(_without_denormals())
        if device.type == "cuda":
            stack.enter_context(_own_stream(device))
            stack.enter_context(unrounded_recurrence())
        yield


@dataclass
class _Unrounded:
    """The number of threads in `unrounded_recurrence`, and the setting before the first of them."""

    threads: int = 0
    before: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


_unrounded = _Unrounded()


@contextmanager
def unrounded_recurrence() -> Iterator[None]:
    """Keeps cuDNN's recurrent layers from rounding factors to TF32, in all threads until the last has left."""
    rnn = torch.backends.cudnn.rnn
    if not hasattr(rnn, "fp32_precision"):  # not every version of torch has it
        yield
        return
    # The setting belongs to the process, so threads are counted: the first sets it, and the last restores it.
    with _unrounded.lock:
        _unrounded.threads += 1
        if _unrounded.threads == 1:
            _unrounded.before, rnn.fp32_precision = rnn.fp32_precision, "ieee"
    try:
        yield
    finally:
        with _unrounded.lock:
            _unrounded.threads -= 1
            if not _unrounded.threads:
                rnn.fp32_precision = _unrounded.before


def flushes_denormals() -> bool:
    """Returns whether this thread treats numbers too small to be normal as zero."""
    return sys.float_info.min / 2 == 0.0


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Flushes denormal numbers to zero, unless this thread did so before or the processor cannot."""
    if flushes_denormals() or not torch.set_flush_denormal(True):
        yield
        return
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def _own_stream(device: torch.device) -> Iterator[None]:
    """Makes a stream of this thread the current one; it is kept for the thread's next training."""
    streams: dict[torch.device, torch.cuda.Stream] = _this_thread.__dict__.setdefault("streams", {})
    if device not in streams:
        streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    outer = torch.cuda.current_stream(device)
    streams[device].wait_stream(outer)  # the data may still be on their way
    try:
        with torch.cuda.stream(streams[device]):
            yield
    finally:
        outer.wait_stream(streams[device])  # the caller uses the weights on its own stream
