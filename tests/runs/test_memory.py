"""Results of earlier runs are not trained again, are marked, and can be verified."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evo_nas.cli import main
from evo_nas.config import configured
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.experiment import Experiment
from evo_nas.progress import Progress
from evo_nas.runs import Run
from evo_nas.runs.memory import Memory, differences_from_sources
from evo_nas.strategies.verification import verify
from tests.s3 import s3_server

BUDGET = 10
TASK = {"kind": "parity", "train": 64, "validation": 32, "test": 32}
CURVE = (4.0, 3.0, 2.0, 1.0)


def experiment(**changed: Any) -> Experiment:
    settings = {
        "name": "tiny",
        "seed": 3,
        "task": TASK,
        "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
        "strategy": {"kind": "aging", "population": 6, "tournament": 2, "warmup": 4},
        "training": {"epochs": 1, "device": "cpu"},
        "budget": {"evaluations": BUDGET},
        "workers": 1,
    }
    once = {"rungs": None, "confirm": False, "repeats": 0.0}
    settings |= changed | {"fitness": once | changed.get("fitness", {})}
    return Experiment.of(configured(settings))


def search(place: Path | str, *, until: int | None = None, **changed: Any) -> Progress:
    with experiment(**changed).open(Run.at(place), executor="inline") as search:
        return search.run([lambda progress: search.stop() if until and progress.told >= until else None])


def memory_of(place: Path | str, **changed: Any) -> Memory:
    wanted = experiment(**changed)
    return Memory.at(str(place), wanted.config, wanted.fingerprint)


def told(place: Path | str) -> list[Evaluation]:
    return list(Run.at(place).history().told)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run; nobody changes it."""
    place = tmp_path_factory.mktemp("runs") / "earlier"
    search(place)
    return place


def test_a_search_that_was_made_before_trains_nothing(earlier: Path, tmp_path: Path) -> None:
    progress = search(tmp_path / "again", fitness={"memory": str(earlier)})
    assert (progress.told, progress.remembered, progress.train_s) == (BUDGET, BUDGET, 0.0)
    for before, now in zip(told(earlier), told(tmp_path / "again"), strict=True):
        assert now.candidate == before.candidate
        assert now.outcome.source == f"{earlier} #{before.candidate.id}"
        assert (now.outcome.fitness, now.outcome.curve) == (before.outcome.fitness, before.outcome.curve)
        assert (now.outcome.train_s, now.outcome.cpu_s, now.worker) == (0.0, 0.0, "memory")


def test_another_seed_shares_what_both_ask(earlier: Path, tmp_path: Path) -> None:
    progress = search(tmp_path / "other", seed=4, fitness={"memory": str(earlier.parent)})
    known = {
        each.candidate.canonical_hash for each in told(earlier) if each.status in (Status.OK, Status.DIVERGED)
    }
    shared = [each for each in told(tmp_path / "other") if each.candidate.canonical_hash in known]
    assert 0 < progress.remembered == len(shared) < BUDGET
    assert all(each.outcome.source for each in shared)


def test_two_runs_that_share_a_memory_remember_each_other(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "runs").mkdir(exist_ok=True)
        search(tmp_path / "runs" / name, fitness={"memory": str(tmp_path / "runs")})
    one, two = told(tmp_path / "runs" / "one"), told(tmp_path / "runs" / "two")
    assert not any(each.outcome.source for each in one)
    assert all(each.outcome.source for each in two)


def test_what_was_remembered_is_remembered_from_where_it_was_trained(earlier: Path, tmp_path: Path) -> None:
    search(tmp_path / "second", fitness={"memory": str(earlier)})
    search(tmp_path / "third", fitness={"memory": str(tmp_path / "second")})
    assert {each.outcome.source.rpartition(" #")[0] for each in told(tmp_path / "third")} == {str(earlier)}


def test_a_run_is_no_memory_of_itself(tmp_path: Path) -> None:
    search(tmp_path / "run", until=4)
    progress = search(tmp_path / "run", fitness={"memory": str(tmp_path / "run")})
    assert (progress.told, progress.remembered) == (BUDGET, 0)


def test_a_killed_run_goes_on_with_its_memory_and_can_be_verified(earlier: Path, tmp_path: Path) -> None:
    place = tmp_path / "killed"
    search(place, until=3, seed=4, fitness={"memory": str(earlier)})
    progress = search(place, seed=4, fitness={"memory": str(earlier)})
    search(tmp_path / "whole", seed=4, fitness={"memory": str(earlier)})
    assert progress.told_at_start == 3
    assert [each.candidate for each in told(place)] == [each.candidate for each in told(tmp_path / "whole")]
    assert [each.outcome.source for each in told(place)] == [
        each.outcome.source for each in told(tmp_path / "whole")
    ]
    history = Run.at(place).history()
    assert list(verify(Experiment.of_run(Run.at(place)).strategy(), history.told, history.in_flight)) == []


def test_the_memory_may_change_when_a_run_goes_on_and_is_recorded(earlier: Path, tmp_path: Path) -> None:
    place = tmp_path / "run"
    search(place, until=3, seed=4, fitness={"memory": str(earlier)})
    search(place, until=5, seed=4)
    assert Run.at(place).config.fitness.memory is None
    search(place, seed=4, fitness={"memory": str(earlier.parent)})
    assert Run.at(place).config.fitness.memory == str(earlier.parent)
    assert len(told(place)) == BUDGET


def test_remembered_results_equal_their_sources(earlier: Path, tmp_path: Path) -> None:
    search(tmp_path / "again", fitness={"memory": str(earlier)})
    assert differences_from_sources(told(tmp_path / "again")) == ([], [])


def test_a_remembered_result_that_differs_from_its_source_is_found(earlier: Path, tmp_path: Path) -> None:
    search(tmp_path / "again", fitness={"memory": str(earlier)})
    honest = told(tmp_path / "again")
    forged = [replace(honest[0], outcome=replace(honest[0].outcome, fitness=9.0)), *honest[1:]]
    assert differences_from_sources(forged) == ([f"#0 is not what its source has, {earlier} #0"], [])
    lost = [replace(honest[0], outcome=replace(honest[0].outcome, source=f"{earlier} #99"))]
    assert differences_from_sources(lost) == ([f"#0 is not what its source has, {earlier} #99"], [])


def test_verify_and_show_tell_what_was_remembered(earlier: Path, tmp_path: Path) -> None:
    shutil.copytree(earlier, tmp_path / "moved")
    search(tmp_path / "again", fitness={"memory": str(tmp_path / "moved")})
    shown = CliRunner().invoke(main, ["show", str(tmp_path / "again")]).output
    assert f"{BUDGET} of {BUDGET} remembered" in " ".join(shown.split())
    assert "remembered from" in shown
    verified = CliRunner().invoke(main, ["verify", str(tmp_path / "again")])
    assert (verified.exit_code, verified.stderr) == (0, "")
    shutil.rmtree(tmp_path / "moved")
    verified = CliRunner().invoke(main, ["verify", str(tmp_path / "again")])
    assert verified.exit_code == 0
    assert f"remembered results cannot be compared: {tmp_path / 'moved'}" in verified.stderr


def test_a_source_that_is_gone_is_named(earlier: Path, tmp_path: Path) -> None:
    shutil.copytree(earlier, tmp_path / "moved")
    search(tmp_path / "again", fitness={"memory": str(tmp_path / "moved")})
    shutil.rmtree(tmp_path / "moved")
    different, (unreachable,) = differences_from_sources(told(tmp_path / "again"))
    assert different == []
    assert unreachable.startswith(f"{tmp_path / 'moved'}, where {BUDGET} were trained, cannot be read")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"task": TASK | {"train": 65}}, "task.train: was 64, is 65"),
        ({"task": {"kind": "digits"}}, 'task.kind: was "parity", is "digits"'),
        ({"training": {"epochs": 1, "schedule": "cosine"}}, 'training.schedule: was "constant", is "cosine"'),
    ],
)
def test_runs_of_other_trainings_are_left_out_with_one_warning(
    earlier: Path, caplog: pytest.LogCaptureFixture, changed: dict[str, Any], reason: str
) -> None:
    assert memory_of(earlier, **changed).size == 0
    (warning,) = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    assert (
        warning
        == f"fitness.memory: 1 of 1 runs in {earlier} cannot be used here, such as {earlier} ({reason})"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 9},
        {"budget": {"evaluations": 99}},
        {"strategy": {"kind": "random"}},
        {"space": {"widths": [4]}},
        {"training": {"epochs": 3, "device": "auto", "time_limit_s": 5.0}},
        {"fitness": {"rungs": None}},
    ],
)
def test_settings_that_change_no_training_change_no_memory(
    earlier: Path, caplog: pytest.LogCaptureFixture, changed: dict[str, Any]
) -> None:
    assert memory_of(earlier, **changed).size > 0
    assert not caplog.records


def test_a_damaged_run_is_left_out_with_a_warning(
    earlier: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(earlier, tmp_path / "runs" / "damaged")
    shutil.copytree(earlier, tmp_path / "runs" / "whole")
    (tmp_path / "runs" / "damaged" / "RUN.json").write_text("{}")
    assert memory_of(tmp_path / "runs").size == memory_of(earlier).size
    assert "1 of 2 runs" in caplog.text


def test_moved_data_files_are_the_same_data(tmp_path: Path) -> None:
    wave = [f"{step % 7},{step % 5}" for step in range(120)]
    places = (tmp_path / "one", tmp_path / "two")
    for folder in places:
        folder.mkdir()
        (folder / "waves.csv").write_text("x,y\n" + "\n".join(wave) + "\n")
    tasks = [
        {"kind": "forecast", "path": str(folder / "waves.csv"), "targets": ["y"], "window": 4, "horizon": 1}
        for folder in places
    ]
    search(tmp_path / "run", task=tasks[0])
    assert memory_of(tmp_path / "run", task=tasks[1]).size > 0
    (places[1] / "waves.csv").write_text("x,y\n" + "\n".join(reversed(wave)) + "\n")
    assert memory_of(tmp_path / "run", task=tasks[1]).size == 0


def test_an_empty_folder_is_a_memory_that_fills_up_later(tmp_path: Path) -> None:
    assert memory_of(tmp_path).size == 0


def test_a_memory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"fitness\.memory is .*nowhere, where no run is"):
        search(tmp_path / "run", fitness={"memory": str(tmp_path / "nowhere")})
    assert not (tmp_path / "run").exists()


def test_a_relative_path_is_refused_where_the_search_lives_on_another_machine(tmp_path: Path) -> None:
    wanted = experiment(fitness={"memory": "runs"})
    with (
        pytest.raises(ConfigError, match="fitness.memory is runs; must be an absolute path or a URI"),
        wanted.open(Run.at(tmp_path / "run"), executor="cluster"),
    ):
        pass


def test_a_memory_of_trainings_that_inherit_is_refused() -> None:
    with pytest.raises(ConfigError, match="memory is given and inheritance is parent"):
        experiment(fitness={"memory": "runs", "inheritance": "parent"})


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server() as uri:
        yield uri


def test_runs_in_a_bucket_are_a_memory(bucket: str, tmp_path: Path) -> None:
    search(f"{bucket}/earlier")
    progress = search(tmp_path / "again", fitness={"memory": bucket})
    assert progress.remembered == BUDGET
    assert differences_from_sources(told(tmp_path / "again")) == ([], [])
    with pytest.raises(ConfigError, match=r"where no run is"):
        memory_of(f"{bucket}/nowhere")


def candidate(**values: Any) -> Candidate:
    known = {
        "id": 0, "genome": (1,), "canonical_hash": "a", "parents": (), "operator": "random", "seed": 7,
        "budget": 4, "asked_after": 0,
    }  # fmt: skip
    return Candidate(**(known | values))


def outcome(*, epochs: int = 4, status: Status = Status.OK, **values: Any) -> Outcome:
    scores = {
        "fitness": -CURVE[epochs - 1], "metrics": {"validation_mse": CURVE[epochs - 1]}, "metric": "validation_mse",
    } if status.scored else {}  # fmt: skip
    return Outcome(
        status, epochs=epochs, curve=CURVE[:epochs], train_s=5.0, weights="abc", **scores, **values
    )


def remembering(*evaluations: Evaluation) -> Memory:
    memory = Memory()
    memory.add(evaluations, source="runs/earlier")
    return memory


@pytest.mark.parametrize("changed", [{"canonical_hash": "b"}, {"budget": 5}, {"cut": 1}])
def test_another_training_is_not_remembered(changed: dict[str, Any]) -> None:
    memory = remembering(Evaluation(candidate(), outcome()))
    assert memory.recall(candidate(seed=1)) == remembered(outcome())
    assert memory.recall(candidate(**changed)) is None


def remembered(known: Outcome, number: int = 0) -> Outcome:
    return replace(known, train_s=0.0, cpu_s=0.0, weights="", source=f"runs/earlier #{number}")


@pytest.mark.parametrize("status", [Status.TIMED_OUT, Status.TOO_BIG, Status.FAILED, Status.POISONED])
def test_what_other_machines_may_do_better_is_trained_again(status: Status) -> None:
    assert remembering(Evaluation(candidate(), outcome(status=status))).recall(candidate()) is None


def test_a_divergence_is_remembered() -> None:
    diverged = outcome(status=Status.DIVERGED, epochs=2)
    assert remembering(Evaluation(candidate(), diverged)).recall(candidate()) == remembered(diverged)


def test_the_very_same_training_is_preferred() -> None:
    other, same = Evaluation(candidate(seed=1), outcome()), Evaluation(candidate(id=5), outcome(steps=9))
    assert remembering(other, same).recall(candidate()) == remembered(outcome(steps=9), 5)


def test_a_repeated_training_is_another_draw_and_never_the_same_result_again() -> None:
    memory = remembering(Evaluation(candidate(), outcome()))
    assert memory.recall(candidate(id=9, repeats=0, seed=8)) is None
    again = Evaluation(candidate(id=5, repeats=0, seed=8), outcome(steps=9))
    assert remembering(again).recall(candidate(id=9, repeats=0, seed=8)) == remembered(outcome(steps=9), 5)
    assert remembering(again).recall(candidate()) is None


def test_a_continued_training_is_remembered_only_with_its_own_seed() -> None:
    memory = remembering(Evaluation(candidate(), outcome()))
    assert memory.recall(candidate(id=9, continues=2, starts_from="abc", seed=8)) is None
    assert memory.recall(candidate(id=9, continues=2, starts_from="abc")) == remembered(outcome())


def test_a_complete_result_answers_for_what_might_have_been_pruned() -> None:
    memory = remembering(Evaluation(candidate(), outcome()))
    assert memory.recall(candidate(rungs=(2,), thresholds=(0.0,))) == remembered(outcome())


def test_a_pruned_result_answers_only_for_what_would_be_pruned_at_the_same_rung() -> None:
    pruned = outcome(status=Status.PRUNED, epochs=2)
    memory = remembering(Evaluation(candidate(rungs=(1, 2), thresholds=(-9.0, -2.0)), pruned))
    assert memory.recall(candidate(rungs=(1, 2), thresholds=(-9.0, -2.5))) == remembered(pruned)
    assert memory.recall(candidate(rungs=(2,), thresholds=(-1.0,))) == remembered(pruned)
    assert memory.recall(candidate(rungs=(1, 2), thresholds=(-1.0, -2.5))) is None
    assert memory.recall(candidate(rungs=(1, 2), thresholds=(-9.0, -3.5))) is None
    assert memory.recall(candidate(rungs=(1, 3), thresholds=(-9.0, -1.0))) is None
    assert memory.recall(candidate()) is None


def test_a_complete_result_is_preferred_to_a_pruned_one() -> None:
    pruned = Evaluation(candidate(), outcome(status=Status.PRUNED, epochs=2))
    continued = Evaluation(candidate(id=4, continues=0, starts_from="abc"), outcome())
    asked = candidate(rungs=(2,), thresholds=(0.0,))
    assert remembering(pruned, continued).recall(asked) == remembered(outcome(), 4)


def test_trainings_that_inherit_are_neither_remembered_nor_answered() -> None:
    inherited = Evaluation(candidate(starts_from="abc"), outcome(inherited_steps=5))
    assert remembering(inherited).recall(candidate()) is None
    assert remembering(Evaluation(candidate(), outcome())).recall(candidate(starts_from="abc")) is None
