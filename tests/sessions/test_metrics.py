"""What Prometheus is told, and that the dashboard asks for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from evo_nas.evaluation import Status
from evo_nas.execution.executor import Occupancy
from evo_nas.execution.utilization import Activity
from evo_nas.sessions import metrics
from evo_nas.sessions.events import Progressed
from tests.cli.conftest import BEST

DASHBOARD = Path(__file__).parents[2] / "cluster" / "grafana" / "evo-nas.json"


@dataclass
class Exporter:
    """Takes what `ray.util.metrics` would export."""

    values: dict[tuple[str, str], float] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def kind(self, kind: str) -> type:
        exporter = self

        class Series:
            def __init__(self, name: str, description: str, **options: Any) -> None:
                assert description
                self.name = name
                exporter.kinds[name] = kind

            def set_default_tags(self, tags: dict[str, str]) -> None:
                assert tags == {"search": "small"}

            def set(self, value: float, tags: dict[str, str] | None = None) -> None:
                exporter.values[self.name, ",".join((tags or {}).values())] = value

            def inc(self, value: float, tags: dict[str, str] | None = None) -> None:
                key = self.name, ",".join((tags or {}).values())
                exporter.values[key] = exporter.values.get(key, 0.0) + value

            def observe(self, value: float) -> None:
                self.inc(1.0)

        return Series


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporter]:
    made = Exporter()
    for kind in ("Counter", "Gauge", "Histogram"):
        monkeypatch.setattr(metrics, kind, made.kind(kind))
    return made


def progress(told: int, diverged: int, *, told_at_start: int = 0) -> Progressed:
    seconds = {activity.value: 10.0 * told for activity in Activity}
    return Progressed(
        told=told,
        told_at_start=told_at_start,
        asked=told + 4,
        evaluations=100,
        train_s=0.0,
        train_s_budget=None,
        per_minute=0.0,
        remaining_s=None,
        by_status={Status.OK: told - diverged, Status.DIVERGED: diverged},
        best=None,
        population={},
        workers=Occupancy(
            workers=4, busy=3, in_flight=4, lost_workers=2, dropped=1, waiting=5, seconds=seconds
        ),
        elapsed_s=1.0,
        finished=False,
        interrupted=False,
        commit_s=0.01,
    )


def test_counters_count_on_and_gauges_say_how_it_is(exporter: Exporter) -> None:
    listener = metrics.Metrics("small")
    for told, diverged in ((10, 1), (10, 1), (25, 3)):
        listener(progress(told, diverged))
    assert exporter.values["evo_nas_evaluations", "ok"] == 22
    assert exporter.values["evo_nas_evaluations", "diverged"] == 3
    assert exporter.values["evo_nas_worker_seconds", "starved"] == 250
    assert exporter.values["evo_nas_workers", "waiting"] == 5
    assert exporter.values["evo_nas_remaining", ""] == 75
    assert exporter.values["evo_nas_commit_seconds", ""] == 2


def test_the_best_at_a_rung_and_the_best_of_full_trainings_are_two_series(exporter: Exporter) -> None:
    listener = metrics.Metrics("small")
    for epochs, fitness in ((6, 0.9), (18, 0.8)):
        listener(replace(progress(10, 0), best=replace(BEST, fitness=fitness, epochs=epochs, budget=18)))
    assert exporter.values["evo_nas_best_fitness", "6"] == 0.9
    assert exporter.values["evo_nas_best_fitness", "18"] == 0.8


def test_what_an_earlier_life_committed_is_no_commit_of_this_one(exporter: Exporter) -> None:
    listener = metrics.Metrics("small")
    listener(progress(60, 0, told_at_start=60))
    assert ("evo_nas_commit_seconds", "") not in exporter.values
    listener(progress(61, 0, told_at_start=60))
    assert exporter.values["evo_nas_commit_seconds", ""] == 1


def test_the_dashboard_asks_for_series_that_exist(exporter: Exporter) -> None:
    metrics.Metrics("small")
    suffixes = {"Counter": "_total", "Gauge": "", "Histogram": "_bucket"}
    exported = {f"ray_{name}{suffixes[kind]}" for name, kind in exporter.kinds.items()}
    asked = set(re.findall(r"ray_evo_nas_\w+", DASHBOARD.read_text()))
    assert asked == exported


def test_the_dashboard_is_one_that_grafana_loads() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert all(target["expr"].count("(") == target["expr"].count(")") for target in panel["targets"])
