"""``evo-nas replay`` says what other rungs would have saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evo_nas.cli import main
from evo_nas.config import configured
from evo_nas.experiment import Experiment
from evo_nas.runs import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run without rungs."""
    place = tmp_path_factory.mktemp("runs") / "run"
    settings = {
        "name": "tiny",
        "seed": 3,
        "task": {"kind": "parity", "train": 64, "validation": 32, "test": 32},
        "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
        "strategy": {"kind": "random"},
        "training": {"epochs": 9, "device": "cpu"},
        "fitness": {"rungs": None, "confirm": False, "repeats": 0.0},
        "budget": {"evaluations": 9},
        "workers": 2,
    }
    with Experiment.of(configured(settings)).open(Run.at(place), executor="inline") as search:
        search.run()
    return place


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def test_a_table_and_one_sentence_say_what_would_have_been_saved(run: Path) -> None:
    said = replay(run, "--set", "fitness.rungs=[3]").output
    assert "9 candidates of 9 epochs, replayed with rungs at 3 (halving, one of 3 goes on)" in " ".join(
        said.split()
    )
    assert "time with 2 workers" in said
    assert "trained to the end" in said
    assert "times less" in said.splitlines()[-1] or "times less" in said.splitlines()[-2]


def test_a_replay_without_rungs_says_so(run: Path) -> None:
    said = replay(run, "--set", "fitness.rungs=[]").output
    assert "9 candidates of 9 epochs, replayed without rungs" in " ".join(said.split())


def test_machines_get_one_object(run: Path) -> None:
    values = json.loads(
        replay(run, "--json", "--workers", 4, "--draws", 3, "--set", "fitness.reduction=2").output
    )
    assert (values["candidates"], values["epochs"], values["workers"], values["reduction"]) == (9, 9, 4, 2)
    assert values["rungs"] == [2, 4]
    assert values["recorded"]["train_s"] < values["recorded"]["full_train_s"]
    assert len(values["shuffled"]) == 3


def test_other_orders_are_summed_up(run: Path) -> None:
    assert "in 5 other orders:" in replay(run, "--draws", 5).output


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs=3", "cannot be replayed"),
        ("fitness.rungs=[6,3]", "must ascend"),
        ("fitness.reduction=1", "fitness.reduction is 1"),
    ],
)
def test_what_cannot_be_replayed_is_refused(run: Path, override: str, message: str) -> None:
    result = replay(run, "--set", override)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_replay_changes_nothing(run: Path) -> None:
    before = sorted(path for path in run.rglob("*"))
    replay(run)
    assert sorted(path for path in run.rglob("*")) == before
