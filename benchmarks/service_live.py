"""What watching a live search costs: the delay of events for many watchers, and the pace of the search beside them.

    python -m benchmarks.service_live [--watchers 200] [--pairs 8] [--seconds 15] [--write]

Run from the root of the repository; needs the extra ``serve``. A service in a process of its own runs one search,
which is watched and left alone in turns; the watchers are connections of this process. With ``--write`` the table
also goes to ``benchmarks/results/service_live.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
import requests

from benchmarks.table import Table, load, write

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG: dict[str, Any] = {
    "name": "watched",
    "task": {"kind": "parity", "train": 64, "validation": 32, "test": 32},
    "space": {"layers": {"min": 1, "max": 1}, "widths": [8], "batch_sizes": [32], "evolve_cell": False},
    "strategy": {"kind": "random"},
    "training": {"epochs": 1, "device": "cpu"},
    "budget": {"evaluations": 10**6},
    "verdict": {"at_end": False},
}
"""Candidates of some 50 ms, so that a turn has many."""
ID = re.compile(rb"^id: 1-(\d+)\n", re.MULTILINE)
LAST_S = 2.0
"""Seconds that the last events of a turn get to arrive."""
LOOK_S = 0.002
"""Seconds between two looks at the file of events; its own time of change is what counts."""
NS = 1e9


@dataclass
class Turn:
    """Some seconds of the search.

    Attributes:
        per_minute: Evaluations a minute.
        cpu_ms: CPU milliseconds of the search for each evaluation.
        service_cpu: Share of a core that the service took.
        service_mib: Resident memory of the service at the end.
        delays_s: Seconds from the writing of an event to its arrival, for each event and watcher.
        missed: Pairs of an event and a watcher that it did not reach.
    """

    per_minute: float
    cpu_ms: float
    service_cpu: float
    service_mib: float
    delays_s: list[float] = field(default_factory=list)
    missed: int = 0


class Service:
    """A service in a process of its own."""

    def __init__(self, root: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "evo_nas.cli",
            "serve",
            "--root",
            str(root),
            "--port",
            "0",
            "--inline",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().rsplit(" ", 1)[-1].strip().rstrip("/")
        self.watched = psutil.Process(self.process.pid)
        self.state = root / ".service"

    def begin(self) -> Path:
        """Begins the search, waits until it runs, and returns the folder of its launch."""
        self.post("/runs", {"config": CONFIG})
        folder = self.state / "watched" / "000001"
        while b'"progressed"' not in (folder / "events.jsonl").read_bytes():
            time.sleep(0.1)
        return folder

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Asks for something."""
        requests.post(f"{self.url}/api/v1{path}", json=body, timeout=60).raise_for_status()


async def watch(service: Service, arrived: list[tuple[int, float]], ready: asyncio.Event) -> None:
    """Watches the run until it is cancelled, and notes which event arrived when."""
    address = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(f"GET /api/v1/runs/watched/events HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        answered = await reader.readline()
        assert b"200" in answered, answered
        while data := await reader.read(2**16):
            now = time.time()
            arrived += [(int(offset), now) for offset in ID.findall(data)]
            ready.set()
    finally:
        writer.close()


async def observe(events: Path, written: dict[int, float], over: asyncio.Event) -> None:
    """Notes when the file of events had which size, by the clock of the file system."""
    while not over.is_set():
        found = events.stat()
        written.setdefault(found.st_size, found.st_mtime_ns / NS)
        await asyncio.sleep(LOOK_S)


async def turn(service: Service, folder: Path, *, watchers: int, seconds: float) -> Turn:
    """Measures the search for some seconds with so many watchers."""
    events, written, over = folder / "events.jsonl", dict[int, float](), asyncio.Event()
    arrived: list[list[tuple[int, float]]] = [[] for _ in range(watchers)]
    ready = [asyncio.Event() for _ in range(watchers)]
    child = psutil.Process(json.loads((folder / "launch.json").read_text())["pid"])
    watching = [
        asyncio.create_task(watch(service, each, flag)) for each, flag in zip(arrived, ready, strict=True)
    ]
    await asyncio.gather(*(each.wait() for each in ready))
    # What was written before comes to a new watcher, too, in several pieces; its age is no delay.
    first_s = time.time()
    observing = asyncio.create_task(observe(events, written, over))
    began = progress(events), cpu_s(child), cpu_s(service.watched), time.monotonic()
    await asyncio.sleep(seconds)
    ended = progress(events), cpu_s(child), cpu_s(service.watched), time.monotonic()
    over.set()
    await observing
    await asyncio.sleep(LAST_S if watchers else 0.0)
    for each in watching:
        each.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    told = ended[0]["told"] - began[0]["told"]
    # Where two events came between two looks at the file, only the time of the second is known; where a look came
    # within the writing of a line, its size is no event's.
    content = events.read_bytes()
    counting = {
        offset: written_s
        for offset, written_s in written.items()
        if written_s >= first_s and content.endswith(b"\n", 0, offset)
    }
    delays_s = [
        arrived_s - counting[offset] for each in arrived for offset, arrived_s in each if offset in counting
    ]
    return Turn(
        60 * told / (ended[0]["elapsed_s"] - began[0]["elapsed_s"]),
        1000 * (ended[1] - began[1]) / told,
        (ended[2] - began[2]) / (ended[3] - began[3]),
        service.watched.memory_info().rss / 2**20,
        delays_s,
        len(counting) * watchers - len(delays_s),
    )


def progress(events: Path) -> dict[str, Any]:
    """Returns the last progress of the search."""
    told = [line for line in events.read_text().splitlines() if line.startswith('{"event": "progressed"')]
    last: dict[str, Any] = json.loads(told[-1])
    return last


def cpu_s(process: psutil.Process) -> float:
    """Returns the CPU seconds that a process has taken so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        try:
            watched, alone = asyncio.run(measured(service, given))
            service.post("/runs/watched/stop", {})
        finally:
            service.process.terminate()
            service.process.wait()
    table = tabled(watched, alone, given)
    print(table)
    if given.write:
        print(write("service_live", "Watching a live search", [table]))


async def measured(service: Service, given: argparse.Namespace) -> tuple[list[Turn], list[Turn]]:
    """Returns the turns with watchers and those without."""
    folder = await asyncio.to_thread(service.begin)
    watched: list[Turn] = []
    alone: list[Turn] = []
    for pair in range(given.pairs):
        # Each goes first in turns, since the load of a shared machine drifts.
        for count in (given.watchers, 0) if pair % 2 == 0 else (0, given.watchers):
            one = await turn(service, folder, watchers=count, seconds=given.seconds)
            (watched if count else alone).append(one)
            print(f"{count} watchers: {one.per_minute:.0f}/min, service {one.service_cpu:.1%}", flush=True)
    return watched, alone


def tabled(watched: list[Turn], alone: list[Turn], given: argparse.Namespace) -> Table:
    """Returns the table of all turns."""
    rows = [
        [
            f"{pair}",
            f"{one.per_minute:,.0f}",
            f"{other.per_minute:,.0f}",
            f"{one.per_minute / other.per_minute:.3f}",
            f"{one.cpu_ms:.1f} / {other.cpu_ms:.1f}",
            f"{one.service_cpu:.1%} / {other.service_cpu:.1%}",
            f"{one.service_mib:.0f} / {other.service_mib:.0f}",
            " / ".join(f"{1000 * delay:.0f}" for delay in quantiles(one.delays_s)),
        ]
        for pair, (one, other) in enumerate(zip(watched, alone, strict=True), start=1)
    ]
    delays = [delay for one in watched for delay in one.delays_s]
    p50, p99, most = (1000 * delay for delay in quantiles(delays))
    return Table(
        f"{given.watchers} watchers of one run, in {given.pairs} pairs of turns of {given.seconds:g} s",
        f"python -m benchmarks.service_live --watchers {given.watchers} --pairs {given.pairs} "
        f"--seconds {given.seconds:g} --write",
        [
            "pair",
            "evaluations/min watched",
            "unwatched",
            "ratio",
            "CPU ms an evaluation",
            "core of the service",
            "its MiB",
            "delay p50 / p99 / most, ms",
        ],
        rows,
        [
            f"Delay of {len(delays):,} arrivals: half within {p50:.0f} ms, 99 % within {p99:.0f} ms, all within "
            f"{most:.0f} ms; {sum(one.missed for one in watched)} did not arrive. It is the time from the change of "
            "the file of events to the arrival at a watcher.",
            f"Pace watched by unwatched: {compared(watched, alone, lambda one: one.per_minute)}. CPU of the search for "
            f"an evaluation: {compared(watched, alone, lambda one: one.cpu_ms)}. Both are geometric means of the "
            "ratios of pairs, with standard errors.",
            "Of two figures in a cell the first is of the watched turn. Search, service and all watchers shared this "
            f"machine with other work; its load average at the end was {load()}. The watchers are one process, which "
            "takes more from the search than the service does.",
        ],
    )


def compared(watched: list[Turn], alone: list[Turn], value: Callable[[Turn], float]) -> str:
    """Returns the geometric mean of the ratios of pairs, and its standard error."""
    logs = [math.log(value(one) / value(other)) for one, other in zip(watched, alone, strict=True)]
    error = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else math.nan
    return f"{math.exp(statistics.fmean(logs)):.3f} ± {error:.3f}"


def quantiles(delays: list[float]) -> tuple[float, float, float]:
    """Returns median, 99th percentile and the most."""
    ordered = sorted(delays) or [0.0]
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], ordered[-1]


if __name__ == "__main__":
    main()
