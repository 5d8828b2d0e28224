"""The report over HTTP: made once, shut off from the page of the service."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import psutil
import pytest
from fastapi.testclient import TestClient

from evo_nas.errors import ChampionError, ConfigError
from evo_nas.report import report as reports
from evo_nas.server import reading_apart
from evo_nas.server import reports as served_reports
from evo_nas.server.app import create_app
from evo_nas.server.problems import ServiceError
from evo_nas.server.reading_apart import Commands
from evo_nas.server.routes import champions
from tests.served import options, rows
from tests.server.launching import wait_until

pytest.importorskip("vl_convert", reason="vl-convert-python draws the figures")


def test_a_report_is_made_once_though_many_ask(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made, real, may_go_on = [], reports.report_page, threading.Event()

    def counted(run):
        made.append(run)
        may_go_on.wait(20)
        return real(run)

    monkeypatch.setattr(reports, "report_page", counted)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(service.get, "/api/v1/runs/open/report") for _ in range(3)]
        may_go_on.set()
        answers = [each.result() for each in asked]
    assert {each.status_code for each in answers} == {200}
    assert len({each.text for each in answers}) == 1
    assert len(made) == 1


def test_a_champion_answers_while_reports_are_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, may_go_on = reports.report_page, threading.Event()
    begun = threading.Semaphore(0)

    def held(run):
        begun.release()
        may_go_on.wait(120)
        return real(run)

    monkeypatch.setattr(reports, "report_page", held)
    posted = {"rows": rows(3).to_dict("records")}
    with (
        TestClient(create_app(options(root)), base_url="http://127.0.0.1") as client,
        ThreadPoolExecutor(3) as pool,
    ):
        asked = [pool.submit(client.get, f"/api/v1/runs/{name}/report") for name in ("open", "judged")]
        try:
            for _ in asked:
                assert begun.acquire(timeout=60)
            answered = pool.submit(client.post, "/api/v1/runs/judged/predict", json=posted).result(timeout=60)
        finally:
            may_go_on.set()
        assert answered.status_code == 200
        assert {each.result().status_code for each in asked} == {200}


def test_a_report_can_run_nothing_and_reach_nothing(service: TestClient) -> None:
    answered = service.get("/api/v1/runs/judged/report")
    assert answered.text.startswith("<!doctype html>")
    policy = answered.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy


def test_a_report_can_be_downloaded_under_the_name_of_its_run(service: TestClient) -> None:
    answered = service.get("/api/v1/runs/judged/report", params={"download": "1"})
    assert answered.headers["content-disposition"] == 'attachment; filename="judged-report.html"'


def test_a_figure_is_had_alone(service: TestClient) -> None:
    place = "/api/v1/runs/judged/figures/best-by-evaluations"
    assert service.get(place).text.startswith("<svg")
    assert service.get(place, params={"format": "png"}).content.startswith(b"\x89PNG")
    refused = service.get("/api/v1/runs/judged/figures/nothing")
    assert refused.status_code == 404
    assert "best-by-evaluations" in refused.json()["detail"]


def test_a_figure_that_a_run_has_no_data_for_says_so(service: TestClient) -> None:
    assert (
        "learning-curves" not in service.get("/api/v1/runs/judged/report").text
    )  # its trainings have one epoch
    place = "/api/v1/runs/judged/figures/learning-curves"
    assert "Nothing to draw: this needs trainings of more than one epoch." in service.get(place).text
    assert service.get(place, params={"format": "png"}).content.startswith(b"\x89PNG")


@pytest.mark.slow
def test_what_is_made_by_another_process_is_the_same(
    root: Path, service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, told_here = (service.get(f"/api/v1/runs/judged/{what}") for what in ("report", "champion"))
    monkeypatch.setattr(served_reports, "MOST_HERE", 0)
    monkeypatch.setattr(champions, "MOST_HERE", 0)
    with TestClient(create_app(options(root)), base_url="http://127.0.0.1") as other:
        there, told_there = (other.get(f"/api/v1/runs/judged/{what}") for what in ("report", "champion"))
        assert there.text.count("<figure") == here.text.count("<figure")
        assert told_there.json()["explanation"] == told_here.json()["explanation"]
        drawn = other.get("/api/v1/runs/judged/figures/best-by-evaluations", params={"format": "png"})
        assert drawn.content.startswith(b"\x89PNG")


def test_a_command_that_is_refused_raises_what_it_would_raise_here() -> None:
    with pytest.raises(ChampionError, match="^nowhere does not exist"):
        Commands().said_by("explain", "nowhere", "--json")
    with pytest.raises(ConfigError, match="--sparkle"):
        Commands().said_by("runs", "--sparkle")


def test_a_command_that_is_killed_is_no_fault_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_apart, "_COMMAND", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(ServiceError, match="`evo-nas runs` ended with -9") as refused:
        Commands().said_by("runs")
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE


def test_a_command_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="`evo-nas runs` cannot be started: No such file") as refused:
        Commands().said_by("runs", folder=str(tmp_path / "gone"))
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE


def test_a_command_ends_with_a_service_that_is_killed(tmp_path: Path) -> None:
    # A command that would run for ever.
    script = (
        "import sys; from evo_nas.server.reading_apart import Commands; Commands().said_by(*sys.argv[1:])"
    )
    with subprocess.Popen([sys.executable, "-c", script, *serving_in(tmp_path)]) as service:
        wait_until((tmp_path / "root").exists)
        (command,) = psutil.Process(service.pid).children()
        service.kill()
    wait_until(lambda: not command.is_running() or command.status() == psutil.STATUS_ZOMBIE)


def test_a_command_ends_when_its_service_does(tmp_path: Path) -> None:
    commands = Commands()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(commands.said_by, *serving_in(tmp_path))
        wait_until((tmp_path / "root").exists)
        commands.close()
        with pytest.raises(ServiceError, match="`evo-nas serve` ended"):
            asked.result(timeout=60)
    with pytest.raises(ServiceError, match="the service ends"):
        commands.said_by("runs")


def serving_in(folder: Path) -> tuple[str, ...]:
    return ("serve", "--root", str(folder / "root"), "--port", "0")
