"""The Python interface: what it offers, and that parts of a program's own take part in a search."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import evo_nas
from evo_nas import api, client, estimators
from evo_nas.cli import main
from evo_nas.errors import ConfigChangedError, ConfigError, DataChangedError, DataError
from evo_nas.runs import Run
from evo_nas.sessions.events import Judged
from evo_nas.strategies import registry as strategies
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions
from evo_nas.tasks import registry as tasks
from evo_nas.tasks.dataset import Dataset
from evo_nas.tasks.parity import ParityTask

NAMES = [
    "Run",
    "dataset_from_arrays",
    "load_champion",
    "load_run",
    "open_session",
    "register_exporter",
    "register_strategy",
    "register_task",
    "search",
]
ESTIMATORS = ["EvoClassifier", "EvoForecaster", "EvoRegressor"]
SETTINGS: dict[str, Any] = {
    "name": "mine",
    "space": {"widths": [4], "batch_sizes": [32], "cell_nodes": 8},
    "training": {"epochs": 1, "device": "cpu"},
    "budget": {"evaluations": 3},
    "workers": 1,
}


def dataset(*, seed: int = 0) -> Dataset:
    inputs = np.random.default_rng(seed).normal(size=(80, 6, 2))
    return evo_nas.dataset_from_arrays(inputs, inputs.sum(axis=(1, 2)) > 0, kind="classification")


def test_the_public_names_are_these() -> None:
    assert api.__all__ == NAMES
    assert estimators.__all__ == ESTIMATORS
    assert evo_nas.__all__ == dir(evo_nas) == ["Client", *ESTIMATORS, *NAMES]
    assert evo_nas.Client is client.Client
    for name in ESTIMATORS + NAMES:
        assert getattr(evo_nas, name) is getattr(estimators if name in ESTIMATORS else api, name)


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("torch", "ray", "deap", "pyarrow", "numpy", "sklearn")
    program = f"import evo_nas, sys; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_arrays_in_memory_are_searched_and_only_the_same_arrays_go_on(tmp_path: Path) -> None:
    heard: list[object] = []
    run = tmp_path / "run"
    verdict = evo_nas.search(SETTINGS, run, dataset=dataset(), executor="inline", on_event=heard.append)
    assert verdict.evaluations == 3
    assert heard[-1] == Judged(verdict=verdict)
    assert verdict.baselines
    assert evo_nas.search(SETTINGS, run, dataset=dataset(), executor="inline") == verdict
    with pytest.raises(DataChangedError, match=r"train\.inputs: SHA-256 was"):
        evo_nas.search(SETTINGS, run, dataset=dataset(seed=1), executor="inline")


def test_a_run_of_arrays_cannot_go_on_without_them(tmp_path: Path) -> None:
    evo_nas.search(SETTINGS, tmp_path / "run", dataset=dataset(), executor="inline")
    settings = {**SETTINGS, "task": {"kind": "in_memory"}, "budget": {"evaluations": 5}}
    with pytest.raises(
        DataError, match=r"resume from Python, with evo_nas\.search\(\.\.\., dataset=\.\.\.\)"
    ):
        evo_nas.search(settings, tmp_path / "run", executor="inline")


def test_a_file_without_a_task_takes_the_data_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(json.dumps(SETTINGS))
    verdict = evo_nas.search(tmp_path / "mine.yaml", tmp_path / "run", dataset=dataset(), executor="inline")
    assert verdict.evaluations == 3


def test_the_champion_of_arrays_is_exported_without_them(tmp_path: Path) -> None:
    evo_nas.search(SETTINGS, tmp_path / "run", dataset=dataset(), executor="inline")
    exported = CliRunner().invoke(main, ["export", str(tmp_path / "run"), "--out", str(tmp_path / "out")])
    assert exported.exit_code == 0, exported.output
    assert evo_nas.load_champion(tmp_path / "out").model.signature.features == 2


def test_a_dataset_beside_another_task_is_refused(tmp_path: Path) -> None:
    settings = {**SETTINGS, "task": {"kind": "digits"}}
    with pytest.raises(ConfigError, match=r"task\.kind is digits, but a dataset is given"):
        evo_nas.search(settings, tmp_path / "run", dataset=dataset(), executor="inline")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def registries() -> Iterator[None]:
    """Forgets what a test has registered."""
    known = dict(strategies._registered), dict(tasks._tasks)
    yield
    for registry, before in zip((strategies._registered, tasks._tasks), known, strict=True):
        registry.clear()
        registry.update(before)  # type: ignore[arg-type]


def test_a_strategy_and_a_task_of_a_program_are_named_in_its_configuration(
    registries: None, tmp_path: Path
) -> None:
    @evo_nas.register_strategy
    class Constant(Strategy[StrategyOptions]):
        """Asks for random genomes under a name of its own."""

        kind = "constant"
        Options = StrategyOptions

        def _propose(self, k: int, rng: random.Random) -> Proposal:
            return Proposal(self._space.random(rng), parents=(), operator=f"constant:{k}")

    @evo_nas.register_task
    class OddOnes(ParityTask):
        """Parity under another name."""

        kind = "odd_ones"

    settings = {**SETTINGS, "strategy": {"kind": "constant"}, "task": {"kind": "odd_ones", "train": 64}}
    evo_nas.search(settings, tmp_path / "run", executor="inline")
    rows = Run.at(tmp_path / "run").table()
    assert rows["operator"].to_pylist() == ["constant:0", "constant:1", "constant:2"]
    with pytest.raises(ConfigChangedError, match=r"strategy\.kind: was \"constant\", is \"random\""):
        evo_nas.search({**settings, "strategy": {"kind": "random"}}, tmp_path / "run", executor="inline")
