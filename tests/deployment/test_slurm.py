"""The Slurm script: what shellcheck says, and what it does with two nodes that are one machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from evo_nas.runs import Run
from tests.cluster.harness import end_all
from tests.deployment.files import SLURM

SCRIPTS = Path(sysconfig.get_path("scripts"))
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
SLURM_PROCID=0 "$@" & head=$!
SLURM_PROCID=1 "$@" & other=$!
trap 'kill $head $other' TERM
wait
wait
"""
SCONTROL = """#!/bin/bash
echo "$@" >> scontrol.log
"""
EVO_NAS = """#!/bin/bash
case $1 in
    search) sleep 0.3; echo > searching; exec sleep 600 ;;
    stop) echo > stop-failed; exit 1 ;;
esac
"""
RAY = f"""#!/bin/bash
[[ " $* " != *" --head "* ]] || exec {sys.executable} -m http.server --bind "${{address%:*}}" "${{address#*:}}"
exec sleep 600
"""


def test_shellcheck_finds_nothing() -> None:
    subprocess.run([SCRIPTS / "shellcheck", SLURM], check=True)


def stand_in(tmp_path: Path, **commands: str) -> None:
    """Puts scripts in the place of the commands of these names, where ``_`` is a hyphen."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    for name, text in commands.items():
        path = tmp_path / "bin" / name.replace("_", "-")
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Environment of a job whose directory of submission is ``tmp_path``."""
    stand_in(tmp_path, srun=SRUN, scontrol=SCONTROL)
    ray_files = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # sockets need short paths
    yield {
        **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
        "PATH": f"{tmp_path / 'bin'}:{SCRIPTS}:{os.environ['PATH']}",
        "RAY_TMPDIR": ray_files,
        "RAY_prestart_worker_first_driver": "0",
        "SLURM_JOB_ID": f"{os.getpid()}",
        "SLURM_CPUS_PER_TASK": "1",
    }
    end_all(f"RAY_TMPDIR={ray_files}\0")
    shutil.rmtree(ray_files, ignore_errors=True)


@contextmanager
def started(tmp_path: Path, job: dict[str, str], *, evaluations: int) -> Iterator[subprocess.Popen[bytes]]:
    config = {
        "name": "slurm",
        "task": {"kind": "digits"},
        "space": {"widths": [4], "layers": {"min": 1, "max": 1}},
        "training": {"epochs": 2},
        "budget": {"evaluations": evaluations},
        "verdict": {
            "finalists": 1,
            "cuts": 1,
            "trials": 1,
            "seeds": 1,
            "most_seeds": 1,
            "opponents": ["lstm"],
        },
        "workers": {"min": 1, "max": 2},
    }
    (tmp_path / "search.yaml").write_text(yaml.safe_dump(config))
    command = [SLURM, "search.yaml", tmp_path / "run"]
    with (
        (tmp_path / "slurm.log").open("ab") as log,
        subprocess.Popen(command, cwd=tmp_path, env=job, stdout=log, stderr=log) as script,
    ):
        try:
            yield script
        finally:
            script.kill()


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_job_at_the_end_of_its_time_queues_again_and_goes_on(tmp_path: Path, job: dict[str, str]) -> None:
    run, log = tmp_path / "run", tmp_path / "slurm.log"
    with started(tmp_path, job, evaluations=100_000) as first:
        while not (Run.at(run).exists and Run.at(run).table().num_rows):
            assert first.poll() is None, log.read_text()
            time.sleep(0.5)
        first.send_signal(signal.SIGUSR1)
        assert first.wait() == 0, log.read_text()
    assert (tmp_path / "scontrol.log").read_text() == f"requeue {job['SLURM_JOB_ID']}\n"
    told = Run.at(run).table()["id"].to_pylist()
    with started(tmp_path, job, evaluations=len(told) + 4) as second:
        assert second.wait() == 0, log.read_text()
    assert Run.at(run).table()["id"].to_pylist()[: len(told)] == told
    assert Run.at(run).table().num_rows >= len(told) + 4
    assert "verdict" in log.read_text()
    assert list(tmp_path.glob(".ray-token-*")) == []


def test_a_job_whose_search_cannot_be_stopped_is_queued_again_all_the_same(
    tmp_path: Path, job: dict[str, str]
) -> None:
    stand_in(tmp_path, evo_nas=EVO_NAS, ray=RAY)
    with started(tmp_path, job, evaluations=1) as script:
        while not (tmp_path / "searching").exists():
            assert script.poll() is None, (tmp_path / "slurm.log").read_text()
            time.sleep(0.05)
        script.send_signal(signal.SIGUSR1)
        assert script.wait() == 0, (tmp_path / "slurm.log").read_text()
    assert (tmp_path / "stop-failed").exists()
    assert (tmp_path / "scontrol.log").read_text() == f"requeue {job['SLURM_JOB_ID']}\n"
