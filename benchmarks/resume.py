"""What the ledger costs: committing evaluations one by one and in groups, and resuming a long run.

    python benchmarks/resume.py --evaluations 100000

Writes a run of generated evaluations with architectures, metrics and learning curves of the usual size in commits of
`--rows`, then opens it in a fresh process and builds the history that a search is resumed from.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.ledger import Ledger, RunRecord

GENES = 60
EPOCHS = 9
IN_FLIGHT = 16
SINGLE_COMMITS = 200
MIB = 2**20


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


def write_run(run: Path, *, evaluations: int, rows: int) -> None:
    record = RunRecord.new("resume-benchmark", seed=0, config={})
    print(
        f"{'rows/commit':>12} {'commits':>8} {'median ms':>10} {'p95 ms':>8} {'worst ms':>9} {'CPU us/row':>11}"
    )
    with Ledger.create(run, record, describe=describe) as ledger:
        commit(ledger, 0, IN_FLIGHT, rows=1)  # pyarrow loads parts of itself at first use
        singles = IN_FLIGHT + SINGLE_COMMITS
        for group, first, last in ((1, IN_FLIGHT, singles), (rows, singles, evaluations)):
            walls_ms, cpu_us = commit(ledger, first, last, rows=group)
            median, p95 = statistics.median(walls_ms), statistics.quantiles(walls_ms, n=20)[-1]
            print(
                f"{group:>12} {len(walls_ms):>8} {median:>10.1f} {p95:>8.1f} {max(walls_ms):>9.1f} {cpu_us:>11.0f}"
            )
    files = list((run / "segments").iterdir())
    size = sum(path.stat().st_size for path in files) / MIB
    print(f"\n{evaluations} evaluations in {len(files)} files, {size:.0f} MiB")


def measure_resume(run: str) -> None:
    idle = _peak_mib()
    start = time.perf_counter()
    with Ledger.open(run) as ledger:
        opened, opened_mib = time.perf_counter(), _peak_mib()
        history = ledger.history()
        built = time.perf_counter()
    print(f"{'step':>12} {'seconds':>8} {'peak memory, MiB above an idle process':>40}")
    print(f"{'open':>12} {opened - start:>8.2f} {opened_mib - idle:>40.0f}")
    print(f"{'history':>12} {built - opened:>8.2f} {_peak_mib() - idle:>40.0f}")
    print(f"{'both':>12} {built - start:>8.2f} {_peak_mib() - idle:>40.0f}")
    print(f"\n{len(history.told)} told, {len(history.in_flight)} in flight")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evaluations", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=64, help="evaluations per commit")
    parser.add_argument("--measure", metavar="RUN", help="only resume this run")
    options = parser.parse_args()
    if options.measure:
        measure_resume(options.measure)
        return
    print(f"python {' '.join(sys.argv)}\n")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        run = Path(folder) / "run"
        write_run(run, evaluations=options.evaluations, rows=options.rows)
        subprocess.run([sys.executable, __file__, "--measure", str(run)], check=True)


if __name__ == "__main__":
    main()
