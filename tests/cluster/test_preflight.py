"""What is refused before a cluster is asked, and what the cluster refuses before anything is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from evo_nas.cluster.preflight import REFUSED, problems, remote_paths
from evo_nas.config import SearchConfig, configured
from evo_nas.errors import ConfigError


def config(**task: Any) -> SearchConfig:
    return configured({"name": "a", "task": task})


def test_absolute_data_paths_are_what_the_cluster_must_have() -> None:
    forecast = config(kind="forecast", path="/data/waves.csv", targets=["y"], window=8, horizon=1)
    assert remote_paths(forecast) == ["/data/waves.csv"]


def test_a_task_without_files_needs_none() -> None:
    assert remote_paths(config(kind="digits")) == []


def test_a_relative_data_path_is_refused_since_data_are_not_sent() -> None:
    relative = config(kind="forecast", path="waves.csv", targets=["y"], window=8, horizon=1)
    with pytest.raises(
        ConfigError, match=r"^task\.path is waves\.csv; must be an absolute path on the head node"
    ):
        remote_paths(relative)


def test_options_are_checked_before_anything_else() -> None:
    with pytest.raises(ConfigError, match="strategy.kind is agin; did you mean aging"):
        remote_paths(configured({"name": "a", "task": {"kind": "digits"}, "strategy": {"kind": "agin"}}))


def test_files_and_patterns_that_are_there_are_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    wanted = {"evo-nas": version("evo-nas")}
    assert list(problems(wanted, [str(tmp_path / "a.csv"), str(tmp_path / "*.csv")], "s3://bucket/run")) == []


def test_the_cluster_says_what_it_lacks_and_leaves_with_its_own_code(tmp_path: Path) -> None:
    arguments = {"wanted": {"evo-nas": "0.0"}, "paths": ["/nowhere/a.csv"], "run": "/proc/run"}
    done = subprocess.run(
        [sys.executable, "-m", "evo_nas.cluster.preflight", json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == REFUSED
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"error: the cluster has evo-nas {version('evo-nas')}, this machine 0.0;")
    assert lines[1].startswith(
        "error: /nowhere/a.csv cannot be read on the head node of the cluster; data are"
    )


def test_a_preflight_loads_next_to_nothing() -> None:
    code = "import sys, evo_nas.cluster.preflight; print({'ray', 'torch', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
