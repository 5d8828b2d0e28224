"""An ensemble of what a verdict keeps is selected on validation, and its look at the test part is counted."""

from __future__ import annotations

import math

import pytest
from click.testing import CliRunner

from evo_nas.champion.champion import load_champion
from evo_nas.champion.export import export_champion
from evo_nas.champion.kept_ensemble import ENSEMBLE, make_ensemble
from evo_nas.cli import main
from evo_nas.config import configured
from evo_nas.errors import ChampionError
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.sessions.judging import judge
from evo_nas.training.forward import score_part


def searched(folder):
    rows = [f"{math.sin(step / 5):.4f}" for step in range(200)]
    (folder / "waves.csv").write_text("y\n" + "\n".join(rows) + "\n")
    settings = {
        "name": "waves",
        "base_dir": str(folder),
        "task": {"kind": "forecast", "path": "waves.csv", "targets": ["y"], "window": 6, "horizon": 1},
        "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
        "training": {"epochs": 1},
        "budget": {"evaluations": 3},
        "verdict": {"trials": 1, "seeds": 2, "most_seeds": 2},
    }
    with Experiment.of(configured(settings)).open(Run.at(folder / "run"), executor="inline") as search:
        search.run()
    return Run.at(folder / "run")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = searched(tmp_path_factory.mktemp("ensemble"))
    with pytest.raises(ChampionError, match="no verdict"):
        make_ensemble(run, Experiment.of_run(run))
    list(judge(run, Experiment.of_run(run)))
    return run


@pytest.fixture(scope="module")
def report(run):
    return make_ensemble(run, Experiment.of_run(run))


def test_it_is_no_worse_on_validation_than_an_ensemble_of_lstms_at_the_same_cost(report) -> None:
    assert [row.name for row in report.rows] == ["champion", ENSEMBLE, "LSTM ensemble"]
    _, ours, lstms = report.rows
    assert lstms.networks <= ours.networks <= 2
    assert ours.validation <= lstms.validation
    assert sum(report.shares.values()) == pytest.approx(1.0)


def test_the_scores_told_are_those_of_what_is_exported(run, report, tmp_path) -> None:
    export_champion(run, tmp_path / "out", which=ENSEMBLE)
    model, dataset = load_champion(tmp_path / "out").model, Experiment.of_run(run).dataset
    assert score_part(model, dataset, "validation").metric == pytest.approx(report.rows[1].validation)
    assert score_part(model, dataset, "test").metric == pytest.approx(report.rows[1].test)


def test_the_look_at_the_test_part_is_counted_and_the_same_ensemble_needs_no_other(run, report) -> None:
    assert report.look == 2
    assert "looked at 2 times" in report.sentence
    again = make_ensemble(run, Experiment.of_run(run))
    assert again.look == 2
    assert [row.test for row in again.rows] == [row.test for row in report.rows]


def test_the_command_shows_a_table_and_what_to_take(run, report) -> None:
    told = CliRunner().invoke(main, ["ensemble", str(run)])
    assert told.exit_code == 0, told.output
    assert "LSTM ensemble" in told.output
    assert "On validation, which chooses" in " ".join(told.output.split())
