"""What the service tells of candidates: one in full, its ancestors, and the front."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from evo_nas.config import configured
from evo_nas.evaluation import Status
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.server.app import create_app
from tests.served import options

SEARCH = {
    "seed": 2,
    "task": {"kind": "parity"},
    "space": {
        "layers": {"min": 1, "max": 1},
        "widths": [4, 6],
        "batch_sizes": [64],
        "heads": [0],
        "embeddings": [4],
        "fronts": ["none"],
        "shortcuts": ["none"],
    },
    "strategy": {"kind": "aging", "population": 4, "tournament": 2, "warmup": 3},
    "verdict": {"at_end": False},
}
RUNGS = {
    "name": "rungs",
    "training": {"epochs": 3, "device": "cpu"},
    "fitness": {"rungs": [2], "repeats": 0.2},
    "budget": {"evaluations": 18},
}
FRONT = {
    "name": "front",
    "training": {"epochs": 1, "device": "cpu"},
    "fitness": {"objectives": ["fitness", "parameters"]},
    "budget": {"evaluations": 10},
    "strategy": {"kind": "nsga2", "population": 4},
}


def begin(folder: Path, changes: dict[str, Any]) -> Run:
    run = Run.at(folder / changes["name"])
    with Experiment.of(configured(SEARCH | changes)).open(run, executor="inline") as search:
        search.run()
    return run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for changes in (RUNGS, FRONT):
        begin(folder, changes)
    return folder


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[TestClient]:
    with TestClient(create_app(options(root)), base_url="http://127.0.0.1") as client:
        yield client


def told(client: TestClient, path: str, *, status: int = 200, **query: Any) -> Any:
    answered = client.get(f"/api/v1{path}", params=query)
    assert answered.status_code == status, answered.text
    return answered.json()


def test_a_value_at_a_rung_is_never_the_best(client: TestClient, root: Path) -> None:
    run = Run.at(root / "rungs")
    (best,) = run.best(1)
    assert Status.PRUNED in {row["status"] for row in run.table().to_pylist()}
    detail, chart = told(client, "/runs/rungs"), told(client, "/runs/rungs/chart")
    assert detail["best_candidates"][0]["id"] == best["id"]
    assert detail["best_at"] is None
    assert chart["best"][-1][1] == pytest.approx(detail["best"])
    rungs = {point[4]: point[5] for point in chart["points"]}
    assert (rungs["pruned"], rungs["ok"]) == (2, None)


def test_a_candidate_has_its_equations_and_its_relatives(client: TestClient, root: Path) -> None:
    run = Run.at(root / "rungs")
    rows = run.table().to_pylist()
    child = next(row for row in rows if row["parents"] and row["repeats"] is row["continues"] is None)
    detail = told(client, f"/runs/rungs/candidates/{child['id']}")
    assert "1 layer" in detail["words"]
    assert detail["cells"][0]["mathml"].startswith("<math")
    assert "\\" in detail["cells"][0]["latex"]
    assert detail["cells"][0]["kin"]["name"]
    assert detail["drawing"].startswith("<svg")
    assert [node["id"] for node in detail["parent_nodes"]] == child["parents"]
    parent = told(client, f"/runs/rungs/candidates/{child['parents'][0]}")
    assert child["id"] in [node["id"] for node in parent["child_nodes"]]
    assert parent["children"] == len(parent["child_nodes"])


def test_a_lineage_is_the_line_that_show_prints(client: TestClient, root: Path) -> None:
    run = Run.at(root / "rungs")
    (best,) = run.best(1)
    graph = told(client, "/runs/rungs/lineage")
    assert graph["candidate"] == best["id"]
    of_first = {node["id"]: node for node in graph["nodes"]}
    line = run.lineage(best["id"])
    assert [row["operator"] for row in line[1:]] == [
        of_first[number]["operator"] for number in graph["line"][1:]
    ]
    assert {edge["child"] for edge in graph["edges"]} <= set(of_first)
    assert len(told(client, "/runs/rungs/lineage", all=1)["nodes"]) >= len(graph["nodes"])


def test_the_front_is_that_of_the_run_and_beats_the_others(client: TestClient, root: Path) -> None:
    front = told(client, "/runs/front/front")
    assert [member["id"] for member in front["members"]] == [
        row["id"] for row in Run.at(root / "front").front()
    ]
    assert [each["name"] for each in front["objectives"]] == ["fitness", "parameters"]
    cheapest = min(member["costs"]["parameters"] for member in front["members"])
    assert all(point["costs"]["parameters"] >= cheapest for point in front["dominated"])
    assert told(client, "/runs/rungs/front")["members"] == []


def test_what_was_never_evaluated_is_a_problem(client: TestClient) -> None:
    for path, query in (("/runs/rungs/candidates/999", {}), ("/runs/rungs/lineage", {"candidate": 999})):
        assert "run rungs has no result of candidate 999" in told(client, path, status=404, **query)["detail"]


def test_runs_are_compared_over_one_axis(client: TestClient) -> None:
    both = told(client, "/compare", run=["rungs", "front"], x="cost")
    assert [run["name"] for run in both["runs"]] == ["rungs", "front"]
    assert both["differences"]["strategy.kind"] == ["aging", "nsga2"]
    assert all(run["curve"][-1][0] <= run["last"] + 1 for run in both["runs"])
    assert both["ranking"] is None
    assert both["remark"]
