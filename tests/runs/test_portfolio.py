"""Portfolios: networks of several runs that complement each other, and begin later runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evo_nas.cli import main
from evo_nas.config import configured
from evo_nas.errors import ConfigError
from evo_nas.experiment import Experiment
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.runs import Run
from evo_nas.runs.portfolio import Member, read_portfolio, write_portfolio
from evo_nas.runs.portfolio_learning import chosen, learn_portfolio, shares_below, unlikeness

LSTM, GRU = Architecture((Layer(NAMED_CELLS["lstm"], 64),)), Architecture((Layer(NAMED_CELLS["gru"], 64),))


def member(name: str, **scores: float) -> Member:
    return Member(name, LSTM, scores, tuple(scores))


def test_members_complement_each_other_and_the_best_alone_comes_first() -> None:
    one, other = member("one", a=1.0, b=0.0), member("other", a=0.0, b=1.0)
    both, neither = member("both", a=0.7, b=0.7), member("neither", a=0.6, b=0.6)
    assert chosen([neither, one, other, both], 1) == [both]
    assert chosen([neither, one, other, both], 9) == [both, one, other]
    assert chosen([one, both], 2) == [both, one]


def test_scores_are_shares_so_that_tasks_with_other_metrics_count_the_same() -> None:
    assert shares_below([3.0, 1.0, 2.0, 2.0]) == [0.875, 0.125, 0.5, 0.5]


def test_networks_that_differ_more_are_less_alike() -> None:
    wider = Architecture((Layer(NAMED_CELLS["lstm"], 128),))
    assert unlikeness(LSTM, LSTM) == 0
    assert 0 < unlikeness(LSTM, wider) < unlikeness(LSTM, GRU) < 1


def test_a_file_gives_back_what_was_written_and_is_never_replaced(tmp_path) -> None:
    members = [member("one", a=1.0), Member("two", GRU, {"a": 0.5})]
    write_portfolio(tmp_path / "file.json", members)
    assert read_portfolio(tmp_path / "file.json") == members
    with pytest.raises(ConfigError, match="name a new file"):
        write_portfolio(tmp_path / "file.json", members)
    text = (tmp_path / "file.json").read_text()
    (tmp_path / "file.json").write_text(text.replace('"one"', '"uno"'))
    with pytest.raises(ConfigError, match="is no portfolio"):
        read_portfolio(tmp_path / "file.json")


def settings(name: str, task: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "task": task,
        "space": {"widths": [4, 6], "batch_sizes": [256], "cell_nodes": 6},
        "training": {"epochs": 1},
        "budget": {"evaluations": 10},
        **changes,
    }


def searched(place: Path, values: dict[str, Any]) -> Run:
    with Experiment.of(configured(values)).open(Run.at(place), executor="inline") as search:
        search.run()
    return Run.at(place)


def test_what_runs_on_two_tasks_have_learnt_begins_a_third(tmp_path) -> None:
    values = "\n".join(f"{number % 7},{number % 5}" for number in range(200))
    (tmp_path / "waves.csv").write_text(f"x,y\n{values}\n")
    forecast = {
        "kind": "forecast",
        "path": str(tmp_path / "waves.csv"),
        "targets": ["y"],
        "window": 8,
        "horizon": 2,
    }
    first = searched(tmp_path / "first", settings("first", {"kind": "digits"}))
    searched(tmp_path / "second", settings("second", forecast))
    file = tmp_path / "portfolio.json"
    places = [str(tmp_path / "first"), str(tmp_path / "second")]
    said = CliRunner().invoke(main, ["portfolio", *places, "--output", str(file), "--count", "3"])
    assert said.exit_code == 0, said.output
    members = read_portfolio(file)
    assert 1 <= len(members) <= 3
    best = {task: max(each.scores[task] for each in members) for task in ("first", "second")}
    assert all(score > 0.7 for score in best.values())
    third = searched(
        tmp_path / "third", settings("third", {"kind": "digits"}, seed=4, warm_start=[str(file)])
    )
    assert [each.name for each in third.founders] == [each.name for each in members]
    with pytest.raises(ConfigError, match="two runs at least"):
        learn_portfolio([first, first], 3)
    nothing = CliRunner().invoke(
        main, ["portfolio", "nowhere", *places, "--output", str(tmp_path / "new.json")]
    )
    assert nothing.exit_code == 2
    assert "nowhere" in nothing.output
