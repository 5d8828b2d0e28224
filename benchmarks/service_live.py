"""What watching a live search costs: the delay of events for many watchers, and the pace of the search beside them.

    python -m benchmarks.service_live [--watchers 200] [--pairs 3] [--evaluations 300] [--write]

Run from the root of the repository; needs the extra ``serve``. A service in a process of its own runs searches, one
after the other, watched and unwatched in turns; the watchers are connections of this process. With ``--write`` the
table also goes to ``benchmarks/results/service_live.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests

from benchmarks.table import Table, load, write

CONFIG: dict[str, Any] = {
    "task": {"kind": "parity", "train": 256, "validation": 64, "test": 64},
    "space": {"layers": {"min": 1, "max": 1}, "widths": [16], "batch_sizes": [32], "evolve_cell": False},
    "strategy": {"kind": "random"},
    "training": {"epochs": 4, "device": "cpu"},
    "verdict": {"at_end": False},
}
ID = re.compile(rb"^id: 1-(\d+)\n", re.MULTILINE)
LOOK_S = 0.002
"""Seconds between two looks at the file of events; its own time of change is what counts."""
NS = 1e9


@dataclass
class Measured:
    """One search.

    Attributes:
        per_minute: Evaluations a minute of the time that it searched.
        cpu_ms: CPU milliseconds of its process for each evaluation, without those of its start.
        service_cpu: Share of a core that the service took meanwhile.
        service_mib: Resident memory of the service at its end.
        delays_s: Seconds from the writing of an event to its arrival, for each event and watcher.
        received: Events that arrived, of all watchers.
    """

    per_minute: float
    cpu_ms: float
    service_cpu: float
    service_mib: float
    delays_s: list[float] = field(default_factory=list)
    received: int = 0


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

    def begin(self, name: str, evaluations: int) -> Path:
        """Begins a search and returns the folder of its launch."""
        config = CONFIG | {"name": name, "budget": {"evaluations": evaluations}}
        requests.post(f"{self.url}/api/v1/runs", json={"config": config}, timeout=60).raise_for_status()
        return self.state / name / "000001"


async def watch(service: Service, name: str, arrived: list[tuple[int, float]], ready: asyncio.Event) -> None:
    """Watches one run until its stream ends, and notes which event arrived when."""
    address = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET /api/v1/runs/{name}/events HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
    answered = await reader.readline()
    assert b"200" in answered, answered
    while data := await reader.read(2**16):
        now = time.time()
        ready.set()
        arrived += [(int(offset), now) for offset in ID.findall(data)]
        if b"event: end\n" in data:
            break
    writer.close()


async def observe(events: Path, written: dict[int, float], over: asyncio.Event) -> None:
    """Notes when the file of events had which size, by the clock of the file system."""
    while not over.is_set():
        found = events.stat()
        written.setdefault(found.st_size, found.st_mtime_ns / NS)
        await asyncio.sleep(LOOK_S)


async def search(service: Service, name: str, *, evaluations: int, watchers: int) -> Measured:
    """Has the service search, and measures it."""
    folder = await asyncio.to_thread(service.begin, name, evaluations)
    events, written, over = folder / "events.jsonl", dict[int, float](), asyncio.Event()
    arrived: list[list[tuple[int, float]]] = [[] for _ in range(watchers)]
    ready = [asyncio.Event() for _ in range(watchers)]
    child = psutil.Process(json.loads((folder / "launch.json").read_text())["pid"])
    observing = asyncio.create_task(observe(events, written, over))
    watching = [
        asyncio.create_task(watch(service, name, each, flag))
        for each, flag in zip(arrived, ready, strict=True)
    ]
    cpu_s, loaded_s, began_s, began = 0.0, 0.0, time.monotonic(), sum(service.watched.cpu_times()[:2])
    all_ready = await_all(ready)
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        with contextlib.suppress(psutil.Error):
            cpu_s = sum(child.cpu_times()[:2])
        if not loaded_s and b'{"event": "started"' in events.read_bytes():
            loaded_s = cpu_s
        await asyncio.sleep(0.2)
    service_cpu = (sum(service.watched.cpu_times()[:2]) - began) / (time.monotonic() - began_s)
    mib = service.watched.memory_info().rss / 2**20
    await asyncio.wait_for(asyncio.gather(*watching), 60)
    over.set()
    await observing
    since = await all_ready
    return Measured(
        *pace(events, cpu_s - loaded_s),
        service_cpu,
        mib,
        [
            now - written[offset]
            for each in arrived
            for offset, now in each
            # What was sent at first was written long before, and not every event was seen by itself in the file.
            if offset in written and written[offset] > since
        ],
        sum(map(len, arrived)),
    )


def await_all(ready: list[asyncio.Event]) -> asyncio.Task[float]:
    """Returns a task for the time at which all watchers are connected."""

    async def last() -> float:
        for each in ready:
            await each.wait()
        return time.time()

    return asyncio.create_task(last())


def pace(events: Path, cpu_s: float) -> tuple[float, float]:
    """Returns evaluations a minute, and CPU milliseconds for each."""
    told = [line for line in events.read_text().splitlines() if line.startswith('{"event": "progressed"')]
    last = json.loads(told[-1])
    return 60 * last["told"] / last["elapsed_s"], 1000 * cpu_s / last["told"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    watched, alone = [], []
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        try:
            for pair in range(given.pairs):
                # Each goes first in turns, since the load of a shared machine drifts.
                for count in (given.watchers, 0) if pair % 2 == 0 else (0, given.watchers):
                    name = f"pair-{pair}-{'watched' if count else 'alone'}"
                    one = asyncio.run(search(service, name, evaluations=given.evaluations, watchers=count))
                    (watched if count else alone).append(one)
                    print(
                        name,
                        f"{one.per_minute:.0f}/min, service {one.service_cpu:.1%}, {one.service_mib:.0f} MiB",
                    )
        finally:
            service.process.terminate()
            service.process.wait()
    table = tabled(watched, alone, given)
    print(table)
    if given.write:
        print(write("service_live", "Watching a live search", [table]))


def tabled(watched: list[Measured], alone: list[Measured], given: argparse.Namespace) -> Table:
    """Returns the table of all searches."""
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
            f"{one.received:,}",
        ]
        for pair, (one, other) in enumerate(zip(watched, alone, strict=True), start=1)
    ]
    delays = [delay for one in watched for delay in one.delays_s]
    ratio = statistics.geometric_mean(
        one.per_minute / other.per_minute for one, other in zip(watched, alone, strict=True)
    )
    p50, p99, most = (1000 * delay for delay in quantiles(delays))
    return Table(
        f"{given.watchers} watchers of one run, in {given.pairs} pairs of searches of {given.evaluations} evaluations",
        f"python -m benchmarks.service_live --watchers {given.watchers} --pairs {given.pairs} "
        f"--evaluations {given.evaluations} --write",
        [
            "pair",
            "evaluations/min watched",
            "unwatched",
            "ratio",
            "CPU ms an evaluation",
            "core of the service",
            "its MiB",
            "delay p50 / p99 / most, ms",
            "events received",
        ],
        rows,
        [
            f"Delay of {len(delays):,} arrivals: half within {p50:.0f} ms, 99 % within {p99:.0f} ms, all within "
            f"{most:.0f} ms. It is the time from the change of the file of events to the arrival at a watcher.",
            f"Geometric mean of the ratios of pace: {ratio:.3f}. Of two figures in a cell the first is of the watched "
            "search.",
            "Search, service and all watchers shared this machine with other work; its load average at the end was "
            f"{load()}. The watchers are one process, which takes as much from the search as the service does.",
        ],
    )


def quantiles(delays: list[float]) -> tuple[float, float, float]:
    """Returns median, 99th percentile and the most."""
    ordered = sorted(delays) or [0.0]
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], ordered[-1]


if __name__ == "__main__":
    main()
