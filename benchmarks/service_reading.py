"""What the service's reading costs: the list of 1,000 runs, and the page of a run of 100,000 evaluations.

    python -m benchmarks.service_reading [--evaluations 100000] [--runs 1000] [--root DIR] [--write]

Run from the root of the repository; needs the extra ``serve``. Writes runs of generated evaluations of real networks,
then asks the service in a process of its own, as a browser would. With ``--write`` the tables also go to
``benchmarks/results/service_reading.md``.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import Table, load, machine, write
from evo_nas.config import load_config
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import Ledger, RunRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCHS, RUNGS, WORKERS, IN_FLIGHT = 18, (2, 6), 8, 16
NETWORKS = 200
TEMPLATES, SMALL = 10, 60
"""Different small runs, of which the others are copies, and the evaluations of each."""
ROUNDS, REPEATED, AT_A_TIME = 3, 30, 8
FINISHED = 1_790_000_000.0
CONFIG = load_config(Path("configs/quickstart.yaml"))


@cache
def networks() -> list[tuple[tuple[int, ...], str]]:
    """Returns genomes with the JSON of their architectures."""
    space = SearchSpace(SpaceOptions.model_validate(CONFIG.space), Signature(features=8, outputs=10), EPOCHS)
    rng = random.Random(1)
    genomes = [space.random(rng) for _ in range(NETWORKS)]
    return [(genome, space.to_json(genome)) for genome in genomes]


def evaluation(key: int, *, prunes: bool) -> Evaluation:
    """Returns evaluation ``key`` of a run in which scores slowly rise; with ``prunes`` a third goes on from a rung."""
    rng = random.Random(key)
    status = rng.choices([Status.OK, Status.DIVERGED, Status.TIMED_OUT, Status.TOO_BIG], [94, 4, 1, 1])[0]
    continues, epochs = None, EPOCHS
    if prunes and status is Status.OK and key > 10:
        if key % 3 and rng.random() < 0.5:
            status, epochs = Status.PRUNED, RUNGS[0]
        elif key % 9 == 0:
            continues = key - 4
    fitness = 1 - 1 / (2 + key**0.4) - 0.2 * rng.random() if status.scored else None
    candidate = Candidate(
        id=key,
        genome=networks()[key % NETWORKS][0],
        canonical_hash=f"{rng.getrandbits(128):032x}",
        parents=(rng.randrange(max(0, key - 200), key),) if key > 20 else (),
        operator=rng.choice(["mutation", "mutation", "mutation", "crossover+mutation"])
        if key > 20
        else "random",
        seed=rng.getrandbits(63),
        budget=EPOCHS,
        asked_after=max(0, key - IN_FLIGHT),
        rungs=RUNGS if prunes else (),
        thresholds=(0.4, 0.5) if prunes else (),
        continues=continues,
    )
    train_s = rng.uniform(2, 9)
    outcome = Outcome(
        status=status,
        fitness=fitness,
        metrics={"validation_accuracy": fitness, "validation_loss": rng.random(), "train_loss": rng.random()}
        if fitness is not None
        else {},
        metric="validation_accuracy" if fitness is not None else "",
        curve=tuple(rng.random() for _ in range(epochs)),
        parameters=rng.randrange(10**5),
        epochs=epochs if status.scored else 3,
        train_s=train_s,
        cpu_s=train_s,
        steps=100 * epochs,
        error="" if status.scored else f"{status}: after 3 epochs",
    )
    return Evaluation(
        candidate, outcome, worker=f"worker-{key % WORKERS}", node="node-0", finished_at=FINISHED + key * 0.7
    )


def write_run(place: Path, evaluations: int, *, prunes: bool = False, rows: int = 256) -> None:
    """Writes a run of so many evaluations, ``rows`` in a commit."""
    record = RunRecord.new(place.name, seed=0, config=CONFIG.model_dump(mode="json"))
    described = dict(networks())
    with Ledger.create(place, record, describe=described.__getitem__) as ledger:
        for first in range(0, evaluations, rows):
            keys = range(first, min(first + rows, evaluations))
            ledger.append([evaluation(key, prunes=prunes) for key in keys], born=[])


def write_root(root: Path, *, evaluations: int, runs: int) -> None:
    """Writes two long runs, one of which prunes, and many small ones."""
    write_run(root / "plain", evaluations)
    write_run(root / "rungs", evaluations, prunes=True)
    for number in range(TEMPLATES):
        write_run(root / f"small-{number:04}", SMALL + number, prunes=number % 2 == 0, rows=8)
    for number in range(TEMPLATES, runs):
        shutil.copytree(root / f"small-{number % TEMPLATES:04}", root / f"small-{number:04}")


class Service:
    """The service in a process of its own.

    Args:
        url: Where it listens.
        pid: Number of its process.
    """

    def __init__(self, url: str, pid: int) -> None:
        self._url = url
        self._pid = pid

    def get(self, path: str) -> tuple[float, bytes]:
        """Returns the seconds that an answer took, and the answer."""
        began = time.perf_counter()
        with urllib.request.urlopen(f"{self._url}api/v1{path}") as answered:
            content: bytes = answered.read()
        return time.perf_counter() - began, content

    def resident_mib(self) -> float:
        """Memory of its process, in MiB."""
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{self._pid}/status").read_text().splitlines()
        )
        return int(fields["VmRSS"].split()[0]) / 1024

    def cpu_s(self) -> float:
        """Seconds of the processor that it has taken."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def serving(root: Path) -> Iterator[Service]:
    """Yields a service on ``root`` that has just started."""
    command = [sys.executable, "-m", "evo_nas.cli", "serve", "--root", str(root), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield Service(line[line.index("http") :].split()[0], process.pid)
        finally:
            process.terminate()


PATHS = {
    "page of a run": "/runs/{run}",
    "its chart": "/runs/{run}/chart",
    "100 evaluations": "/runs/{run}/evaluations?after=50000",
    "100 best evaluations": "/runs/{run}/evaluations?sort=-value",
    "best candidate": "/runs/{run}/candidates/{best}",
    "lineage": "/runs/{run}/lineage?all=1",
}


def asked(service: Service, path: str, rounds: int = ROUNDS) -> list[str]:
    """Returns the median and the worst milliseconds of an answer, CPU milliseconds of the service, and KiB."""
    cpu, times, content = service.cpu_s(), [], b""
    for _ in range(rounds):
        taken, content = service.get(path)
        times.append(1e3 * taken)
    cpu_ms = 1e3 * (service.cpu_s() - cpu) / rounds
    figures = (statistics.median(times), max(times), cpu_ms, len(content) / 1024)
    return [f"{figure:,.0f}" for figure in figures]


def measure_run(service: Service, run: str) -> list[list[str]]:
    """Returns a row for each answer about a long run that is known."""
    _, told = service.get(f"/runs/{run}")
    best = json.loads(told)["best_candidates"][0]["id"]
    return [[run, name, *asked(service, path.format(run=run, best=best))] for name, path in PATHS.items()]


def measure(root: Path, *, evaluations: int, runs: int) -> list[Table]:
    """Asks a service that has just started, and again once it knows everything."""
    command = f"python -m benchmarks.service_reading --evaluations {evaluations} --runs {runs}"
    with serving(root) as service:
        idle, cpu = service.resident_mib(), service.cpu_s()
        began = time.perf_counter()
        first_s, content = service.get("/runs?per_page=200")
        reading = json.loads(content)["reading"]
        while json.loads(service.get("/runs?per_page=1&patience_s=60")[1])["reading"]:
            pass
        all_s, all_cpu_s = time.perf_counter() - began, service.cpu_s() - cpu
        cold = Table(
            f"A service that has just started on {runs + 2:,} runs",
            command,
            ["answer", "s", "CPU s of the service", "load"],
            [
                ["first list, with what is known by then", f"{first_s:.2f}", "", load()],
                ["all runs read", f"{all_s:.1f}", f"{all_cpu_s:.1f}", load()],
            ],
            [
                f"Two runs of {evaluations:,} evaluations, the others of {SMALL} to {SMALL + TEMPLATES - 1}.",
                f"The first list lacked {reading:,} runs, and says so.",
            ],
        )
        known = service.resident_mib()
        lists = [
            [name, *asked(service, path), load()]
            for name, path in (
                ("list, 50 of all", "/runs"),
                ("list, 200 of all by their best", "/runs?sort=best&per_page=200"),
                ("list, those that are running", "/runs?state=running"),
            )
        ]
        rows = measure_run(service, "plain") + measure_run(service, "rungs")
        before = service.resident_mib()
        paths = [
            f"/runs/{run}{part}"
            for run in ("plain", "rungs")
            for part in (
                "",
                "/chart",
                "/evaluations?limit=1000",
                "/evaluations?sort=-value",
                "/lineage?all=1",
            )
        ]
        with ThreadPoolExecutor(AT_A_TIME) as clients:
            list(clients.map(service.get, REPEATED * paths))
        after = service.resident_mib()
    figures = ["median ms", "worst ms", "CPU ms", "KiB"]
    return [
        cold,
        Table(f"Lists of {runs + 2:,} runs that are known", command, ["answer", *figures, "load"], lists),
        Table(
            f"A run of {evaluations:,} evaluations that is known",
            command,
            ["run", "answer", *figures],
            rows,
            [
                f"{ROUNDS} times each; `plain` trains everything to the end, `rungs` prunes and goes on.",
                "CPU is that of the service, which the clock of a busy machine says nothing of.",
            ],
        ),
        Table(
            "Memory of the service",
            command,
            ["when", "MiB"],
            [
                ["started", f"{idle:,.0f}"],
                ["all runs read", f"{known:,.0f}"],
                ["all answers once", f"{before:,.0f}"],
                [
                    f"{REPEATED * len(paths):,} answers about the long runs later, {AT_A_TIME} at a time",
                    f"{after:,.0f}",
                ],
            ],
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evaluations", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=1000, help="number of small runs")
    parser.add_argument(
        "--root", type=Path, help="runs that were written by an earlier call, or where to write them"
    )
    parser.add_argument(
        "--write", action="store_true", help="also write benchmarks/results/service_reading.md"
    )
    options = parser.parse_args()
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory(dir=".", prefix=".benchmark-") as folder:
        root = options.root or Path(folder)
        if not (root / "plain").exists():
            write_root(root, evaluations=options.evaluations, runs=options.runs)
        tables = measure(root, evaluations=options.evaluations, runs=options.runs)
    for table in tables:
        print(table)
    if options.write:
        print(f"written: {write('service_reading', 'What the service reads', tables)}")


if __name__ == "__main__":
    main()
