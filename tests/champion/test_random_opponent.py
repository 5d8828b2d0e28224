"""A search at random with the budget of the run goes through the contest as every opponent does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evo_nas.champion.champion import load_champion
from evo_nas.champion.export import export_champion
from evo_nas.champion.verdict import Verdict
from evo_nas.config import VerdictOptions, configured
from evo_nas.errors import ConfigError
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.sessions.events import Judged, Working
from evo_nas.sessions.judging import judge

OPTIONS = VerdictOptions(finalists=2, cuts=1, trials=2, seeds=2, most_seeds=2, opponents=("random",))
EVALUATIONS = 6


def searched(place: Path, **strategy: object) -> Run:
    settings = {
        "name": "parity",
        "seed": 5,
        "task": {"kind": "parity", "length": 12, "train": 48, "validation": 24, "test": 24},
        "space": {"widths": [3, 4], "batch_sizes": [16], "cell_nodes": 6},
        "strategy": strategy,
        "training": {"epochs": 1, "device": "cpu"},
        "budget": {"evaluations": EVALUATIONS},
        "workers": 1,
    }
    run = Run.at(place)
    with Experiment.of(configured(settings)).open(run, executor="inline") as search:
        search.run()
    return run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random")
    searched(folder / "run", kind="aging", population=4, tournament=2, warmup=2)
    return folder / "run"


@pytest.fixture(scope="module")
def judged(place: Path) -> tuple[Run, Verdict, list[str]]:
    """The run after its contest, which was interrupted in the middle of the search at random."""
    run, said = Run.at(place), list[str]()
    halfway = "made evaluation 3 of 6 of the random search"
    for event in judge(run, Experiment.of_run(run), options=OPTIONS, is_stopped=lambda: halfway in said):
        assert isinstance(event, Working)
        said.append(event.doing)
    assert said[-1] == halfway
    for event in judge(run, Experiment.of_run(run), options=OPTIONS):
        if isinstance(event, Working):
            said.append(event.doing)
    assert isinstance(event, Judged)
    return run, event.verdict, said


def test_it_is_tried_and_retrained_as_the_champion_is(judged: tuple[Run, Verdict, list[str]]) -> None:
    _, verdict, said = judged
    assert [each.which for each in verdict.contestants] == ["champion", "random"]
    (opponent,) = verdict.opponents
    assert opponent.name == "random search"
    assert len(opponent.tests) == len(verdict.champion.tests) == 2
    assert verdict.against("random search") is not None
    assert any(line.startswith("made random finalist #") for line in said)
    # Only the champion has to beat published cells in its place.
    assert not any("random finalist" in line and "around" in line for line in said)


def test_it_has_the_budget_of_the_run_and_nothing_is_trained_twice(
    judged: tuple[Run, Verdict, list[str]],
) -> None:
    run, _, said = judged
    beside = run.random_search
    assert beside.config.strategy["kind"] == "random"
    assert beside.totals().told == run.totals().told == EVALUATIONS
    made = [line for line in said if line.startswith("made ")]
    assert len(made) == len(set(made))
    assert "made evaluation 6 of 6 of the random search" in made
    assert not list(run.damage())


def test_another_contest_searches_no_more(
    judged: tuple[Run, Verdict, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _, _ = judged
    monkeypatch.setattr(Experiment, "open", lambda *_, **__: pytest.fail("it searched again"))
    shorter = OPTIONS.model_copy(update={"trials": 1})
    *_, last = judge(run, Experiment.of_run(run), options=shorter)
    assert isinstance(last, Judged)
    assert [each.which for each in last.verdict.contestants] == ["champion", "random"]


def test_its_network_is_exported_with_its_own_origin(
    judged: tuple[Run, Verdict, list[str]], tmp_path: Path
) -> None:
    run, _, _ = judged
    export_champion(run, tmp_path / "out", which="random")
    champion = load_champion(tmp_path / "out")
    assert sum(parameter.numel() for parameter in champion.model.parameters()) > 0


def test_a_search_at_random_has_no_such_opponent(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", kind="random")
    with pytest.raises(
        ConfigError, match="verdict.opponents has random, and strategy.kind is random, too; leave one"
    ):
        list(judge(run, Experiment.of_run(run), options=OPTIONS))
    config = run.config.model_dump(mode="json") | {"verdict": {"opponents": ["random"]}}
    with pytest.raises(ConfigError, match="verdict.opponents has random"):
        Experiment.of(configured(config))


def test_its_damage_is_told_with_its_place(judged: tuple[Run, Verdict, list[str]], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(str(judged[0]), tmp_path / "run"))
    (segment, *_) = sorted((copy / "random" / "segments").iterdir())
    segment.write_bytes(b"")
    assert [line for line in Run.at(copy).damage() if line.startswith("random/")]
