"""A writer process killed with SIGKILL again and again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from tests.checker import check_run
from tests.ledger.samples import evaluation, start

ROOT = Path(__file__).parents[2]
KILLS = 5


def test_acknowledged_evaluations_survive_any_kill(tmp_path: Path) -> None:
    start(tmp_path / "run")
    rng = random.Random(3)
    acknowledged: set[int] = set()
    dispatched: set[int] = set()
    for _ in range(KILLS):
        for line in _lines_before_kill(tmp_path / "run", delay_s=rng.uniform(0, 0.3)):
            word, *keys = line.split()
            if word == "acknowledged":
                acknowledged.update(map(int, keys))
            elif word == "dispatched":
                dispatched.update(map(int, keys))
        assert (
            check_run(tmp_path / "run", acknowledged=_evaluations(acknowledged), dispatched=dispatched) == []
        )
    assert len(acknowledged) > KILLS


def _lines_before_kill(run: Path, *, delay_s: float) -> list[str]:
    """Returns what a writer said before it was killed, ``delay_s`` seconds after it was ready."""
    command = [sys.executable, "-m", "tests.ledger.writer", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        first_commit = [writer.stdout.readline(), writer.stdout.readline()]
        time.sleep(delay_s)
        writer.kill()
        return first_commit + [line for line in writer.stdout.readlines() if line.endswith("\n")]


def _evaluations(keys: set[int]) -> dict[int, object]:
    return {key: evaluation(key) for key in keys}
