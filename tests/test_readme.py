"""What the README shows is run here, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import yaml

import evo_nas
from evo_nas.config import configured
from evo_nas.experiment import Experiment
from evo_nas.ledger import Ledger
from tests.ledger.samples import RECORD, evaluations

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_query_finds_the_best_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    told = evaluations(*range(40))
    with Ledger.create(tmp_path / "runs" / "quickstart", RECORD) as ledger:
        ledger.append(told[:25], born=[])
        ledger.append(told[25:], born=[])
    (query,) = blocks("sql")
    rows = duckdb.sql(query).fetchall()
    best = sorted((e for e in told if e.status == "ok"), key=lambda e: -(e.fitness or 0.0))[:5]
    assert [row[0] for row in rows] == [evaluation.candidate.id for evaluation in best]


def test_the_configuration_is_a_valid_one() -> None:
    (text,) = blocks("yaml")
    experiment = Experiment.of(configured(yaml.safe_load(text)))
    assert experiment.budget.evaluations == 120


def test_every_file_it_links_to_is_there() -> None:
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []


def test_every_python_name_it_shows_is_there() -> None:
    names = set(re.findall(r"evo_nas\.(\w+)", README)) - {"testing", "tune"}
    assert names
    assert names <= set(evo_nas.__all__)
