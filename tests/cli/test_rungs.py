"""A search with rungs from the command line: what it prunes, promotes and shows, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import config, evo_nas_command

__all__ = ["config"]  # a fixture

EPOCHS = ("--set", "training.epochs=4", "--set", "budget.evaluations=14")
LEADER = ("--set", "verdict.finalists=1", "--set", "verdict.trials=1", "--set", "verdict.opponents=[lstm]")
"""The champion is the network that leads the search: other cuts choose nothing."""


def test_a_run_with_rungs_shows_what_was_pruned_and_spared_and_can_be_verified(
    config: Path, tmp_path: Path
) -> None:
    run = tmp_path / "pruned"
    rungs = ("--set", "fitness.rungs=[2,3]", "--set", "fitness.reduction=2")
    assert (
        evo_nas_command("search", config, "--run", run, "--inline", *EPOCHS, *LEADER, *rungs).exit_code == 0
    )
    shown = json.loads(evo_nas_command("show", run, "--json").stdout)
    assert shown["by_status"]["pruned"] > 2
    assert shown["savings"]["epochs"] < shown["savings"]["full_epochs"]
    assert shown["best"][0]["status"] == "ok"
    levels = [row["epochs"] for row in shown["best"]]
    assert levels == sorted(levels, reverse=True)
    assert "of the training spared" in evo_nas_command("show", run).output
    assert evo_nas_command("verify", run).exit_code == 0
    assert shown["verdict"]["candidate"] == shown["best"][0]["id"]
    assert shown["verdict"]["pruned_at"] is None
    # The second candidate was asked while nothing was known.
    facts = " ".join(evo_nas_command("show", run, "--candidate", "1").output.split())
    assert "2 epochs: all wait, 3 epochs: all wait" in facts


def test_a_run_whose_epochs_never_grew_has_a_champion_that_is_labelled_and_trained_in_full(
    config: Path, tmp_path: Path
) -> None:
    run = tmp_path / "growing"
    rungs = ("--set", "fitness.rungs=[2,3]", "--set", "fitness.grow=true", "--set", "budget.evaluations=3")
    searched = evo_nas_command("search", config, "--run", run, "--inline", *EPOCHS, *LEADER, *rungs)
    assert searched.exit_code == 0
    assert "pruned at 3 of 4 epochs in the search" in " ".join(searched.output.split())
    shown = json.loads(evo_nas_command("show", run, "--json").stdout)
    assert set(shown["by_status"]) <= {"pruned", "diverged"}
    verdict = shown["verdict"]
    assert (verdict["candidate"], verdict["pruned_at"], verdict["epochs"]) == (shown["best"][0]["id"], 3, 4)
    assert "pruned at 3 of 4 epochs" in evo_nas_command("show", run).output
    assert "at 3 epochs" in evo_nas_command("runs", tmp_path).output


@pytest.mark.parametrize("rungs", ["[3,2]", "[1,2]", "[2,4]", "[5]"])
def test_rungs_that_do_not_suit_the_epochs_are_one_line_before_anything_starts(
    config: Path, tmp_path: Path, rungs: str
) -> None:
    result = evo_nas_command(
        "search", config, "--run", tmp_path / "none", *EPOCHS, "--set", f"fitness.rungs={rungs}"
    )
    assert result.exit_code == 2
    assert f"fitness.rungs is {rungs.replace(',', ', ')}; must ascend" in " ".join(result.output.split())
    assert not (tmp_path / "none").exists()
