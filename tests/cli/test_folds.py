"""Runs that differ in their test part, searched by one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evo_nas.champion.verdict import Contestant, Verdict
from evo_nas.cli.folds import Fold, folds_of, search_folds
from evo_nas.config import configured
from evo_nas.errors import ConfigError, DataError, RunError
from evo_nas.runs import Run
from tests.cli.test_commands import evo_nas_command, refusal

CONFIG = """
name: people
seed: 3
task: {kind: classification, path: people.csv, group: person}
space: {layers: {min: 1, max: 1}, widths: [4], batch_sizes: [64], heads: [0]}
strategy: {kind: random}
training: {epochs: 1, device: cpu}
budget: {evaluations: 1}
workers: 1
"""


@pytest.fixture
def config(tmp_path) -> Path:
    """Twelve rows of each of five persons, two of whose names look odd in YAML."""
    names = ["p2", "p10", "yes", "a: b", "p1"]
    rows = [f"{row},{row * row},{names[row // 12]},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "people.csv").write_text("\n".join(["x,y,person,label", *rows]))
    (tmp_path / "people.yaml").write_text(CONFIG)
    return tmp_path / "people.yaml"


def verdict(champion: float, baselines: dict[str, float]) -> Verdict:
    ours, theirs = (
        Contestant(name, "", 10, 0.5, test, (test,), which=name.lower())
        for name, test in (("champion", champion), ("LSTM", 0.5))
    )
    return Verdict(1, 9, "accuracy", True, ours, (theirs,), (), baselines)


def test_each_fold_is_a_run_whose_configuration_says_what_it_is(config) -> None:
    folds = folds_of(config, ("seed=7",), place="runs/people", folds=3)
    assert [fold.place for fold in folds] == [
        "runs/people/fold-1",
        "runs/people/fold-2",
        "runs/people/fold-3",
    ]
    assert [fold.settings.task["split"] for fold in folds] == [{"folds": 3, "fold": n} for n in (1, 2, 3)]
    assert {fold.settings.seed for fold in folds} == {7}


def test_every_group_is_left_out_once_whatever_its_name(config) -> None:
    folds = folds_of(config, (), place="runs/people", folds=None)
    assert [fold.name for fold in folds] == ["a: b", "p1", "p2", "p10", "yes"]
    assert [fold.settings.task["split"]["test_groups"] for fold in folds] == [[fold.name] for fold in folds]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ("task={kind: digits}", ConfigError, "task.kind is digits, whose examples are not drawn"),
        (
            "task.group=null",
            ConfigError,
            "needs groups, but the task has none; name their column in task.group",
        ),
        ("task.group=persn", DataError, "did you mean 'person'"),
    ],
)
def test_what_cannot_be_left_out_in_turn_is_refused(config, change, error, message) -> None:
    with pytest.raises(error, match=message):
        folds_of(config, (change,), place="runs/people", folds=None)


def played(tests: list[float | None]) -> tuple[list[Fold], dict[str, Verdict | None]]:
    settings = configured({"name": "a", "task": {"kind": "digits"}})
    folds = [Fold(f"p{number}", f"runs/a/fold-{number}", settings) for number in range(len(tests))]
    verdicts = [
        None if test is None else verdict(test, {"weak": 0.1, "strong": test - 0.2}) for test in tests
    ]
    return folds, dict(zip([fold.place for fold in folds], verdicts, strict=True))


def test_the_results_of_all_folds_come_last_with_mean_and_deviation(capsys) -> None:
    folds, verdicts = played([0.5, 0.7, 0.9])
    search_folds(folds, lambda place, _: verdicts[place], as_json=False, check_data=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[-5:]] == [
        ["p0", "0.5000", "0.5000", "0.3000", "strong"],
        ["p1", "0.7000", "0.5000", "0.5000", "strong"],
        ["p2", "0.9000", "0.5000", "0.7000", "strong"],
        ["mean", "0.7000", "0.5000", "0.5000"],
        ["std", "0.2000", "0.0000", "0.2000"],
    ]


def test_a_fold_that_is_stopped_ends_the_command_which_says_how_to_go_on(capsys) -> None:
    folds, verdicts = played([0.5, None, 0.9])
    search_folds(folds, lambda place, _: verdicts[place], as_json=True, check_data=False)
    printed = capsys.readouterr()
    assert [row["fold"] for row in json.loads(printed.out)["folds"]] == ["p0"]
    assert printed.err == "1 of 3 folds are complete; the same command goes on with the others\n"


def test_a_fold_that_cannot_be_cut_is_found_before_any_is_searched(config) -> None:
    rows = [f"{row},{row * row},p{row // 12},{'ab'[row // 48]}" for row in range(60)]
    (config.parent / "people.csv").write_text("\n".join(["x,y,person,label", *rows]))
    folds = folds_of(config, ("task.split.seed=2",), place=str(config.parent / "runs"), folds=5)
    searched: list[str] = []
    with pytest.raises(DataError, match="the training part has one class only, 'a'"):
        search_folds(folds, lambda place, _: searched.append(place), as_json=True, check_data=True)
    assert not searched


@pytest.mark.slow
def test_one_command_searches_all_folds_and_the_same_command_goes_on(config) -> None:
    place = config.parent / "runs"
    command = ("search", config, "--run", place, "--folds", 2, "--inline", "--json")
    result = evo_nas_command(*command)
    assert result.exit_code == 0, result.output
    last = json.loads(result.stdout.splitlines()[-1])
    assert [row["run"] for row in last["folds"]] == [f"{place}/fold-1", f"{place}/fold-2"]
    assert {"champion", "lstm", "baseline"} == set(last["mean"]) == set(last["std"])
    assert Run.at(place / "fold-2").config.task["split"]["fold"] == 2
    again = evo_nas_command(*command).stdout.splitlines()
    assert json.loads(again[-1]) == last
    assert len(again) < len(result.stdout.splitlines())
    with pytest.raises(RunError, match="is a run; folds are runs in a place of their own"):
        folds_of(config, (), place=str(place / "fold-1"), folds=2)
    assert "give one" in refusal(*command, "--leave-one-group-out")
