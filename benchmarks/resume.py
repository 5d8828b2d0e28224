"""What the ledger costs: committing evaluations one by one and in groups, and resuming a long run.

    python -m benchmarks.resume [--evaluations 100000] [--write]

Run from the root of the repository. Writes a run of generated evaluations with architectures, metrics and learning
curves of the usual size, then resumes it in fresh processes: opens the ledger and builds the search with its
strategy. With ``--write`` the tables also go to ``benchmarks/results/resume.md``.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.objectives import Pause
from benchmarks.table import Table, load, machine, peak_mib, write
from benchmarks.wiring import strategy
from evo_nas.budgets import Budget
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.execution.simulated import SimulatedExecutor, Simulation
from evo_nas.ledger import Ledger, RunRecord
from evo_nas.loop import Search

GENES = 75
EPOCHS = 9
IN_FLIGHT = 16
SINGLE_COMMITS = 200
ROUNDS = 3


def make_candidate(key: int) -> Candidate:
    rng = random.Random(key)
    return Candidate(
        id=key,
        genome=tuple(rng.choices(range(16), k=GENES)),
        canonical_hash=f"{rng.getrandbits(128):032x}",
        parents=(max(0, key - 7),),
        operator="mutation",
        seed=rng.getrandbits(63),
        budget=EPOCHS,
        asked_after=max(0, key - IN_FLIGHT),
    )


def make_evaluation(key: int) -> Evaluation:
    rng = random.Random(-key - 1)
    outcome = Outcome(
        status=Status.OK,
        fitness=rng.random(),
        metrics={"validation_accuracy": rng.random(), "train_loss": rng.random()},
        curve=tuple(rng.random() for _ in range(EPOCHS)),
        parameters=rng.randrange(10**6),
        epochs=EPOCHS,
        train_s=rng.random(),
    )
    return Evaluation(
        make_candidate(key), outcome, worker=f"worker-{key % 8}", node="node-0", finished_at=key / 8
    )


def describe(genome: tuple[int, ...]) -> str:
    nodes = [{"op": "linear", "inputs": genome[start : start + 3]} for start in range(0, GENES, 4)]
    return json.dumps({"layers": [{"width": 64, "cell": {"nodes": nodes}}]})


def commit(ledger: Ledger, first: int, last: int, *, rows: int) -> tuple[list[float], float]:
    """Commits candidates ``first`` to ``last - 1``; returns milliseconds per commit and CPU microseconds per row."""
    walls_ms, cpu_s = [], 0.0
    for start in range(first, last, rows):
        keys = range(start, min(last, start + rows))
        evaluations = [make_evaluation(key) for key in keys]
        born = [make_candidate(key + IN_FLIGHT) for key in keys]
        wall_before, cpu_before = time.perf_counter(), time.process_time()
        ledger.append(evaluations, born=born)
        cpu_s += time.process_time() - cpu_before
        walls_ms.append(1e3 * (time.perf_counter() - wall_before))
    return walls_ms, 1e6 * cpu_s / (last - first)


def write_run(run: Path, *, evaluations: int, rows: int) -> Table:
    record = RunRecord.new("resume-benchmark", seed=0, config={})
    lines = []
    with Ledger.create(run, record, describe=describe) as ledger:
        commit(ledger, 0, IN_FLIGHT, rows=1)  # pyarrow loads parts of itself at first use
        singles = IN_FLIGHT + SINGLE_COMMITS
        for group, first, last in ((1, IN_FLIGHT, singles), (rows, singles, evaluations)):
            walls_ms, cpu_us = commit(ledger, first, last, rows=group)
            times = (statistics.median(walls_ms), statistics.quantiles(walls_ms, n=20)[-1], max(walls_ms))
            cells = [f"{group}", f"{len(walls_ms):,}", *(f"{wall_ms:.1f}" for wall_ms in times)]
            lines.append([*cells, f"{cpu_us:.0f}", load()])
    files = list((run / "segments").iterdir())
    size_mib = sum(path.stat().st_size for path in files) / 2**20
    return Table(
        "Durable commits on the local disk",
        f"python -m benchmarks.resume --evaluations {evaluations} --rows {rows}",
        ["rows/commit", "commits", "median ms", "p95 ms", "worst ms", "CPU us/row", "load"],
        lines,
        [
            f"{evaluations:,} evaluations in {len(files)} files, {size_mib:.0f} MiB; compaction is part of the times."
        ],
    )


def measure_resume(run: str) -> None:
    """Resumes ``run`` in this process and prints seconds to open, seconds to build the search and MiB above idle."""
    idle_mib = peak_mib()
    start = time.perf_counter()
    with Ledger.open(run) as ledger:
        opened = time.perf_counter()
        executor = SimulatedExecutor(Pause(), Simulation(workers=1))
        search = Search.resumed(strategy(), executor, ledger, budget=Budget(10**9))
        built = time.perf_counter()
        print(json.dumps([search.progress().told, opened - start, built - opened, peak_mib() - idle_mib]))


def resume(run: Path, *, evaluations: int) -> Table:
    rows, totals_s, memories_mib = [], [], []
    for _ in range(ROUNDS):
        arguments = [sys.executable, "-m", "benchmarks.resume", "--measure", str(run)]
        child = subprocess.run(arguments, check=True, capture_output=True)
        told, open_s, build_s, memory_mib = json.loads(child.stdout)
        assert told == evaluations
        totals_s.append(open_s + build_s)
        memories_mib.append(memory_mib)
        rows.append(
            [f"{open_s:.2f}", f"{build_s:.2f}", f"{open_s + build_s:.2f}", f"{memory_mib:.0f}", load()]
        )
    bytes_each = 2**20 * statistics.median(memories_mib) / evaluations
    return Table(
        f"Resuming a search of {evaluations:,} evaluations, each time in a fresh process",
        f"python -m benchmarks.resume --evaluations {evaluations}",
        ["open the ledger, s", "build the search, s", "both, s", "peak memory above idle, MiB", "load"],
        rows,
        [
            "To build the search is to read the history, tell it to the strategy and rank it.",
            f"Median: {statistics.median(totals_s):.2f} s and {bytes_each:,.0f} bytes per evaluation.",
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evaluations", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=64, help="evaluations per commit")
    parser.add_argument("--measure", metavar="RUN", help="only resume this run")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/results/resume.md")
    options = parser.parse_args()
    if options.measure:
        measure_resume(options.measure)
        return
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory(dir=".", prefix=".benchmark-") as folder:
        run = Path(folder) / "run"
        tables = [write_run(run, evaluations=options.evaluations, rows=options.rows)]
        print(tables[0], flush=True)
        tables.append(resume(run, evaluations=options.evaluations))
        print(tables[1])
    if options.write:
        print(f"written: {write('resume', 'Commits and resumption', tables)}")


if __name__ == "__main__":
    main()
