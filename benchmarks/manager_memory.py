"""How much memory the process of the population manager needs, by how many evaluations it was told.

    python -m benchmarks.manager_memory [--evaluations 100000]

Strategy, ledger and loop are the real ones; workers are simulated.
"""

from __future__ import annotations

import argparse
import gc
import time
from pathlib import Path

from benchmarks.objectives import Pause
from benchmarks.table import load, machine
from benchmarks.wiring import search_on
from evo_nas.execution.simulated import SimulatedExecutor, Simulation

STEPS = 5


def resident_mib() -> float:
    """Memory of this process now, in MiB."""
    gc.collect()
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evaluations", type=int, default=100_000)
    evaluations = parser.parse_args().evaluations
    executor = SimulatedExecutor(Pause(), Simulation(workers=64, mean_s=0.0005))
    print(machine(), "load", load())
    with search_on(executor, evaluations=evaluations) as search:
        first, began, told = resident_mib(), time.monotonic(), 0
        for step in range(1, STEPS + 1):
            while told < evaluations * step // STEPS:
                told += len(search.step(timeout_s=60.0))
            now = resident_mib()
            print(
                f"{told:>9,} told: {now:7.1f} MiB, {1024 * (now - first) / told:.3f} KiB an evaluation, "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
