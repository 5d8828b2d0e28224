"""A run answers every question about itself."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo_nas.budgets import Ending
from evo_nas.config import BudgetOptions, configured
from evo_nas.errors import ConfigChangedError, DataChangedError, RunError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.experiment import Experiment
from evo_nas.ledger import Ledger, seal
from evo_nas.runs import Run, find_runs, metric_of
from evo_nas.runs.rows import by_status
from evo_nas.tasks.baselines.fitting import BaselineResult, FittedBaselines
from evo_nas.tasks.example_sums import ExampleSums
from tests.ledger.samples import RECORD

BUDGET = 12
FITTED = FittedBaselines(
    {"persistence": BaselineResult(0.5, 0.1), "linear": BaselineResult(None, 3.0, "it is late")},
    {"persistence": ExampleSums(np.ones((4, 2)), np.arange(4))},
)


def settings(folder: Path, **changed: Any) -> dict[str, Any]:
    return {
        "name": "waves",
        "base_dir": str(folder),
        "task": {"kind": "forecast", "path": "waves.csv", "targets": ["y"], "window": 6, "horizon": 1},
        "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
        "strategy": {"kind": "aging", "population": 6, "tournament": 2, "warmup": 4},
        "training": {"epochs": 1},
        "budget": {"evaluations": BUDGET},
        "workers": 1,
    } | changed


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a complete run of a small forecast."""
    folder = tmp_path_factory.mktemp("run")
    rows = [f"{math.sin(step / 5):.4f},{math.cos(step / 9):.4f}" for step in range(200)]
    (folder / "waves.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    experiment = Experiment.of(configured(settings(folder)))
    with experiment.open(Run.at(folder / "run"), executor="inline") as search:
        search.run()
    return folder / "run"


def experiment_of(place: Path, **changed: Any) -> Experiment:
    return Experiment.of(configured(settings(place.parent, **changed)))


def test_a_place_without_a_run_is_a_run_that_does_not_exist(tmp_path: Path) -> None:
    run = Run.at(tmp_path / "nowhere")
    assert not run.exists
    with pytest.raises(RunError, match="holds no run"):
        _ = run.record
    assert not (tmp_path / "nowhere").exists()


def test_a_run_that_is_started_later_exists_from_then_on(place: Path, tmp_path: Path) -> None:
    run = Run.at(tmp_path / "later")
    assert not run.exists
    shutil.copytree(place, tmp_path / "later")
    assert run.exists
    assert run.totals().told == BUDGET


def test_history_totals_and_table_tell_the_same(place: Path) -> None:
    run = Run.at(place)
    history, totals, table = run.history(), run.totals(), run.table()
    assert len(history.told) == totals.told == table.num_rows == BUDGET
    assert totals.in_flight == 0
    assert totals.train_s == pytest.approx(sum(each.outcome.train_s for each in history.told))
    assert sum(by_status(table).values()) == BUDGET


def test_the_best_come_first_and_of_equals_the_lower_loss(place: Path) -> None:
    best = Run.at(place).best(5)
    ranks = [(-row["fitness"], dict(row["metrics"])["validation_loss"]) for row in best]
    assert ranks == sorted(ranks)
    assert len(best) == 5
    assert {row["status"] for row in best} == {Status.OK}
    assert Run.at(place).best(0) == []


def test_a_row_names_the_metric_that_its_fitness_stands_for(place: Path) -> None:
    (row,) = Run.at(place).best(1)
    assert metric_of(row) == ("validation_mse", -row["fitness"])
    assert metric_of({"metric": "", "metrics": []}) is None


def test_a_lineage_goes_back_to_a_founder(place: Path) -> None:
    run = Run.at(place)
    child = next(row for row in reversed(run.table().to_pylist()) if row["parents"])
    line = run.lineage(child["id"])
    assert line[0] == child
    assert line[-1]["parents"] == []
    assert all(later["parents"][0] == earlier["id"] for later, earlier in pairwise(line))
    with pytest.raises(RunError, match="candidate is 99; must be one that was evaluated"):
        run.lineage(99)


def test_a_lineage_has_the_part_of_a_training_from_which_a_child_was_bred(tmp_path: Path) -> None:
    begun = Candidate(0, (0,), "h", (), "random", 0, 9, 0, rungs=(3,), thresholds=(1.0,))
    goes_on = replace(begun, id=1, parents=(0,), operator="promotion", asked_after=1, continues=0)
    early = replace(begun, id=2, parents=(0,), operator="width", asked_after=1)
    late = replace(early, id=3, asked_after=2)
    outcomes = [
        Outcome(Status.PRUNED, fitness=0.2, epochs=3),
        *[Outcome(Status.OK, fitness=0.3, epochs=9)] * 3,
    ]
    candidates = (begun, goes_on, early, late)
    with Ledger.create(tmp_path / "run", RECORD) as ledger:
        ledger.append(list(map(Evaluation, candidates, outcomes)), born=[])
    run = Run.at(tmp_path / "run")
    assert [[row["id"] for row in run.lineage(number)] for number in (2, 3)] == [[2, 0], [3, 1, 0]]


def test_the_configuration_has_the_budget_that_was_given_last(place: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(place, tmp_path / "run")
    raised = experiment_of(place, budget={"evaluations": 20})
    with raised.open(Run.at(copy), executor="inline"):
        pass
    assert Run.at(copy).config.budget.evaluations == 20
    assert Run.at(copy).record.config["budget"]["evaluations"] == BUDGET


def test_nothing_differs_for_the_configuration_of_the_run(place: Path) -> None:
    experiment = experiment_of(place, budget={"evaluations": 99}, workers=7)
    run = Run.at(place)
    assert run.differences(experiment.config, experiment.fingerprint) == []
    run.require_same(experiment.config, experiment.fingerprint)


def test_differing_keys_and_files_are_all_named(place: Path) -> None:
    run = Run.at(place)
    changed = experiment_of(place, seed=7, training={"epochs": 2})
    assert run.differences(changed.config, {**changed.fingerprint, "more.csv": "0"}) == [
        "seed: was 1, is 7",
        "training.epochs: was 1, is 2",
        "more.csv: SHA-256 was none, is 0",
    ]
    with pytest.raises(
        ConfigChangedError, match="Only budget, fitness.memory, verdict and workers may change"
    ):
        run.require_same(changed.config, changed.fingerprint)
    with pytest.raises(DataChangedError, match="started on other data"):
        run.require_same(run.config, {"waves.csv": "0"})


def test_baselines_are_fitted_once_and_kept_with_the_run(place: Path, tmp_path: Path) -> None:
    run = Run.at(shutil.copytree(place, tmp_path / "run"))
    assert run.baselines("mse") == {}
    assert run.baselines("mse", lambda: FITTED) == FITTED
    again = Run.at(tmp_path / "run")
    kept = again.baselines("mse", lambda: pytest.fail("fitted again"))
    assert kept == FITTED
    assert np.array_equal(kept.sums["persistence"].values, FITTED.sums["persistence"].values)
    other = FittedBaselines({"persistence": BaselineResult(0.6, 0.1)})
    assert again.baselines("mae", lambda: other) == other


def test_baselines_of_earlier_runs_which_kept_no_answers_are_read(place: Path, tmp_path: Path) -> None:
    run = Run.at(shutil.copytree(place, tmp_path / "run"))
    facts = {"metric": "mse", "baselines": {"naive": {"score": 0.5, "cpu_s": 0.1, "note": ""}}}
    (tmp_path / "run" / "baselines.json").write_bytes(seal(facts))
    assert run.baselines("mse") == {"naive": BaselineResult(0.5, 0.1)}
    assert not run.baselines("mse").sums


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b'{"metric": "mse", "baselines": {"a": 1.0}}'])
def test_baselines_that_are_damaged_are_fitted_again(place: Path, tmp_path: Path, content: bytes) -> None:
    run = Run.at(shutil.copytree(place, tmp_path / "run"))
    (tmp_path / "run" / "baselines.json").write_bytes(content)
    assert "baselines.json is damaged" in next(run.damage())
    assert run.baselines("mse", lambda: FITTED) == FITTED
    assert run.baselines("mse", lambda: pytest.fail("fitted again")) == FITTED
    assert list(run.damage()) == []


def test_before_a_run_is_there_baselines_are_kept_nowhere(tmp_path: Path) -> None:
    assert Run.at(tmp_path / "nowhere").baselines("mse", lambda: FITTED) == FITTED
    assert not (tmp_path / "nowhere").exists()


def test_runs_are_found_at_and_under_a_folder(place: Path) -> None:
    assert [str(run) for run in find_runs(place.parent)] == [str(place)]
    assert [str(run) for run in find_runs(place)] == [str(place)]


def test_the_record_is_plain_json_that_anyone_can_read(place: Path) -> None:
    record = json.loads((place / "RUN.json").read_text())
    assert record["config"]["name"] == record["name"] == "waves"


@pytest.mark.parametrize(
    ("evaluations", "minutes", "spent"),
    [(BUDGET, None, True), (BUDGET + 1, None, False), (BUDGET + 1, 1e-9, True), (BUDGET + 1, 60.0, False)],
)
def test_a_budget_is_spent_by_evaluations_or_by_minutes(
    place: Path, evaluations: int, minutes: float | None, spent: bool
) -> None:
    budget = BudgetOptions(evaluations=evaluations, train_minutes=minutes)
    assert Run.at(place).is_spent(budget) is spent


def test_a_run_has_one_owner_at_a_time(place: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(place, tmp_path / "run")
    with Run.at(copy).owned() as check_owned:
        check_owned()
        with pytest.raises(RunError, match="another process is searching this run"), Run.at(copy).owned():
            pass
    with Run.at(copy).owned():
        pass
    assert list(Run.at(copy).damage()) == []


def test_the_best_of_a_run_is_by_the_mean_of_its_trainings_and_the_run_knows_its_noise(
    place: Path, tmp_path: Path
) -> None:
    experiment = experiment_of(place, fitness={"repeats": 0.34})
    run = Run.at(tmp_path / "repeated")
    with experiment.open(run, executor="inline") as search:
        progress = search.run()
    rows = {row["id"]: row for row in run.table().to_pylist()}
    best = run.best(BUDGET)
    assert len(best) == sum(row["repeats"] is None for row in rows.values()) < BUDGET
    assert [row["mean_fitness"] for row in best] == sorted(
        (row["mean_fitness"] for row in best), reverse=True
    )
    for row in best:
        scores = [other["fitness"] for other in rows.values() if row["id"] in (other["id"], other["repeats"])]
        assert row["trainings"] == len(scores)
        assert row["mean_fitness"] == pytest.approx(sum(scores) / len(scores))
        assert metric_of(row) == ("validation_mse", pytest.approx(-row["mean_fitness"]))
    assert {row["trainings"] for row in best} == {1, 2}
    assert progress.best is not None
    assert progress.best.candidate.id == best[0]["id"]
    assert progress.noise == run.noise()
    noise = run.noise().seeds
    assert noise is not None
    assert 3 <= noise.pairs <= sum(row["trainings"] == 2 for row in best)


def test_a_run_without_repeats_knows_nothing_of_its_noise(place: Path) -> None:
    assert Run.at(place).noise().seeds is None


def test_a_damaged_note_of_an_end_is_named_and_does_not_count(place: Path, tmp_path: Path) -> None:
    run = Run.at(shutil.copytree(place, tmp_path / "run"))
    budget, told = BudgetOptions(minutes=1.0), run.totals().told
    run.keep_ending(Ending.MINUTES, told=told, budget=budget)
    assert run.ending(budget) is Ending.MINUTES
    assert run.is_spent(budget)
    assert not list(run.damage())
    (note,) = (tmp_path / "run" / "endings").iterdir()
    note.write_bytes(note.read_bytes()[:-9])
    assert run.ending(budget) is None
    assert not run.is_spent(budget)
    (line,) = run.damage()
    assert line.startswith(f"endings/{note.name} is damaged; remove it")
