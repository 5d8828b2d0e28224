"""``show`` and ``runs`` tell of a run what a person asks: how far, how good, and compared with what."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evo_nas.config import BudgetOptions
from evo_nas.runs import Run
from tests.cli.test_commands import config, evo_nas_command, run, searched

__all__ = ["config", "run", "searched"]  # fixtures


def test_show_tells_the_verdict_and_the_baselines_of_a_judged_run(run: Path) -> None:
    text = evo_nas_command("show", run).output
    assert "8 of 8 evaluated, complete" in text
    assert "ranked by validation accuracy" in text
    assert "verdict  champion #" in text
    assert "majority" in text
    shown = json.loads(evo_nas_command("show", run, "--json").stdout)
    assert shown["complete"] is True
    assert shown["verdict"]["evaluations"] == 8
    assert {"majority", "nearest neighbour"} <= set(shown["baselines"])


def test_show_says_of_a_run_that_goes_on_what_is_to_beat(run: Path, config: Path) -> None:
    more = ("--set", "budget.evaluations=9", "--set", "budget.train_minutes=60")
    assert evo_nas_command("search", config, "--run", run, "--inline", *more).exit_code == 0
    for champion in (run / "champion").glob("0*"):
        shutil.rmtree(champion)
    text = " ".join(evo_nas_command("show", run).output.split())
    assert "9 of 9 evaluated" in text
    assert "of 60 min trained, complete" in text
    assert "baselines on the test part: majority" in text
    assert "no verdict yet" in text


def test_a_run_with_minutes_alone_has_no_number_of_evaluations(run: Path) -> None:
    timed = Run.at(run).config.model_copy(update={"budget": BudgetOptions(minutes=30.0)})
    with Run.at(run).open_ledger(timed, describe=lambda genome: "{}"):
        pass
    assert "8 evaluated in a budget of 30 min, not complete" in evo_nas_command("show", run).output
    shown = json.loads(evo_nas_command("show", run, "--json").stdout)
    assert (shown["budget"], shown["minutes_budget"]) == (None, 30.0)
    assert "100,000,000" not in evo_nas_command("runs", run.parent).output
    (summary,) = map(json.loads, evo_nas_command("runs", run, "--json").stdout.splitlines())
    assert (summary["evaluated"], summary["evaluations"]) == (8, None)


def test_runs_tells_metric_and_test_score_and_never_breaks_a_name(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = run.rename(tmp_path / ("a-run-with-a-name-" + "x" * 80))
    monkeypatch.setenv("COLUMNS", "40")
    line = next(line for line in evo_nas_command("runs", tmp_path).output.splitlines() if str(named) in line)
    assert "accuracy" in line
    (summary,) = map(json.loads, evo_nas_command("runs", tmp_path, "--json").stdout.splitlines())
    assert summary["run"] == str(named)
    assert (summary["metric"], summary["evaluated"], summary["complete"]) == ("accuracy", 8, True)
    assert 0.0 <= summary["test"] <= 1.0
    assert f"{summary['test']:.4f}" in line
