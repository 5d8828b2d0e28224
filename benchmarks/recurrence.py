"""How fast each way of running a cell trains on a CPU: forward, loss and backward of one layer.

    OMP_NUM_THREADS=1 MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=33554432 python -m benchmarks.recurrence

Run from the root of the repository; with ``--write`` the tables also go to ``benchmarks/results/recurrence-cpu.md``.
``--compile`` measures that, too, and adds minutes; so does ``--numba``, which needs numba. Times are CPU milliseconds
of this process on one thread, so that other work on the machine matters little; the backends take turns, block by
block, and the median block counts. With these settings of glibc, which workers have, freed memory stays with the
process: otherwise the system clears new memory at each step, more or less of it by chance.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from typing import TYPE_CHECKING

import torch
from torch import nn

from benchmarks.cells import CELLS, LINEAR_CELLS
from benchmarks.cpu_time import BATCH, BLOCKS, STEPS, WIDTHS, cpu_ms, train_step
from benchmarks.table import Table, load, machine, write
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import NativeRecurrence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evo_nas.genome.cell import CellGraph

ENVIRONMENT = "OMP_NUM_THREADS=1 MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=33554432"
COMPILED_STEPS = (100, 1_000, 10_000)
LONG_STEPS = 256
LAYERS = {"nn.LSTM": nn.LSTM, "nn.GRU": nn.GRU}
BACKENDS = (EagerRecurrence, BpttRecurrence, NativeRecurrence)
COLUMNS = (*(backend.backend_name for backend in BACKENDS), *LAYERS)


def backends(cells: Mapping[str, CellGraph], *, title: str, steps: int) -> Table:
    """Measures every backend on every cell and width, beside torch's layers and its matrix product."""
    return Table(
        title=f"{title}: {steps} steps, batch {BATCH}, input as wide as the states",
        command=f"{ENVIRONMENT} python -m benchmarks.recurrence",
        header=[
            *("cell", "width", *(f"{name} ms" for name in COLUMNS), "GFLOP/s", "of sgemm"),
            *(f"native : {name}" for name in ("eager", *LAYERS)),
            "load",
        ],
        rows=[_row(name, cell, width, steps) for name, cell in cells.items() for width in WIDTHS],
        remarks=[
            "CPU milliseconds of forward, loss and backward on one thread; ratios are speed-ups.",
            "eager is the plain loop with one matrix product per linear node, nn is torch's own layer of that width.",
            "GFLOP/s are what the matrix products of the cell come to, three for each weight, over the whole time of "
            "native; sgemm is torch's product of the batch with weights of four times the width.",
            f"Medians of {BLOCKS} interleaved blocks; torch {torch.__version__}.",
        ],
    )


def _row(name: str, cell: CellGraph, width: int, steps: int) -> list[str]:
    inputs = torch.randn(BATCH, steps, width)
    modules: dict[str, nn.Module] = {
        backend.backend_name: backend(cell, width, width) for backend in BACKENDS
    }
    modules |= {layer: new_layer(width, width, batch_first=True) for layer, new_layer in LAYERS.items()}
    weights = sum(weight.numel() for weight in modules["native"].parameters() if weight.dim() == 2)
    measured = {column: train_step(module, inputs) for column, module in modules.items()}
    ms = cpu_ms({**measured, "sgemm": _product(width)})
    rate, sgemm = 6e-6 * BATCH * steps * weights / ms["native"], 8e-6 * BATCH * width**2 / ms["sgemm"]
    return [
        *(name, str(width), *(f"{ms[column]:.2f}" for column in COLUMNS)),
        *(f"{rate:.0f}", f"{100 * rate / sgemm:.0f} %"),
        *(f"{ms[column] / ms['native']:.1f}x" for column in ("eager", *LAYERS)),
        load(),
    ]


def _product(width: int) -> Callable[[], object]:
    left, right, result = (
        torch.randn(BATCH, width),
        torch.randn(width, 4 * width),
        torch.empty(BATCH, 4 * width),
    )
    return lambda: torch.mm(left, right, out=result)


def compiled(name: str, width: int) -> Table:
    """Measures `torch.compile` on the plain loop, compilation included, against the other backends."""
    inputs = torch.randn(BATCH, STEPS, width)
    loop = torch.compile(EagerRecurrence(CELLS[name], width, width))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache  # an empty one, as in a search each topology is new
        started = _cpu_s()
        train_step(loop, inputs)()
        first_s = _cpu_s() - started
        steps = {
            backend.backend_name: train_step(backend(CELLS[name], width, width), inputs)
            for backend in BACKENDS
        }
        ms = cpu_ms({"compiled": train_step(loop, inputs), **steps})
    rows = [
        [
            backend,
            f"{first:.1f}",
            f"{ms[backend]:.2f}",
            *(f"{first + n * ms[backend] / 1e3:.1f}" for n in COMPILED_STEPS),
        ]
        for backend, first in (("compiled", first_s), ("eager", 0.0), ("native", 0.0))
    ]
    return Table(
        title=f"torch.compile on the plain loop: {name}, width {width}",
        command=f"{ENVIRONMENT} python -m benchmarks.recurrence --compile",
        header=["backend", "first step s", "ms a step", *(f"s for {n:,} steps" for n in COMPILED_STEPS)],
        rows=rows,
        remarks=["CPU seconds, those of the C++ compiler included, with nothing cached before."],
    )


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    """Prints the tables, and writes them if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--numba", action="store_true", help="needs numba")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tables = [
        backends(CELLS, title="One layer", steps=STEPS),
        backends(LINEAR_CELLS, title="Linear recurrences", steps=LONG_STEPS),
    ]
    if options.compile:
        tables.append(compiled("LSTM", 32))
    if options.numba:
        from benchmarks.numba_gru import measure  # noqa: PLC0415 - numba is not a dependency

        tables.append(measure())
    print(machine(), *tables, sep="\n\n")
    if options.write:
        print(write("recurrence-cpu", "Recurrent cells on a CPU", tables))


if __name__ == "__main__":
    main()
