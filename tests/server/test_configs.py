"""The schema of a configuration accepts what is shipped; checking one says everything that is wrong with it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient

from evo_nas.config import configured
from evo_nas.config.yaml_text import parse_yaml
from evo_nas.errors import ConfigError
from evo_nas.sections import Sections
from evo_nas.server.app import create_app
from evo_nas.server.options import ServerOptions
from evo_nas.views.configuration import Example, configuration_schema, examples

SCHEMA = configuration_schema()
CHECKER = jsonschema.Draft202012Validator(SCHEMA)
QUICKSTART = parse_yaml(examples()[0].yaml, source="the quickstart")


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sales.csv").write_text("time,value\n1,2\n")
    options = ServerOptions(
        root=str(tmp_path / "runs"), state=tmp_path / "state", data=(str(tmp_path / "data"),)
    )
    return TestClient(create_app(options), base_url="http://127.0.0.1")


def check(client: TestClient, **body: Any) -> dict[str, Any]:
    answered = client.post("/api/v1/configs/check", json=body)
    assert answered.status_code == 200
    said: dict[str, Any] = answered.json()
    return said


def test_the_schema_is_one_of_the_latest_draft() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_every_shipped_configuration_fits_the_schema(example: Example) -> None:
    assert not [error.message for error in CHECKER.iter_errors(parse_yaml(example.yaml, source=example.name))]


def test_every_key_has_its_meaning() -> None:
    for name, section in SCHEMA["properties"].items():
        assert section["description"], name
    for kind in SCHEMA["properties"]["task"]["oneOf"]:
        assert all(key.get("description") for name, key in kind["properties"].items() if name != "kind")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["seed"], -1),
        (["task", "kind"], "no_such_task"),
        (["task", "validatoin"], 0.2),
        (["space", "widths"], [0]),
        (["space", "layers", "min"], "one"),
        (["strategy", "population"], "many"),
        (["training", "device"], "tpu"),
        (["training", "epochs"], 0),
        (["budget", "evaluations"], 1.5),
        (["workers"], True),
        (["name"], "No Name"),
        (["surprise"], 1),
    ],
)
def test_what_the_schema_refuses_is_refused(path: list[str], value: object) -> None:
    config = copy.deepcopy(QUICKSTART)
    section = config
    for name in path[:-1]:
        section = section.setdefault(name, {})
    section[path[-1]] = value
    assert list(CHECKER.iter_errors(config))
    with pytest.raises(ConfigError):
        Sections.of(configured(config))


@pytest.mark.parametrize(
    "short", [{"workers": 3}, {"warm_start": ["a", "b"]}, {"warm_start": "a"}, {"warm_start": {"runs": "a"}}]
)
def test_a_short_form_fits_the_schema(short: dict[str, Any]) -> None:
    assert not list(CHECKER.iter_errors(QUICKSTART | short))


def test_a_good_configuration_is_filled_in_and_keeps_its_comments(client: TestClient) -> None:
    said = check(client, yaml=examples()[0].yaml)
    assert said["problems"] == []
    assert said["config"]["training"]["device"] == "auto"
    assert said["given"] == QUICKSTART
    assert said["yaml"] == examples()[0].yaml


def test_values_become_the_yaml_that_means_the_same(client: TestClient) -> None:
    said = check(client, config=QUICKSTART)
    assert parse_yaml(said["yaml"], source="the answer") == QUICKSTART


def test_ten_mistakes_are_ten_problems(client: TestClient) -> None:
    mistakes = {
        "name": "No Name",
        "seed": -1,
        "task": {
            "kind": "forecast",
            "path": "sales.csv",
            "targets": ["value"],
            "window": 0,
            "horizon": "far",
        },
        "space": {"widths": [0], "wdths": [1]},
        "strategy": {"kind": "aging", "population": "many"},
        "training": {"epochs": 0},
        "budget": {"evaluations": 0},
        "surprise": 1,
    }
    said = check(client, config=mistakes)
    assert said["config"] is None
    assert {problem["key"] for problem in said["problems"]} == {
        *("name", "seed", "task.window", "task.horizon", "space.widths[0]", "space.wdths"),
        *("strategy.population", "training.epochs", "budget.evaluations", "surprise"),
    }
    assert len(said["problems"]) == 10


def test_what_holds_between_sections_is_said_once_they_are_right(client: TestClient) -> None:
    said = check(
        client, config=QUICKSTART | {"strategy": {"kind": "random"}, "fitness": {"inheritance": "parent"}}
    )
    assert [problem["key"] for problem in said["problems"]] == ["fitness.inheritance"]


def test_relative_paths_start_from_the_first_data_root(client: TestClient, tmp_path: Path) -> None:
    task = {"kind": "forecast", "path": "sales.csv", "targets": ["value"]}
    said = check(client, config={"name": "sales", "task": task})
    assert said["problems"] == []
    assert said["config"]["base_dir"] == str(tmp_path / "data")


def test_neither_and_both_of_config_and_yaml_are_refused(client: TestClient) -> None:
    for body in ({}, {"config": {}, "yaml": ""}):
        answered = client.post("/api/v1/configs/check", json=body)
        assert answered.status_code == 422
        assert "exactly one of config and yaml" in answered.json()["detail"]


def test_malformed_yaml_says_where(client: TestClient) -> None:
    assert "line 2" in check(client, yaml="name: a\n  - b: [")["problems"][0]["message"]


def test_the_quickstart_is_the_first_example(client: TestClient) -> None:
    shipped = client.get("/api/v1/configs/examples").json()
    assert shipped[0]["name"] == "quickstart"
    assert all(example["title"] and "\n" not in example["title"] for example in shipped)


def test_the_schema_is_served(client: TestClient) -> None:
    assert client.get("/api/v1/configs/schema").json() == SCHEMA
