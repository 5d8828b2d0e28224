"""How fast many different linear cells train on a GPU: packed into one launch, and one after the other.

    python -m benchmarks.packed_linear_gpu [--cells P ...] [--steps T ...] [--width W] [--write]
    python -m benchmarks.packed_linear_gpu --quick

Run from the root of the repository; with ``--write`` the table also goes to
``benchmarks/results/packed-linear-gpu.md``.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from benchmarks.cells import LINEAR_CELLS
from benchmarks.table import Table, machine, write
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cgp import OP_CHOICES, CellCode
from evo_nas.genome.linearity import draw_linear
from evo_nas.genome.liveness import is_live
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.packed import PackedCells, launch_on_gpu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.packed import Launch
    from evo_nas.models.recurrence import Recurrence

    Step = Callable[[], tuple[Tensor, ...]]

BATCH = 64
SECONDS = 1.0
"""About how long each figure is measured."""
WARM_UPS = 3


@dataclass(frozen=True)
class Setting:
    """How many cells are trained, over how many steps; the input is as wide as the states."""

    cells: int
    steps: int
    width: int
    device: torch.device


def capture(step: Step) -> Step:
    """Returns the replay of ``step`` as a CUDA graph."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UPS):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        gradients = step()

    def replay() -> tuple[Tensor, ...]:
        graph.replay()
        return gradients

    return replay


def different_cells(count: int) -> list[CellGraph]:
    """Returns the published linear cells, then random ones."""
    code, rng = CellCode(nodes=12, states=2, ops=tuple(OP_CHOICES)), random.Random(0)
    cells = list(dict.fromkeys(LINEAR_CELLS.values()))[:count]
    while len(cells) < count:
        cell = canonical(code.decode(draw_linear(code, rng)))
        if is_live(cell) and cell not in cells:
            cells.append(cell)
    return cells


def gradients(
    run: Callable[[Tensor], Tensor], inputs: Tensor, cells: Sequence[Recurrence]
) -> tuple[Tensor, ...]:
    """Returns the gradients of the cells' live parameters by the mean square of each cell's outputs."""
    parameters = [parameter for cell in cells for parameter in cell.parameters()]
    loss = run(inputs).square().mean(dim=(1, 2, 3)).sum()
    return torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)


def one_by_one(cells: Sequence[Recurrence]) -> Callable[[Tensor], Tensor]:
    """Returns a function that runs each cell on its own inputs."""
    return lambda inputs: torch.stack([cell(x) for cell, x in zip(cells, inputs, strict=True)])


def per_second(step: Step, setting: Setting) -> float:
    """Returns how many candidates are trained for a step in a second."""

    def seconds(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            step()
        if setting.device.type == "cuda":
            torch.cuda.synchronize(setting.device)
        return time.perf_counter() - started

    for _ in range(WARM_UPS):
        once = seconds(1)
    count = max(2, min(2_000, round(SECONDS / once)))
    return setting.cells * count / seconds(count)


def deviation(found: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    """Returns the largest deviation, relative to the largest entry of each tensor that is not zero."""
    relative = [
        (mine.double() - theirs).abs().max() / theirs.abs().max().clamp(min=1e-6)
        for mine, theirs in zip(found, right, strict=True)
    ]
    return float(torch.stack(relative).max())


def rows_of(setting: Setting, launch: Launch, captured: Callable[[Step], Step]) -> Iterator[list[str]]:
    """Measures every way of training the cells of one setting; the first is what it is compared with."""
    graphs = different_cells(setting.cells)
    new = partial(torch.randn, setting.cells, BATCH, setting.steps, setting.width)
    inputs = new().to(setting.device)
    alone = [BpttRecurrence(cell, setting.width, setting.width).to(setting.device) for cell in graphs]
    exact = [
        EagerRecurrence(cell, setting.width, setting.width).double().to(setting.device) for cell in graphs
    ]
    for mine, theirs in zip(exact, alone, strict=True):
        mine.load_state_dict(theirs.state_dict())
    right = gradients(one_by_one(exact), inputs.double(), exact)
    ways = {"one by one": one_by_one(alone), "packed": PackedCells(alone, launch=launch)}
    baseline = None
    for name, run in ways.items():
        step = partial(gradients, run, inputs, alone)
        for suffix, timed in (("", step), (", graph", captured(step))):
            rate = per_second(timed, setting)
            baseline = baseline or rate
            row = [str(setting.cells), str(setting.steps), str(setting.width), name + suffix, f"{rate:,.0f}"]
            row += [f"{rate / baseline:.1f}x", f"{deviation(timed(), right):.0e}"]
            print(" | ".join(row), flush=True)
            yield row


def measure(
    settings: Sequence[Setting], *, launch: Launch = launch_on_gpu, captured: Callable[[Step], Step] = capture
) -> Table:
    """Measures all settings."""
    device = settings[0].device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return Table(
        title=f"Forward and back through many different linear cells, batch {BATCH}: {name}",
        command="python -m benchmarks.packed_linear_gpu",
        header=["cells", "steps", "width", "way", "candidate steps/s", "ratio", "gradient error"],
        rows=[row for setting in settings for row in rows_of(setting, launch, captured)],
        remarks=[
            "All cells differ. A step is forward, loss and backward of the layer, without an optimizer.",
            "One by one is the backend bptt; packed is one launch for all loops; graph replays a CUDA graph.",
            "The gradient's error is against the plain loop in double precision, relative to each one's largest entry.",
            f"torch {torch.__version__}.",
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", nargs="+", type=int, default=[8, 32, 128])
    parser.add_argument("--steps", nargs="+", type=int, default=[64, 256])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.cells, options.steps, options.width = [10], [3], 4
    device = torch.device("cuda")
    # Gradients are compared with exact ones, so products are not rounded to TF32.
    torch.backends.cuda.matmul.allow_tf32 = False
    settings = [
        Setting(cells, steps, options.width, device) for cells in options.cells for steps in options.steps
    ]
    table = measure(settings)
    print(machine(), table, sep="\n\n")
    if options.write:
        print(write("packed-linear-gpu", "Many different linear cells in one launch on a GPU", [table]))


if __name__ == "__main__":
    main()
