"""What the service tells of runs: the list, one in full, and its chart."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from evo_nas.config import configured
from evo_nas.config.yaml_text import to_yaml
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.server.app import create_app
from evo_nas.server.launches import LaunchRecord
from evo_nas.server.options import ServerOptions
from evo_nas.sessions.events import Working, event_to_json

Answers = Callable[..., Any]
EVALUATIONS = 12


def settings(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "seed": 3,
        "task": {"kind": "parity"},
        "space": {"layers": {"min": 1, "max": 1}, "widths": [4, 8], "batch_sizes": [64], "heads": [0]},
        "strategy": {"kind": "aging", "population": 6, "tournament": 2, "warmup": 4},
        "training": {"epochs": 1, "device": "cpu"},
        "budget": {"evaluations": EVALUATIONS},
        "verdict": {"at_end": False},
        **changes,
    }


def search(place: Path, **changes: Any) -> None:
    experiment = Experiment.of(configured(settings(**{"name": place.name, **changes})))
    with experiment.open(Run.at(place), executor="inline") as search:
        search.run()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    search(folder / "first")
    shutil.copytree(folder / "first", folder / "second")
    return folder


@pytest.fixture
def answers(root: Path) -> Answers:
    served = ServerOptions(root=str(root), state=root / ".service")
    client = TestClient(create_app(served), base_url="http://127.0.0.1")

    def get(path: str, *, status: int = 200, **query: Any) -> Any:
        answered = client.get(f"/api/v1{path}", params=query)
        assert answered.status_code == status, answered.text
        return answered.json()

    return get


def test_the_list_has_every_run_with_its_best(answers: Answers) -> None:
    listed = answers("/runs", sort="name", order="asc", patience_s=60)
    assert [run["name"] for run in listed["runs"]] == ["first", "second"]
    assert (listed["total"], listed["reading"]) == (2, 0)
    first = listed["runs"][0]
    assert (first["state"], first["evaluated"], first["evaluations"]) == (
        "complete",
        EVALUATIONS,
        EVALUATIONS,
    )
    assert first["best"] == first["sparkline"][-1]
    assert (first["task"], first["strategy"]) == ("parity", "aging")


def test_a_run_in_full_has_its_best_candidates_as_show_ranks_them(answers: Answers, root: Path) -> None:
    told = answers("/runs/first")
    best = Run.at(root / "first").best(10)
    assert [row["id"] for row in told["best_candidates"]] == [row["id"] for row in best]
    assert told["best_candidates"][0]["value"] == told["best"]
    assert told["totals"]["told"] == sum(told["by_status"].values()) == EVALUATIONS
    assert told["config"]["strategy"]["population"] == 6
    assert "population: 6" in told["yaml"]


def test_a_chart_has_few_points_and_every_best(answers: Answers) -> None:
    whole = answers("/runs/first/chart")
    assert [point[0] for point in whole["points"]] == list(range(EVALUATIONS))
    values = [point[3] for point in whole["points"] if point[4] == "ok"]
    assert whole["best"][-1][1] == max(values)
    few = answers("/runs/first/chart", points=5)
    assert len(few["points"]) <= 5
    assert few["best"] == whole["best"]


@pytest.mark.parametrize("x", ["seconds", "cost"])
def test_a_chart_runs_over_time_and_over_cost(answers: Answers, x: str) -> None:
    chart = answers("/runs/first/chart", x=x)
    places = [point[2] for point in chart["points"]]
    assert places == sorted(places)
    assert chart["cost"][-1][0] > 0


def test_a_damaged_run_says_why_and_hides_no_other(answers: Answers, root: Path) -> None:
    damaged = Path(shutil.copytree(root / "first", root / "damaged"))
    try:
        for segment in (damaged / "segments").iterdir():
            segment.write_bytes(segment.read_bytes()[:-9])
        listed = {run["name"]: run for run in answers("/runs", patience_s=60)["runs"]}
        assert listed["damaged"]["state"] == "damaged"
        assert "lacks evaluations" in listed["damaged"]["error"]
        assert '{"accept_data_loss": true}' in listed["damaged"]["error"]
        assert listed["first"]["error"] == ""
        assert "lacks evaluations" in answers("/runs/damaged", status=409)["detail"]
    finally:
        shutil.rmtree(damaged)


def test_a_run_whose_name_no_path_can_have_is_told_of(answers: Answers, root: Path) -> None:
    names = [f"{letter}{'x' * 64}" for letter in "cab"] + ["of mine", ".hidden"]
    for name in names:
        shutil.copytree(root / "first", root / name)
    listed = answers("/runs")
    assert listed["unnamed"] == sorted(names[:4])
    assert not {item["name"] for item in listed["runs"]} & set(names)
    for name in names:
        shutil.rmtree(root / name)
    assert answers("/runs")["unnamed"] == []


def test_a_run_that_does_not_exist_is_a_problem(answers: Answers) -> None:
    assert "run third does not exist" in answers("/runs/third", status=404)["detail"]
    assert "run third does not exist" in answers("/runs/third/chart", status=404)["detail"]


def test_what_a_search_adds_is_in_the_next_answer(answers: Answers, root: Path) -> None:
    grown = Path(shutil.copytree(root / "first", root / "grown"))
    try:
        assert answers("/runs/grown")["evaluated"] == EVALUATIONS
        search(grown, name="first", budget={"evaluations": EVALUATIONS + 3})
        told = Run.at(grown).totals().told
        assert told > EVALUATIONS
        listed = {run["name"]: run for run in answers("/runs", patience_s=60)["runs"]}
        assert listed["grown"]["evaluated"] == told
        assert answers("/runs/grown/chart")["told"] == told
    finally:
        shutil.rmtree(grown)


def test_a_run_that_was_removed_is_gone_and_another_may_take_its_name(answers: Answers, root: Path) -> None:
    place = Path(shutil.copytree(root / "first", root / "short_lived"))
    assert answers("/runs/short_lived")["evaluated"] == EVALUATIONS
    shutil.rmtree(place)
    assert "does not exist" in answers("/runs/short_lived", status=404)["detail"]
    assert "short_lived" not in [run["name"] for run in answers("/runs", patience_s=60)["runs"]]
    try:
        search(place, budget={"evaluations": 2})
        assert answers("/runs/short_lived")["evaluated"] == 2
    finally:
        shutil.rmtree(place)


def test_a_search_that_is_just_beginning_is_listed_with_what_was_asked_for(
    answers: Answers, root: Path
) -> None:
    folder = root / ".service" / "begun" / "000001"
    folder.mkdir(parents=True)
    record = LaunchRecord.of("search", ("evo-nas",), pid=os.getpid(), key="")
    (folder / "launch.json").write_text(record.model_dump_json())
    (folder / "config.yaml").write_text(to_yaml(settings("begun")))
    (folder / "events.jsonl").write_text(event_to_json(Working(doing="loading the data")) + "\n")
    try:
        listed = {run["name"]: run for run in answers("/runs", patience_s=60)["runs"]}
        assert (listed["begun"]["state"], listed["begun"]["task"]) == ("starting", "parity")
        told = answers("/runs/begun")
        assert told["config"]["strategy"]["kind"] == "aging"
        assert told["latest"]["working"]["doing"] == "loading the data"
        assert [launch["is_alive"] for launch in told["launches"]] == [True]
        assert answers("/runs/begun/chart")["points"] == []
    finally:
        shutil.rmtree(root / ".service")
