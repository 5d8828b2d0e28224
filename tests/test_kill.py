"""The real command line, really killed: whatever it acknowledged is there afterwards, once, and it goes on.

`pytest -m campaign tests/test_kill.py` kills it many times more.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evo_nas.evaluation import Evaluation
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from tests.checker import check_run

EVO_NAS = Path(sys.executable).with_name("evo-nas")
ENDLESS = 1_000_000
LAST_STRETCH = 20
# "start" is killed before it has said anything, so it follows a victim after which a search starts.
VICTIMS = ("head", "start", "worker", "both")
CAMPAIGN = 2 * ("worker", "head", "start", "worker", "both", "start")
LATEST_KILL_S = 0.8
PATIENCE_S = 240.0
CONFIG = """
name: killed
seed: 3
task: {kind: forecast, path: waves.csv, targets: [y], window: 8, horizon: 1}
space: {widths: [4, 8], batch_sizes: [32], cell_nodes: 8}
strategy: {kind: aging, population: 20, tournament: 5, warmup: 5}
training: {epochs: 1, time_limit_s: 20}
workers: 2
"""
RUNGS = """
training: {epochs: 4, time_limit_s: 20}
fitness: {rungs: [2, 3], reduction: 2}
workers: 2
"""
"""Instead of the last lines of the other: what is pruned leaves weights, which the kills must not harm."""


@pytest.fixture
def config(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    text = CONFIG
    if getattr(request, "param", "") == "rungs":
        text = CONFIG[: CONFIG.index("training:")] + RUNGS.lstrip()
    rows = [f"{math.sin(step / 5):.4f},{math.cos(step / 9):.4f}" for step in range(3000)]
    (tmp_path / "waves.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    path = tmp_path / "killed.yaml"
    path.write_text(text)
    return path


class Cli:
    """A ``search`` in a process of its own."""

    def __init__(self, config: Path, run: Path, *, budget: int = ENDLESS) -> None:
        self._log = run.with_suffix(".log")
        self._read, self._told = 0, 0
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [EVO_NAS, "search", config, "--run", run, "--set", f"budget.evaluations={budget}", "--json"],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def workers(self) -> list[int]:
        """Pids of the worker processes that train for this search."""
        return [pid for pid in descendants(self.process.pid) if title(pid).startswith(b"ray::RayWorker")]

    def told(self) -> int:
        """How many evaluations it has said to be committed; reads on where it had read to."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            whole_lines = log.read().rpartition(b"\n")
        self._read += len(whole_lines[0]) + len(whole_lines[1])
        events = [json.loads(line) for line in whole_lines[0].splitlines() if line.startswith(b"{")]
        told = [event["told"] for event in events if event["event"] == "progressed"]
        self._told = max([self._told, *told])
        return self._told

    def await_told(self, count: int) -> None:
        self._await(lambda: self.told() >= count)

    def await_workers(self) -> list[int]:
        self._await(lambda: bool(self.workers()))
        return self.workers()

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def finish(self) -> None:
        assert self.process.wait(PATIENCE_S) == 0, self._log.read_text()


def title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def descendants(root: int) -> Iterator[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    known = {root}
    for pid in sorted(parents):
        if parents[pid] in known:
            known.add(pid)
            yield pid


def durable(run: Path) -> dict[int, Evaluation]:
    if not Run.at(run).exists:
        return {}
    return {evaluation.candidate.id: evaluation for evaluation in Run.at(run).history().told}


def only_wanted_weights(run: Path) -> bool:
    """Whether the weights that are kept are whole, and all that a later candidate may begin with."""
    history = Run.at(run).history()
    strategy = Experiment.of_run(Run.at(run)).strategy()
    strategy.resume(history.told, history.in_flight)
    return set(Run.at(run).weights.digests()) == strategy.wanted_weights()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds worker processes through /proc")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("config", "victims", "seed"),
    [
        ("plain", VICTIMS, 11),
        ("rungs", ("both",), 12),
        *(
            pytest.param(kind, CAMPAIGN, seed, marks=pytest.mark.campaign)
            for seed, kind in zip(range(10), 5 * ("plain", "rungs"), strict=True)
        ),
    ],
    indirect=["config"],
)
def test_a_search_killed_again_and_again_loses_and_repeats_nothing(
    config: Path, tmp_path: Path, victims: tuple[str, ...], seed: int
) -> None:
    rng = random.Random(seed)
    run = tmp_path / "run"
    acknowledged: dict[int, Evaluation] = {}
    orphans: set[int] = set()
    cli = Cli(config, run)
    try:
        for victim in victims:
            resumed_at = len(durable(run))
            if victim != "start":
                cli.await_told(resumed_at + 1)
            time.sleep(rng.uniform(0.0, LATEST_KILL_S))
            workers = cli.await_workers() if victim in ("worker", "both") else []
            acknowledged |= durable(run)
            said = cli.told()
            assert (said <= resumed_at) == (victim == "start")
            assert cli.process.poll() is None
            family = set(descendants(cli.process.pid))
            for pid in workers[:1]:
                os.kill(pid, signal.SIGKILL)
            if victim == "worker":
                cli.await_told(said + 3)
                continue
            cli.kill()
            orphans |= family
            assert check_run(run, acknowledged=acknowledged) == []
            assert len(durable(run)) >= said
            cli = Cli(config, run)
        cli.kill()
        budget = len(durable(run)) + LAST_STRETCH
        cli = Cli(config, run, budget=budget)
        cli.finish()
    finally:
        cli.kill()
    assert check_run(run, acknowledged=acknowledged, budget=budget, complete=True) == []
    assert len(acknowledged) >= len(victims)
    verification = subprocess.run([EVO_NAS, "verify", run], capture_output=True, text=True, check=False)
    assert verification.returncode == 0, verification.stdout + verification.stderr
    assert not [pid for pid in orphans if title(pid).startswith(b"ray::RayWorker")]
    assert only_wanted_weights(run)
