"""The champion of a run is compared fairly, once, and every training for that is kept."""

import itertools
import math
import shutil
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console

from evo_nas.champion import assessment, contest, retrain
from evo_nas.champion.assessment import Assessed, assess_here
from evo_nas.champion.champion import load_champion
from evo_nas.champion.contest import Contest
from evo_nas.champion.export import export_champion
from evo_nas.champion.retrain import Retrained, retrain_here
from evo_nas.champion.selection import select_champion
from evo_nas.champion.trial_settings import SETTINGS
from evo_nas.champion.verdict import Verdict
from evo_nas.cli.verdict_view import verdict_view
from evo_nas.config import VerdictOptions, configured
from evo_nas.config.verdict import MOST_TRIALS
from evo_nas.errors import ChampionError, RunError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.experiment import Experiment
from evo_nas.genome.cells import cell_name
from evo_nas.runs import Run
from evo_nas.sessions.events import Judged
from evo_nas.sessions.judging import judge
from evo_nas.tasks.baselines.fitting import FittedBaselines
from evo_nas.training.forward import score_part


def searched(folder, **task):
    """Returns the place of a complete run of six candidates on a small forecast."""
    rows = [f"{math.sin(step / 5):.4f},{math.cos(step / 9):.4f}" for step in range(200)]
    (folder / "waves.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    settings = {
        "name": "waves",
        "base_dir": str(folder),
        "task": {
            "kind": "forecast",
            "path": "waves.csv",
            "targets": ["y"],
            "window": 6,
            "horizon": 1,
            **task,
        },
        "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
        "training": {"epochs": 2},
        "budget": {"evaluations": 6},
        "verdict": {"finalists": 1, "trials": 2, "seeds": 2, "most_seeds": 2},
    }
    with Experiment.of(configured(settings)).open(Run.at(folder / "run"), executor="inline") as search:
        search.run()
    return folder / "run"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("contest"))


def verdict_of(place):
    """Judges the run at ``place`` and returns the verdict."""
    run = Run.at(place)
    *_, last = judge(run, Experiment.of_run(run))
    assert isinstance(last, Judged)
    return last.verdict


@pytest.fixture
def unjudged(run, tmp_path):
    """A copy of the run without its champion."""
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    shutil.rmtree(copy / "champion", ignore_errors=True)
    return copy


def scored(model, run):
    """Returns the validation and the test metric of a model on the data of a run."""
    dataset = Experiment.of_run(Run.at(run)).dataset
    return tuple(score_part(model, dataset, part).metric for part in ("validation", "test"))


def test_every_contestant_is_trained_from_scratch_with_the_same_seeds(run):
    verdict = verdict_of(run)
    assert [each.which for each in verdict.contestants] == ["champion", "lstm", "gru"]
    for contestant in verdict.contestants:
        assert len(contestant.tests) == len(contestant.validations) == 2
        assert contestant.failures == 0
    assert len(set(verdict.champion.tests)) > 1
    assert {"persistence"} <= set(verdict.baselines)
    assert {each.opponent for each in verdict.comparisons} >= {"LSTM", "GRU", "persistence"}


@pytest.mark.parametrize("which", ["champion", "lstm", "gru"])
def test_the_scores_told_are_those_of_what_is_exported(run, tmp_path, which):
    verdict = verdict_of(run)
    told = next(each for each in verdict.contestants if each.which == which)
    export_champion(Run.at(run), tmp_path / "out", which=which)
    model = load_champion(tmp_path / "out").model
    assert scored(model, run) == (told.validation, told.test)
    assert len(model.members) == 2
    assert sorted(scored(member, run)[1] for member in model.members) == sorted(told.tests)
    # The mean of the outputs errs no more than its members do in the mean, since squares are convex.
    assert told.test <= told.mean


def test_the_best_network_of_the_champion_can_be_taken_alone(run, tmp_path):
    verdict = verdict_of(run)
    export_champion(Run.at(run), tmp_path / "out", which="single")
    validation, test = scored(load_champion(tmp_path / "out").model, run)
    assert validation == min(verdict.champion.validations)
    assert test in verdict.champion.tests


def test_a_model_that_is_not_kept_is_refused_with_those_that_are(run, tmp_path):
    verdict_of(run)
    with pytest.raises(ChampionError, match="which is lstn; .*champion, lstm, gru, single"):
        export_champion(Run.at(run), tmp_path / "out", which="lstn")


def test_a_forecast_of_quantiles_says_how_many_values_they_cover(tmp_path):
    verdict = verdict_of(searched(tmp_path, quantiles=[0.1, 0.5, 0.8], metric="wql"))
    assert verdict.promised_coverage == pytest.approx(0.7)
    for contestant in verdict.contestants:
        assert 0 <= contestant.coverage <= 1
    assert Verdict.from_values(verdict.to_values()) == verdict
    with StringIO() as shown:
        Console(file=shown, width=400).print(verdict_view(verdict))
        assert f"covers {verdict.champion.coverage:.1%} of the test values" in shown.getvalue()
        assert "where its quantiles promise 70.0%" in shown.getvalue()


def test_a_forecast_of_single_values_says_nothing_of_quantiles(run):
    verdict = verdict_of(run)
    assert verdict.promised_coverage is verdict.champion.coverage is None


def test_a_verdict_is_kept_until_the_run_holds_more(run, monkeypatch):
    verdict = verdict_of(run)
    monkeypatch.setattr(contest, "Contest", lambda *_, **__: pytest.fail("judged again"))
    assert verdict_of(run) == verdict


def test_a_contest_that_is_interrupted_goes_on_where_it_was(unjudged):
    run = Run.at(unjudged)
    interrupted = Contest(run, Experiment.of_run(run)).hold(retrain_here, assess_here)
    made = [next(interrupted).key for _ in range(3)]
    interrupted.close()

    asked = []

    def counted(requests, dataset, training):
        asked.extend(request.key for request in requests)
        return retrain_here(requests, dataset, training)

    resumed = Contest(run, Experiment.of_run(run))
    for _ in resumed.hold(counted, assess_here):
        pass
    assert not set(made) & set(asked)
    assert resumed.done == resumed.total == len(made) + len(asked)
    assert resumed.epochs_left == 0
    resumed.verdict(FittedBaselines({}))


@pytest.mark.parametrize("damage", [b"", b"{", b'{"validation": 0.0}'])
def test_a_damaged_training_is_made_again(run, unjudged, damage):
    held = Contest(Run.at(unjudged), Experiment.of_run(Run.at(unjudged)))
    for _ in held.hold(retrain_here, assess_here):
        pass
    for path in (unjudged / "champion" / "trainings").iterdir():
        path.write_bytes(damage)
    assert verdict_of(unjudged) == verdict_of(run)


def test_a_damaged_verdict_is_made_again_without_training(run, unjudged, monkeypatch):
    verdict = verdict_of(unjudged)
    (path,) = unjudged.glob("champion/0*/verdict.json")
    path.write_text("{")
    monkeypatch.setattr(retrain, "train", lambda *_, **__: pytest.fail("trained again"))
    assert verdict_of(unjudged) == verdict


def scripted(monkeypatch, validation, test=lambda which: 1.0):
    """Makes trainings give the score that ``validation`` has for a cell and a learning rate; returns what was asked.

    What is kept is scored by ``test`` of its name.
    """
    asked, looked = [], []

    def trained(request, data, dataset, training):
        asked.append(request)
        cell = cell_name(request.architecture.layers[0].cell) or "champion"
        score = validation(cell, request.architecture.training.learning_rate)
        return Retrained(10, score, error="" if score is not None else "it diverged"), b"weights"

    def assessed(request, dataset, training):
        looked.append(request)
        score = test(request.name)
        return Assessed(score, score, (score,) * len(request.members)) if score else Assessed()

    monkeypatch.setattr(retrain, "_retrain", trained)
    monkeypatch.setattr(assessment, "assess_one", assessed)
    return asked, looked


def test_there_is_a_setting_for_every_trial_that_may_be_asked_for():
    assert len(SETTINGS) == MOST_TRIALS
    assert len({setting.name for setting in SETTINGS}) == MOST_TRIALS


def test_every_contestant_has_as_many_trials_and_chooses_among_them_on_validation(unjudged, monkeypatch):
    asked, _ = scripted(monkeypatch, lambda cell, rate: 1.0 / rate if cell == "lstm" else rate)
    verdict = verdict_of(unjudged)
    settings = {each.which: each.setting for each in verdict.contestants}
    assert settings["lstm"] == "as in the search"  # the higher rate gives the lower error
    assert settings["champion"] == settings["gru"] == "half the learning rate"
    cells = [cell_name(request.architecture.layers[0].cell) for request in asked]
    assert {cells.count(cell) for cell in set(cells)} == {3}  # two trials, one of which has its second seed


def test_the_test_part_is_looked_at_once_and_only_for_what_is_kept(unjudged, monkeypatch):
    _, looked = scripted(monkeypatch, lambda cell, rate: rate)
    assert verdict_of(unjudged).look == 1
    assert len(looked) == 3
    # Another contest on the same evaluations looks again, and says so.
    run = Run.at(unjudged)
    options = VerdictOptions(finalists=1, trials=1, seeds=1, most_seeds=1, opponents=("mingru",))
    *_, last = judge(run, Experiment.of_run(run), options=options)
    assert last.verdict.look == 2
    assert "looked at 2 times" in last.verdict.sentence
    assert len(looked) == 5
    assert verdict_of(unjudged) == last.verdict


def test_further_seeds_are_trained_only_where_validation_cannot_decide(unjudged, monkeypatch):
    # The champion seems to be better, but two seeds are too few to be sure.
    better = itertools.cycle([0.9, 0.8])
    scripted(monkeypatch, lambda cell, rate: 1.0 if cell == "lstm" else next(better))
    run = Run.at(unjudged)
    few = VerdictOptions(finalists=1, trials=1, seeds=2, most_seeds=4, opponents=("lstm",))
    *_, last = judge(run, Experiment.of_run(run), options=few)
    assert len(last.verdict.champion.tests) == len(last.verdict.lstm.tests) == 4
    scripted(monkeypatch, lambda cell, rate: 1.0 if cell == "lstm" else 0.5)
    Run.at(unjudged).champion.discard_trainings(frozenset())
    *_, last = judge(run, Experiment.of_run(run), options=few)
    assert len(last.verdict.champion.tests) == 2


def test_the_champion_is_chosen_among_finalists_on_other_cuts(unjudged):
    run = Run.at(unjudged)
    options = VerdictOptions(finalists=2, cuts=2, trials=1, seeds=2, most_seeds=2, opponents=("lstm",))
    *working, last = judge(run, Experiment.of_run(run), options=options)
    assert last.verdict.finalists.startswith("chosen among 2 finalists on 2 ")
    assert all(each.done <= each.total for each in working)
    # Nothing is trained again where the same is asked for.
    *working, again = judge(run, Experiment.of_run(run), options=options)
    assert again.verdict == last.verdict
    assert len(working) == 1


def test_models_are_compared_by_the_test_examples_that_both_answered(run):
    verdict = verdict_of(run)
    for name in ("LSTM", "persistence"):
        found = verdict.against(name).models
        assert "a paired bootstrap over" in found.test
        assert found.low is None or found.low <= found.lead <= found.high


def test_scores_that_are_no_numbers_are_a_failure(unjudged, monkeypatch):
    scripted(monkeypatch, lambda cell, rate: rate, lambda which: None)
    with pytest.raises(ChampionError, match="retraining failed"):
        verdict_of(unjudged)


def test_an_opponent_that_fails_is_told_and_the_others_are_judged(unjudged, monkeypatch):
    scripted(monkeypatch, lambda cell, rate: None if cell == "lstm" else rate)
    verdict = verdict_of(unjudged)
    assert [each.which for each in verdict.opponents] == ["gru"]
    assert verdict.lost == {"LSTM": "it diverged"}


def test_a_training_that_failed_is_made_again_and_its_cause_is_told(unjudged, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(retrain, "_retrain", lambda *_: (Retrained(0, error="CUDA out of memory"), None))
        with pytest.raises(ChampionError, match=r"retraining failed \(CUDA out of memory\)"):
            verdict_of(unjudged)
    assert verdict_of(unjudged).champion.tests


def test_a_verdict_is_made_again_where_other_evaluations_came_for_lost_ones(run, unjudged, monkeypatch):
    verdict_of(unjudged)
    segments = sorted((unjudged / "segments").iterdir())
    segments[2].write_bytes(b"")
    settings = Run.at(unjudged).config
    with Experiment.of(settings).open(Run.at(unjudged), executor="inline", accept_data_loss=True) as search:
        progress = search.run()
    assert progress.told == 6
    monkeypatch.setattr(contest, "Contest", lambda *_, **__: pytest.fail("judged again"))
    with pytest.raises(pytest.fail.Exception, match="judged again"):
        verdict_of(unjudged)


def test_a_run_that_another_process_owns_is_not_judged(unjudged):
    with Run.at(unjudged).owned(), pytest.raises(RunError, match="another process is searching this run"):
        verdict_of(unjudged)


def test_the_threads_of_the_caller_are_given_back(unjudged):
    torch.set_num_threads(2)
    try:
        verdict_of(unjudged)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_an_exported_champion_runs_elsewhere(run, tmp_path):
    verdict_of(run)
    files = export_champion(Run.at(run), tmp_path / "out").files
    assert {"genome.json", "architecture.json", "model.safetensors"} <= {path.name for path in files}
    inputs = torch.randn(2, 6, 2)
    assert torch.equal(load_champion(tmp_path / "out").model(inputs), load_champion(run).model(inputs))


def test_an_export_may_go_to_an_empty_directory_by_any_of_its_names(run, tmp_path, monkeypatch):
    verdict_of(run)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "link")
    export_champion(Run.at(run), Path())
    assert load_champion(tmp_path / "link").model.signature == load_champion(run).model.signature


def test_an_export_never_overwrites(run, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ChampionError, match="not an empty directory"):
        export_champion(Run.at(run), tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_a_format_that_there_is_not_is_refused_with_those_that_there_are(run, tmp_path):
    with pytest.raises(ChampionError, match="format is onyx; .*permitted: .*native"):
        export_champion(Run.at(run), tmp_path / "out", kind="onyx")


def test_a_run_that_was_not_judged_has_nothing_to_export(unjudged, tmp_path):
    with pytest.raises(ChampionError, match="keeps no champion yet; `evo-nas resume`"):
        export_champion(Run.at(unjudged), tmp_path / "out")
    with pytest.raises(ChampionError, match="keeps no champion yet"):
        load_champion(unjudged)


def test_a_run_of_failures_has_no_champion(tmp_path):
    failure = Evaluation(Candidate(0, (0,), "h", (), "random", 0, 1, 0), Outcome(Status.DIVERGED))
    with pytest.raises(ChampionError, match=r"none of its 1 evaluations was scored; .* --candidate 0`"):
        select_champion([failure], tmp_path)
