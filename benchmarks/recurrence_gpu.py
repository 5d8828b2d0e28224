"""How fast each way of running a cell trains on a GPU: whole training steps of one layer, in one or more lanes.

    python -m benchmarks.recurrence_gpu [--cells CELL ...] [--steps T ...] [--widths W ...] [--lanes L ...] [--write]
    python -m benchmarks.recurrence_gpu --quick

Run from the root of the repository; with ``--write`` the tables also go to ``benchmarks/results/recurrence-gpu.md``.
Lanes are threads of this process; each trains its own candidate on its own stream, as the lanes of a worker do.
"""

from __future__ import annotations

import argparse
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from benchmarks.cells import CELLS
from benchmarks.table import Table, machine, write
from evo_nas.genome.architecture import Architecture, Layer, Signature, Training
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.models.torch_kernels import TorchRecurrence
from evo_nas.tasks.dataset import Objective
from evo_nas.training.batches import Batch, SequenceSplit
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.forward import StatefulForward
from evo_nas.training.graphed_steps import WARM_UPS, CudaGraphs, DirectSteps, GraphedSteps
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.runtime import training_thread
from evo_nas.training.step import TrainStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from evo_nas.models.recurrence import Recurrence
    from evo_nas.training.graphed_steps import GraphFactory, Steps

BATCH = 64
CLASSES = 10
SECONDS = 1.0
"""About how long each figure is measured."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Way:
    """A backend, launched operation by operation or replayed as a graph."""

    name: str
    backend: type[Recurrence]
    captured: bool

    @property
    def runs_in_lanes(self) -> bool:
        """Whether several lanes are measured: launching single operations, they would wait for each other."""
        return self.captured and self.backend is not EagerRecurrence


WAYS = tuple(
    Way(f"{name}{', graph' * captured}", backend, captured)
    for name, backend in (("eager", EagerRecurrence), ("bptt", BpttRecurrence), ("torch", TorchRecurrence))
    for captured in (False, True)
)


@dataclass(frozen=True)
class Setting:
    """What is trained where; the input is as wide as the states.

    Attributes:
        new_graphs: Makes what makes the graphs of one candidate.
    """

    cell: str
    steps: int
    width: int
    device: torch.device
    new_graphs: Callable[[], GraphFactory] = CudaGraphs


class Candidate:
    """One candidate in one lane, ready to train at full speed."""

    def __init__(self, way: Way, setting: Setting, *, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        inputs = torch.randn(BATCH, setting.steps, setting.width, generator=generator)
        targets = torch.randint(CLASSES, (BATCH,), generator=generator)
        self._device = setting.device
        self._batch = Batch(inputs.to(setting.device), targets.to(setting.device))
        self._steps = self._new_steps(way, setting, generator)
        for _ in range(WARM_UPS):
            self._steps(self._batch, progress=0.0)
        self.capture_s = self._timed(1)
        if isinstance(self._steps, GraphedSteps) and not self._steps.graphs:
            raise RuntimeError("its step could not be captured")
        self.step_s = self._timed(1)

    def run(self, count: int) -> None:
        """Trains ``count`` steps and waits for them."""
        for _ in range(count):
            self._steps(self._batch, progress=0.0)
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()

    def _timed(self, count: int) -> float:
        started = time.perf_counter()
        self.run(count)
        return time.perf_counter() - started

    def _new_steps(self, way: Way, setting: Setting, generator: torch.Generator) -> Steps:
        settings = Training(batch_size=BATCH)
        layer = Layer(CELLS[setting.cell], setting.width)
        with SeededInit(generator):
            network = Network(
                Architecture(layers=(layer,), training=settings),
                Signature(features=setting.width, outputs=CLASSES),
                device="cuda",
            )
            network.layers[0].recurrence = way.backend(layer.cell, setting.width, setting.width)
        step = TrainStep(
            StatefulForward(network.to(setting.device), SequenceSplit(self._batch, None, per_step=False)),
            FlatOptimizer(network, settings, capturable=True),
            TrainingLoss(Objective.CROSS_ENTROPY, None),
            capturable=True,
        )
        if not way.captured:
            return DirectSteps(step)
        graphs, on_device = setting.new_graphs(), torch.Generator(setting.device)
        return GraphedSteps(step, lambda: graphs(on_device))


@dataclass(frozen=True)
class Speed:
    """Steps of all lanes in a second, and how long a lane took to capture its step."""

    per_second: float
    capture_s: float


def speed(way: Way, setting: Setting, lanes: int) -> Speed:
    """Measures candidates that are trained in ``lanes`` threads at the same time."""
    ready = threading.Barrier(lanes + 1)
    count = 0

    def train(seed: int) -> float:
        with _aborting(ready), training_thread(setting.device):
            candidate = Candidate(way, setting, seed=seed)
            step_s[seed] = candidate.step_s
            ready.wait()
            ready.wait()
            candidate.run(count)
        return candidate.capture_s

    step_s = [0.0] * lanes
    with ThreadPoolExecutor(lanes) as threads, _aborting(ready):
        running = [threads.submit(train, seed) for seed in range(lanes)]
        with suppress(threading.BrokenBarrierError):
            ready.wait()
            count = max(2, min(2_000, round(SECONDS / min(step_s) / lanes**0.5)))
            started = time.perf_counter()
            ready.wait()
        errors = [future.exception() for future in running]
        for error in errors:
            if error is not None and not isinstance(error, threading.BrokenBarrierError):
                raise error
        taken_s = time.perf_counter() - started
        return Speed(lanes * count / taken_s, max(future.result() for future in running))


@contextmanager
def _aborting(barrier: threading.Barrier) -> Iterator[None]:
    """Breaks the barrier if the body fails for any reason, so that no thread waits for it."""
    try:
        yield
    except BaseException:
        barrier.abort()
        raise


def gradient_error(way: Way, setting: Setting) -> float:
    """Returns the largest deviation of a parameter's gradient from double precision, relative to its largest entry.

    Not a number if any gradient is not.
    """
    cell, width = CELLS[setting.cell], setting.width
    reference = EagerRecurrence(cell, width, width).double().to(setting.device)
    backend = way.backend(cell, width, width).to(setting.device)
    backend.load_state_dict(reference.state_dict())
    inputs = torch.randn(8, setting.steps, width, device=setting.device, dtype=torch.float64)

    def gradients(module: Recurrence, batch: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(module(batch).square().mean(), list(module.parameters()))

    deviations = [
        (mine.double() - right).abs().max() / right.abs().max()
        for mine, right in zip(gradients(backend, inputs.float()), gradients(reference, inputs), strict=True)
    ]
    return float(torch.stack(deviations).max())  # Python's max passes over NaN


def rows_of(setting: Setting, lanes: Sequence[int]) -> Iterator[list[str]]:
    """Measures every way of training one setting; the first is the plain loop."""
    baseline = speed(WAYS[0], setting, 1).per_second
    for way in WAYS:
        if not way.backend.supports(CELLS[setting.cell]):
            continue
        speeds: list[Speed] = []
        for count in lanes if way.runs_in_lanes else lanes[:1]:
            try:
                speeds.append(speed(way, setting, count))
            except RuntimeError as error:
                _log.warning("%s in %d lanes failed: %s", way.name, count, error)
                break
        if not speeds:
            continue
        rates = [each.per_second for each in speeds]
        row = [
            *(setting.cell, str(setting.steps), str(setting.width), way.name),
            *(f"{rate:,.1f}" for rate in rates),
            *["-"] * (len(lanes) - len(rates)),
            *(f"{rate / baseline:.1f}x" for rate in (rates[0], max(rates))),
            f"{speeds[0].capture_s:.2f}" if way.captured else "-",
            f"{gradient_error(way, setting):.0e}",
        ]
        print(" | ".join(row), flush=True)
        yield row


def measure(settings: Sequence[Setting], lanes: Sequence[int]) -> Table:
    """Measures all settings."""
    device = settings[0].device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return Table(
        title=f"Training steps of one layer, batch {BATCH}: {name}",
        command="python -m benchmarks.recurrence_gpu",
        header=[
            *("cell", "steps", "width", "way"),
            *(f"steps/s, {count} lane{'s' * (count > 1)}" for count in lanes),
            *("one lane : eager", "best : eager", "capture s", "gradient error"),
        ],
        rows=[row for setting in settings for row in rows_of(setting, lanes)],
        remarks=[
            "Candidate steps of all lanes together in a second of wall clock: forward over all steps, loss, backward, "
            "clipping and Adam.",
            "eager is the plain loop, bptt the hand-written back-propagation through time, torch its kernel: cuDNN.",
            "The gradient's error is that of single precision, relative to the largest entry of each parameter's.",
            f"torch {torch.__version__}.",
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", nargs="+", choices=list(CELLS), default=list(CELLS))
    parser.add_argument("--steps", nargs="+", type=int, default=[64, 256])
    parser.add_argument("--widths", nargs="+", type=int, default=[64, 256, 512])
    parser.add_argument("--lanes", nargs="+", type=int, default=[1, 4, 8, 16])
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    if options.quick:
        options.steps, options.widths, options.lanes = [3], [4], [1, 2]
    device = torch.device("cuda")
    settings = [
        Setting(cell, steps, width, device)
        for cell in options.cells
        for steps in options.steps
        for width in options.widths
    ]
    table = measure(settings, options.lanes)
    print(machine(), table, sep="\n\n")
    if options.write:
        print(write("recurrence-gpu", "Recurrent cells on a GPU", [table]))


if __name__ == "__main__":
    main()
