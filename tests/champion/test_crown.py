import math
import shutil
from pathlib import Path

import pytest
import torch

from evo_nas.baselines import baselines_of
from evo_nas.champion import crown, export_champion, load_champion, verdict_of
from evo_nas.champion.crown import SEEDS, best_of
from evo_nas.config import configured
from evo_nas.errors import ChampionError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.experiment import Experiment
from evo_nas.genome.cells import cell_name
from evo_nas.ledger import read_history
from evo_nas.models.network import Network
from evo_nas.tasks.forecast import ForecastTask
from evo_nas.training.forward import Scores, score_part
from evo_nas.training.trainer import Trained


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
    assert {"persistence"} <= set(verdict.baselines)


def test_the_champion_is_retrained_to_the_weights_that_won(run):
    verdict = verdict_of(run)
    winner = next(e for e in read_history(run).told if e.candidate.id == verdict.candidate)
    network = load_champion(run / "champion")
    dataset = Experiment.of_run(run).dataset
    assert score_part(network, dataset, "validation").metric == winner.outcome.metrics["validation_mse"]
    assert score_part(network, dataset, "test").metric not in verdict.champion.tests


def test_a_verdict_is_kept_until_the_run_holds_more(run):
    verdict_of(run)
    said = []
    verdict_of(run, announce=said.append)
    assert said == []


def test_the_baselines_are_fitted_once_and_kept_with_the_run(run, tmp_path, monkeypatch):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "baselines.json").unlink(missing_ok=True)
    fitted = baselines_of(copy, Experiment.of_run(copy))
    monkeypatch.setattr(ForecastTask, "baselines", lambda self: pytest.fail("fitted again"))
    assert baselines_of(copy, Experiment.of_run(copy)) == fitted
    assert verdict_of(copy, experiment=Experiment.of_run(copy)).baselines == fitted


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"format": 1, "metric": "mae", "baselines": {}}', '{"format": 9}']
)
def test_baselines_that_are_damaged_or_of_another_metric_are_fitted_again(run, tmp_path, content):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "baselines.json").write_text(content)
    assert "persistence" in baselines_of(copy, Experiment.of_run(copy))


def test_before_a_run_is_there_baselines_are_kept_nowhere(run, tmp_path):
    assert "persistence" in baselines_of(tmp_path / "nowhere", Experiment.of_run(run))
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_verdict_is_made_again(run):
    verdict = verdict_of(run)
    (run / "champion" / "verdict.json").write_text("{")
    assert verdict_of(run) == verdict


class Scripted:
    """Trainings whose scores are known, by learning rate."""

    def __init__(self, monkeypatch, scores):
        self.epochs = []
        self._scores = scores
        self._test = None
        monkeypatch.setattr(crown, "train", self.train)
        monkeypatch.setattr(crown, "score_part", lambda *_: Scores(loss=0.0, metric=self._test))

    def train(self, architecture, data, training, *, epochs, seed):
        self.epochs.append(epochs)
        rate = architecture.training.learning_rate
        validation, self._test = self._scores(rate, is_lstm=cell_name(architecture.layers[0].cell) == "lstm")
        outcome = Outcome(Status.OK, fitness=-validation, metrics={"validation_mse": validation})
        return Trained(outcome, Network(architecture, data.signature))


def test_the_opponent_is_chosen_on_validation_and_never_on_test(run, tmp_path, monkeypatch):
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    shutil.rmtree(copy / "champion", ignore_errors=True)
    rates = set()

    def scores(rate, *, is_lstm):
        if not is_lstm:
            return 0.5, 0.5
        rates.add(rate)
        return rate, 1.0 / rate  # the lowest rate validates best and tests worst

    scripted = Scripted(monkeypatch, scores)
    verdict = verdict_of(copy)
    assert len(rates) >= 3
    assert verdict.opponent.validation == pytest.approx(min(rates))
    assert verdict.opponent.test == pytest.approx(1.0 / min(rates))
    assert set(scripted.epochs) == {2}


def test_a_test_score_that_is_no_number_is_a_failed_training(run, tmp_path, monkeypatch):
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    shutil.rmtree(copy / "champion", ignore_errors=True)
    Scripted(monkeypatch, lambda rate, *, is_lstm: (0.5, float("nan")))
    with pytest.raises(ChampionError, match="retraining failed"):
        verdict_of(copy)


def test_the_threads_of_the_caller_are_given_back(run):
    (run / "champion" / "verdict.json").unlink(missing_ok=True)
    torch.set_num_threads(2)
    try:
        verdict_of(run)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_an_exported_champion_runs_elsewhere(run, tmp_path):
    files = export_champion(run, tmp_path / "out")
    assert {"genome.json", "architecture.json", "model.safetensors"} <= {path.name for path in files}
    inputs = torch.randn(2, 6, 2)
    assert torch.equal(load_champion(tmp_path / "out")(inputs), load_champion(run / "champion")(inputs))


def test_an_export_may_go_to_an_empty_directory_by_any_of_its_names(run, tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "link")
    export_champion(run, Path())
    assert load_champion(tmp_path / "link").architecture == load_champion(run / "champion").architecture


def test_an_export_never_overwrites(run, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ChampionError, match="not an empty directory"):
        export_champion(run, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_a_run_of_failures_has_no_champion(tmp_path):
    failure = Evaluation(Candidate(0, (0,), "h", (), "random", 0, 1, 0), Outcome(Status.DIVERGED))
    with pytest.raises(ChampionError, match="none of its 1 evaluations was scored"):
        best_of([failure], tmp_path)
