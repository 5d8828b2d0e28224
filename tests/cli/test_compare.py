"""``compare`` shows ranks as a table, as JSON and as a picture, and refuses runs without a verdict."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from rich.console import Console

from evo_nas.champion import ranking as module
from evo_nas.champion.ranking import BASELINE, Results, ranked
from evo_nas.cli import main
from evo_nas.cli.ranking_view import critical_difference_diagram, ranking_view
from evo_nas.runs.champion_store import CHAMPION


def results(count: int) -> list[Results]:
    tests = {CHAMPION: 0.9, "LSTM": 0.8, "GRU": 0.7, BASELINE: 0.1}
    return [
        Results(f"runs/set{number}", "accuracy", higher_is_better=True, tests=tests)
        for number in range(count)
    ]


@pytest.fixture
def judged(monkeypatch) -> None:
    found = {each.run: each for each in results(6)}
    monkeypatch.setattr(module.Results, "of", classmethod(lambda cls, run, name: found[name]))


def test_it_tells_and_draws(judged, tmp_path) -> None:
    picture, runs = tmp_path / "ranks.svg", [each.run for each in results(6)]
    told = CliRunner().invoke(main, ["compare", *runs, "--picture", str(picture)])
    assert told.exit_code == 0, told.output
    assert "is ranked better than" in " ".join(told.output.split())
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")
    values = json.loads(CliRunner().invoke(main, ["compare", *runs, "--json"]).output)
    assert values["competitors"][0]["name"] == CHAMPION
    assert len(values["runs"]) == 6


def test_a_picture_of_another_kind_is_refused(judged, tmp_path) -> None:
    told = CliRunner().invoke(
        main, ["compare", "runs/set0", "runs/set1", "--picture", str(tmp_path / "a.gif")]
    )
    assert told.exit_code == 2
    assert "--picture is" in told.output


def test_the_same_run_twice_is_one_run(judged) -> None:
    told = CliRunner().invoke(main, ["compare", "runs/set0", "runs/set0"])
    assert told.exit_code == 2
    assert "give at least 2" in told.output


def test_the_diagram_names_everybody_and_joins_those_that_are_not_told_apart() -> None:
    drawn = critical_difference_diagram(ranked(results(6)))
    for name in (CHAMPION, "LSTM", "GRU", BASELINE, "critical difference"):
        assert name in drawn
    few = critical_difference_diagram(ranked(results(3)))
    assert "too few" in few
    assert "critical difference" not in few


def test_the_table_holds_the_metric_of_each_run() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(ranking_view(ranked(results(3))))
    assert captured.get().count("accuracy") == 3
