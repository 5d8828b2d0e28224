import math

import pytest
import torch

from evo_nas.champion import export_champion, load_champion, verdict_of
from evo_nas.champion.crown import SEEDS, best_of
from evo_nas.config import configured
from evo_nas.errors import ChampionError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.experiment import Experiment
from evo_nas.ledger import read_history
from evo_nas.training.scoring import score_part


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A complete run of six candidates on a small forecast."""
    folder = tmp_path_factory.mktemp("crown")
    rows = [f"{math.sin(step / 5):.4f},{math.cos(step / 9):.4f}" for step in range(200)]
    (folder / "waves.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    settings = {
        "name": "waves",
        "base_dir": str(folder),
        "task": {"kind": "forecast", "path": "waves.csv", "targets": ["y"], "window": 6, "horizon": 1},
        "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
        "training": {"epochs": 2},
        "budget": {"evaluations": 6},
    }
    with Experiment.of(configured(settings)).open(folder / "run", executor="inline") as search:
        search.run()
    return folder / "run"


def test_the_verdict_stands_on_trainings_from_scratch_with_several_seeds(run):
    verdict = verdict_of(run)
    for contestant in (verdict.champion, verdict.opponent):
        assert len(contestant.tests) + contestant.failures == SEEDS
    assert len(set(verdict.champion.tests)) > 1
    assert {"persistence"} <= set(verdict.floors)


def test_the_champion_is_retrained_to_the_weights_that_won(run):
    verdict = verdict_of(run)
    winner = next(e for e in read_history(run).told if e.candidate.id == verdict.candidate)
    network = load_champion(run / "champion")
    dataset = Experiment.of_run(run).dataset
    assert score_part(network, dataset, "validation").metric == winner.outcome.metrics["validation_mse"]
    assert score_part(network, dataset, "test").metric == verdict.champion.tests[0]


def test_a_verdict_is_kept_until_the_run_holds_more(run):
    verdict_of(run)
    said = []
    verdict_of(run, announce=said.append)
    assert said == []


def test_an_exported_champion_runs_elsewhere(run, tmp_path):
    files = export_champion(run, tmp_path / "out")
    assert {"genome.json", "architecture.json", "model.safetensors"} <= {path.name for path in files}
    inputs = torch.randn(2, 6, 2)
    assert torch.equal(load_champion(tmp_path / "out")(inputs), load_champion(run / "champion")(inputs))


def test_an_export_never_overwrites(run, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ChampionError, match="not an empty directory"):
        export_champion(run, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_a_run_of_failures_has_no_champion(tmp_path):
    failure = Evaluation(Candidate(0, (0,), "h", (), "random", 0, 1, 0), Outcome(Status.DIVERGED))
    with pytest.raises(ChampionError, match="none of its 1 evaluations was scored"):
        best_of([failure], tmp_path)
