import math
import shutil
from dataclasses import replace

import pytest
import torch

import evo_nas
from evo_nas.config import configured
from evo_nas.errors import ConfigChangedError, ConfigError, DataChangedError, RunError
from evo_nas.evaluation import Status
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.strategies.verification import verify


@pytest.fixture
def settings(tmp_path):
    rows = [f"{math.sin(step / 5):.4f},{math.cos(step / 9):.4f}" for step in range(300)]
    (tmp_path / "waves.csv").write_text("x,y\n" + "\n".join(rows) + "\n")

    def build(**changes):
        return {
            "name": "waves",
            "seed": 5,
            "base_dir": str(tmp_path),
            "task": {"kind": "forecast", "path": "waves.csv", "targets": ["y"], "window": 8, "horizon": 2},
            "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
            "strategy": {"kind": "aging", "population": 6, "tournament": 3, "warmup": 3},
            "training": {"epochs": 1, "time_limit_s": 20.0},
            "budget": {"evaluations": 8},
            **changes,
        }

    return build


def experiment(values):
    return Experiment.of(configured(values))


def run_inline(values, run):
    with experiment(values).open(Run.at(run), executor="inline") as search:
        return search.run()


def test_a_configuration_becomes_a_search_that_ends_with_its_budget(settings, tmp_path):
    progress = run_inline(settings(), tmp_path / "run")
    assert progress.finished
    assert progress.told == 8
    assert progress.by_status[Status.OK] >= 6


def test_the_same_command_on_a_complete_run_finds_it_complete(settings, tmp_path):
    assert not experiment(settings()).is_complete(Run.at(tmp_path / "run"))
    run_inline(settings(), tmp_path / "run")
    history, totals = Run.at(tmp_path / "run").history(), Run.at(tmp_path / "run").totals()
    assert (totals.told, totals.in_flight) == (len(history.told), len(history.in_flight))
    assert totals.train_s == pytest.approx(sum(each.outcome.train_s for each in history.told))
    assert experiment(settings()).is_complete(Run.at(tmp_path / "run"))
    assert not experiment(settings(budget={"evaluations": 9})).is_complete(Run.at(tmp_path / "run"))


def test_a_raised_budget_goes_on_where_the_run_was(settings, tmp_path):
    run_inline(settings(), tmp_path / "run")
    progress = run_inline(settings(budget={"evaluations": 12}), tmp_path / "run")
    assert (progress.told_at_start, progress.told) == (8, 12)


def test_options_that_follow_the_budget_follow_the_one_that_the_run_began_with(settings, tmp_path):
    place = tmp_path / "run"
    run_inline(settings(strategy={"kind": "aging", "warmup": 3}, budget={"evaluations": 8}), place)
    assert Run.at(place).config.strategy["population"] == 10
    raised = settings(strategy={"kind": "aging", "warmup": 3}, budget={"evaluations": 60})
    assert not experiment(raised).is_complete(Run.at(place))
    assert run_inline(settings(strategy=raised["strategy"], budget={"evaluations": 12}), place).told == 12
    history = Run.at(place).history()
    strategy = Experiment.of_run(Run.at(place)).strategy()
    assert list(verify(strategy, history.told, history.in_flight)) == []
    given = settings(strategy={"kind": "aging", "warmup": 3, "population": 9})
    with pytest.raises(ConfigChangedError, match=r"strategy\.population: was 10, is 9"):
        experiment(given).is_complete(Run.at(place))


@pytest.mark.parametrize("config", [None, 5, [1, 2]])
def test_a_configuration_of_another_type_is_refused(config):
    with pytest.raises(ConfigError, match="must be the path of a YAML file"):
        evo_nas.search(config)


def test_an_unknown_executor_is_refused(settings, tmp_path):
    with pytest.raises(ConfigError, match="executor is 'nonsense'; must be one of ray, cluster, inline"):
        evo_nas.search(settings(), tmp_path / "run", executor="nonsense")


def test_spelling_out_a_default_is_no_change(settings, tmp_path):
    run_inline(settings(), tmp_path / "run")
    spelled = settings()
    spelled["task"]["stride"] = 1
    spelled["strategy"]["crossover"] = 0.1
    assert experiment(spelled).is_complete(Run.at(tmp_path / "run"))
    spelled["task"]["stride"] = 2
    with pytest.raises(ConfigChangedError, match=r"task\.stride: was 1, is 2"):
        experiment(spelled).is_complete(Run.at(tmp_path / "run"))


def test_two_runs_of_one_configuration_are_equal_to_the_bit(settings, tmp_path):
    for name in ("one", "two"):
        run_inline(settings(), tmp_path / name)
    one, two = (Run.at(tmp_path / name).history().told for name in ("one", "two"))
    assert [(e.candidate, e.fitness, e.outcome.curve) for e in one] == [
        (e.candidate, e.fitness, e.outcome.curve) for e in two
    ]


def test_a_run_verifies_against_its_own_record(settings, tmp_path):
    run_inline(settings(), tmp_path / "run")
    history = Run.at(tmp_path / "run").history()
    strategy = Experiment.of_run(Run.at(tmp_path / "run")).strategy()
    assert list(verify(strategy, history.told, history.in_flight)) == []


def test_a_changed_configuration_is_refused_by_its_keys(settings, tmp_path):
    run_inline(settings(), tmp_path / "run")
    changed = settings(seed=6, training={"epochs": 2, "time_limit_s": 20.0})
    with pytest.raises(ConfigChangedError, match=r"(?s)seed.*training\.epochs"):
        run_inline(changed, tmp_path / "run")
    with pytest.raises(ConfigChangedError):
        experiment(changed).is_complete(Run.at(tmp_path / "run"))


def test_workers_may_change_between_resumes(settings, tmp_path):
    run_inline(settings(), tmp_path / "run")
    again = settings(workers=5, budget={"evaluations": 9})
    assert run_inline(again, tmp_path / "run").told == 9


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("strategy", {"kind": "agin"}, r"strategy\.kind is agin; did you mean aging\?"),
        (
            "strategy",
            {"kind": "aging", "populaton": 9},
            r"strategy\.populaton is unknown; did you mean population",
        ),
        ("strategy", {"kind": "aging", "population": 1}, r"strategy\.population is 1; must be at least 2"),
        ("strategy", {"kind": "aging", "population": 9, "tournament": 10}, "at most the population, 9"),
        ("task", {"kind": "digit"}, r"task\.kind is digit; did you mean digits"),
        ("space", {"max_parameters": 3}, "max_parameters is 3"),
        ("space", {"cells": [], "evolve_cell": False}, "no layer can have a cell"),
    ],
)
def test_what_cannot_be_is_refused_before_a_run_exists(settings, tmp_path, section, values, message):
    with pytest.raises(ConfigError, match=message):
        run_inline(settings(**{section: values}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_start_without_workers_leaves_no_run_behind(settings, tmp_path):
    with pytest.raises(ConfigError, match=r"training\.device is cuda"):
        run_inline(settings(training={"epochs": 1, "device": "cuda"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert run_inline(settings(), tmp_path / "run").finished


def test_a_directory_of_other_things_is_refused_before_workers_start(settings, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("years of work")
    values = settings(training={"epochs": 1, "device": "cuda"})
    with pytest.raises(RunError, match=r"not empty \(thesis\.tex\)"):
        run_inline(values, tmp_path / "run")


def test_a_file_in_the_place_of_a_run_is_refused(settings, tmp_path):
    (tmp_path / "run").write_text("not a run")
    with pytest.raises(RunError, match="run"):
        run_inline(settings(), tmp_path / "run")


def test_the_python_interface_searches_judges_reads_and_loads(settings, tmp_path):
    run = tmp_path / "run"
    verdict = evo_nas.search(settings(), run, executor="inline")
    assert verdict.evaluations == 8
    assert verdict.metric == "mse"
    table = evo_nas.load_run(run)
    assert table.num_rows == 8
    assert table["fitness"][verdict.candidate].as_py() == max(
        fitness for fitness in table["fitness"].to_pylist() if fitness is not None
    )
    network = evo_nas.load_champion(run).model
    assert network(torch.zeros(3, 8, 2)).shape == (3, 2)
    assert evo_nas.search(settings(), run, executor="inline") == verdict


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'serch'"):
        _ = evo_nas.serch


def test_data_that_changed_since_the_start_are_refused_with_both_hashes(settings, tmp_path):
    run_inline(settings(), tmp_path / "run")
    before = experiment(settings()).task.fingerprint()
    with (tmp_path / "waves.csv").open("a") as file:
        file.write("0.5,0.5\n")
    after = experiment(settings()).task.fingerprint()
    with pytest.raises(DataChangedError) as refusal:
        run_inline(settings(budget={"evaluations": 12}), tmp_path / "run")
    for digest in (*before.values(), *after.values()):
        assert digest in str(refusal.value)
    with pytest.raises(DataChangedError):
        Experiment.of_run(Run.at(tmp_path / "run"))


@pytest.mark.parametrize("names_the_folder", [False, True])
def test_data_that_were_moved_are_the_same_data(settings, tmp_path, names_the_folder):
    def told(folder):
        task = {
            **settings()["task"],
            **({"path": str(tmp_path / folder / "waves.csv")} if names_the_folder else {}),
        }
        return settings(task=task, base_dir=str(tmp_path / folder))

    (tmp_path / "new").mkdir()
    (tmp_path / "old").mkdir()
    shutil.copy(tmp_path / "waves.csv", tmp_path / "old")
    run_inline(told("old"), tmp_path / "run")
    shutil.move(tmp_path / "old" / "waves.csv", tmp_path / "new")
    assert experiment(told("new")).is_complete(Run.at(tmp_path / "run"))
    with (tmp_path / "new" / "waves.csv").open("a") as file:
        file.write("0.5,0.5\n")
    with pytest.raises(ConfigChangedError if names_the_folder else DataChangedError):
        experiment(told("new")).is_complete(Run.at(tmp_path / "run"))


def test_a_layer_that_reads_backwards_may_not_forecast(settings):
    task = {"kind": "copy_memory"}
    with pytest.raises(ConfigError, match=r"space\.bidirectional is true, but the task is copy problem"):
        _ = experiment(settings(task=task, space={"widths": [4], "bidirectional": True})).dataset


def test_a_front_that_reads_spellings_needs_a_token_for_each_id(settings):
    named = experiment(settings(task={"kind": "parity"}, space={"widths": [4]})).dataset
    values = settings(task={"kind": "in_memory"}, space={"fronts": ["none", "subwords 1-2 x 64"]})
    nameless = replace(named, vocabulary=())
    with pytest.raises(ConfigError, match="'subwords 1-2 x 64', which reads how .* names 0 of its 2 tokens"):
        _ = Experiment.of(configured(values), dataset=nameless).dataset
    assert Experiment.of(configured(values), dataset=named).dataset is named


def test_truncation_is_for_sequences_that_stand_alone(settings):
    with pytest.raises(
        ConfigError, match=r"training\.truncation is 4, but the task is .*leave it out for forecasts"
    ):
        _ = experiment(settings(training={"epochs": 1, "truncation": 4})).dataset


@pytest.mark.parametrize("bidirectional", [False, True])
def test_truncation_is_for_layers_that_read_forwards(settings, bidirectional):
    found = experiment(
        settings(
            task={"kind": "digits"},
            space={"widths": [4], "bidirectional": bidirectional},
            training={"epochs": 1, "truncation": 4},
        )
    )
    if not bidirectional:
        assert found.dataset.train is not None
        return
    with pytest.raises(ConfigError, match=r"training\.truncation is 4 and space\.bidirectional is true"):
        _ = found.dataset


def test_truncation_is_a_number_of_steps(settings):
    with pytest.raises(ConfigError, match=r"training\.truncation is 0; must be"):
        experiment(settings(training={"truncation": 0}))
