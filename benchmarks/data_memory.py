"""Measures what a long series takes in each process of a search: the one that searches, and every worker.

    python -m benchmarks.data_memory [--write]

Searches a CSV file of a million rows, and one of ten thousand beside it, through the command line with two Ray
workers; what the processes hold is read from ``/proc`` while they work. ``--write`` replaces
``benchmarks/results/data_memory.md``.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml
from pyarrow import csv as arrow_csv

from benchmarks.table import Table, write
from evo_nas.config import load_config
from evo_nas.experiment import Experiment

SIZES = (10_000, 1_000_000)
COLUMNS, WINDOW, HORIZON = 7, 96, 24
PAUSE_S = 0.2


def main(*options: str) -> None:
    rows = [_measured(size) for size in SIZES]
    table = Table(
        f"Memory of a forecast on series of {COLUMNS} columns, windows of {WINDOW} rows, in MiB",
        "python -m benchmarks.data_memory --write",
        [
            "rows",
            "windows",
            "CSV file",
            "data set",
            "all windows would be",
            "searching process, private",
            "each worker, private",
            "each worker, shared",
        ],
        rows,
        [
            "The largest sizes seen while two workers trained; private is what a process alone holds (RssAnon), shared "
            "is what it maps of Ray's object store (RssShmem), which is there once for all workers of a machine.",
            "Windows are cut out when a batch is taken, and never all at once.",
            "The object store is the memory map: workers read the arrays in place, without a copy and without "
            "unpickling. The files themselves are not mapped: what is learnt is standardised, which copies it, and "
            "neither CSV nor compressed Parquet and NPZ hold arrays that could be used as they lie.",
        ],
    )
    if "--write" in options:
        write("data_memory", "Memory of long series", [table])
    else:
        print(table)


def _measured(rows: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        config = _written(Path(folder), rows)
        dataset = Experiment.of(load_config(config)).dataset
        parts = (dataset.train, dataset.validation, dataset.test)
        windows = sum(map(len, parts))
        stored = len(pickle.dumps(dataset, protocol=5)) / 2**20
        del dataset, parts
        most = _watched(["search", str(config), "--run", f"{folder}/run", "--json"])
        file = (Path(folder) / "long.csv").stat().st_size / 2**20
    copies = windows * WINDOW * COLUMNS * 4 / 2**20
    sizes = [file, stored, copies, most["head private"], most["worker private"], most["worker shared"]]
    return [f"{rows:,}", f"{windows:,}", *(f"{size:,.0f}" for size in sizes)]


def _written(folder: Path, rows: int) -> Path:
    """Writes a series and a configuration that reads it, with few windows to train on."""
    values = np.random.default_rng(0).normal(size=(rows, COLUMNS)).astype(np.float32)
    names = [f"c{column}" for column in range(COLUMNS)]
    arrow_csv.write_csv(pa.table(dict(zip(names, values.T, strict=True))), folder / "long.csv")
    task = {"kind": "forecast", "path": "long.csv", "targets": ["c0"], "window": WINDOW, "horizon": HORIZON}
    config = {
        "name": "long",
        "task": {**task, "split": [0.96, 0.02, 0.02], "stride": max(1, rows // 2000)},
        "space": {"widths": [8], "layers": {"max": 1}, "batch_sizes": [32]},
        "training": {"epochs": 2},
        "budget": {"evaluations": 6},
        "workers": 2,
    }
    path = folder / "long.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _watched(arguments: list[str]) -> Counter[str]:
    """Runs a command and returns the largest memory of its process and of its workers until it ends."""
    most: Counter[str] = Counter()
    command = [str(Path(sys.executable).parent / "evo-nas"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            tree = _below(process.pid)
            for name, pid in [("head", process.pid), *(("worker", pid) for pid in tree if _is_worker(pid))]:
                for kind, mib in _resident(pid).items():
                    most[f"{name} {kind}"] = max(most[f"{name} {kind}"], mib)
            time.sleep(PAUSE_S)
        output = process.stdout.read() if process.stdout else ""
    assert any(json.loads(line)["event"] == "judged" for line in output.splitlines())
    return most


def _below(root: int) -> list[int]:
    """Returns the processes that ``root`` started, and those that these started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


def _is_worker(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::")
    return False


def _resident(pid: int) -> dict[str, float]:
    """Returns the private and the shared memory of a process in MiB; nothing of one that has ended."""
    kinds = {"RssAnon": "private", "RssShmem": "shared"}
    with suppress(OSError):
        lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return {kinds[line[0][:-1]]: int(line[1]) / 1024 for line in lines if line and line[0][:-1] in kinds}
    return {}


if __name__ == "__main__":
    main(*sys.argv[1:])
