"""A tuning by Ray Tune is kept in its run, goes on, and leads to a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from evo_nas.champion.exporters.native import read_native
from evo_nas.cli.app import main
from evo_nas.config import configured
from evo_nas.errors import ChampionError, ConfigError
from evo_nas.experiment import Experiment
from evo_nas.models.ensemble import Ensemble
from evo_nas.runs import Run
from evo_nas.sessions.ray_retrainer import RayRetrainer
from evo_nas.sessions.tuning import TuningOptions, tune_run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {
        "name": "parity",
        "task": {"kind": "parity", "length": 12, "train": 60, "validation": 30, "test": 30},
        "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
        "training": {"epochs": 2},
        "strategy": {"kind": "random"},
        "budget": {"evaluations": 2},
        "workers": 1,
    }
    folder = tmp_path_factory.mktemp("tuning")
    with Experiment.of(configured(settings)).open(Run.at(folder / "run"), executor="inline") as search:
        search.run()
    return folder / "run"


@pytest.mark.ray
def test_trials_are_kept_and_the_same_command_goes_on(place: Path, tmp_path: Path) -> None:
    def tuned(*options: str) -> dict[str, object]:
        command = ["tune", str(place), "--cell", "lstm", "--searcher", "random", "--json", *options]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        values: dict[str, object] = json.loads(done.stdout)
        return values

    first = tuned("--trials", "2")
    trials = first["trials"]
    assert isinstance(trials, list)
    assert sorted(trial["number"] for trial in trials) == [0, 1]
    assert "LSTM" in str(first["architecture"])
    # As many as there are: nothing is trained, and no Ray is started.
    assert tuned("--trials", "2") == first
    more = tuned("--trials", "3", "--out", str(tmp_path / "tuned"))
    kept = more["trials"]
    assert isinstance(kept, list)
    assert all(trial in kept for trial in trials)
    assert len(kept) == 3
    model = read_native(tmp_path / "tuned")
    assert isinstance(model, Ensemble)
    assert len(list(model.members)) == 3
    assert not list(Run.at(place).damage())


def test_what_cannot_be_tuned_is_refused_before_anything_starts(place: Path) -> None:
    run = Run.at(place)
    experiment = Experiment.of_run(run)
    retrainer = RayRetrainer(experiment.config.workers)
    with pytest.raises(ConfigError, match="cell is lsmt; must be one of"):
        tune_run(run, experiment, TuningOptions(cell="lsmt"), retrainer=retrainer)
    with pytest.raises(ChampionError, match="candidate is 77; must be one that"):
        tune_run(run, experiment, TuningOptions(candidate=77), retrainer=retrainer)
