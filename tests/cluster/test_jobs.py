"""A cluster that answers as Ray's dashboard does, or no more, seen from elsewhere."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import WSCloseCode, web
from ray._raylet import Config  # type: ignore[attr-defined]

from evo_nas.cli.cluster_status import print_status
from evo_nas.cluster import jobs
from evo_nas.cluster.jobs import Jobs
from evo_nas.errors import ConfigError, ExecutionError
from evo_nas.sessions.events import Completed, Failed, Started, Stopped, event_to_json
from evo_nas.sessions.jobs import JobSession

RUN = "/shared/my runs/a"
# Ray's client gives that to aiohttp, and leaves the connection by which it follows a log to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:ssl=None is deprecated", "ignore:Unclosed:ResourceWarning")


@dataclass
class Dashboard:
    """As much of a dashboard as those who follow a job ask for.

    Attributes:
        lines: What its one job prints, piece by piece.
        status: Of that job.
        fate: What becomes of whoever follows the log: it ends, is cut off or silent, or is not let in.
    """

    lines: list[str] = field(default_factory=list)
    status: str = "SUCCEEDED"
    fate: str = "ends"
    url: str = ""

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/api/version", self._version)
        application.router.add_get("/api/jobs/", self._jobs)
        application.router.add_get("/api/jobs/one", self._job)
        application.router.add_get("/api/jobs/one/logs/tail", self._tail)
        return application

    def _described(self) -> dict[str, Any]:
        metadata = {"evo-nas-run": RUN, "evo-nas-role": "search"}
        return {
            "type": "SUBMISSION",
            "submission_id": "one",
            "metadata": metadata,
            "entrypoint": "evo-nas",
        } | {"status": self.status}

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": "4", "ray_version": "2.60.0", "ray_commit": ""})

    async def _jobs(self, _: web.Request) -> web.Response:
        return web.json_response([self._described()])

    async def _job(self, _: web.Request) -> web.Response:
        return web.Response(status=500) if self.fate == "is silent" else web.json_response(self._described())

    async def _tail(self, request: web.Request) -> web.StreamResponse:
        if self.fate == "is refused":
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for line in self.lines:
            await socket.send_str(line)
        if self.fate == "is silent":
            await socket.receive()
        if self.fate == "is cut off":
            assert request.transport is not None
            request.transport.abort()
        await socket.close(code=WSCloseCode.OK)
        return socket


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    made, loop = Dashboard(), asyncio.new_event_loop()
    runner = web.AppRunner(made.application(), shutdown_timeout=0.1)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield made
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    gc.collect()  # while the warning is ignored
    # Ray keeps what it read of the environment: a Ray that this process started would be asked without its token.
    monkeypatch.undo()
    Config.initialize("")


def test_lines_are_whole_however_they_arrive(dashboard: Dashboard) -> None:
    dashboard.lines = ["one\ntw", "o\nthr", "ee"]
    assert [line for line in Jobs(dashboard.url).follow("one") if line] == ["one", "two", "three"]


@pytest.mark.parametrize("fate", ["is refused", "is cut off", "is silent"])
def test_a_dashboard_that_is_lost_while_it_is_followed_is_one_clear_error(
    dashboard: Dashboard, fate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SILENCE_S", 0.05)
    monkeypatch.setattr(jobs, "TICK_S", 0.05)
    dashboard.lines, dashboard.fate = ["one\n"], fate
    with pytest.raises(ExecutionError, match=f"the cluster at {dashboard.url} cannot be asked: "):
        list(Jobs(dashboard.url).follow("one"))


def test_what_a_job_advises_is_turned_into_what_is_typed_here(
    dashboard: Dashboard,
) -> None:
    advice = f"nothing searches it; go on with `evo-nas resume '{RUN}' --address auto`"
    dashboard.lines = [event_to_json(Failed(error=advice)) + "\n"]
    with pytest.raises(ExecutionError) as failed:
        list(following(dashboard).events())
    assert str(failed.value) == advice.replace("auto", dashboard.url)


def following(dashboard: Dashboard) -> JobSession:
    session = JobSession(RUN, dashboard.url)
    session.submission = "one"
    return session


def test_the_events_of_a_job_are_those_of_the_search_there(dashboard: Dashboard) -> None:
    started = Started(run=RUN, name="a", metric="mse", higher_is_better=False, told=0)
    stopped = Stopped(run=RUN, told=3, evaluations=5)
    log = '{"level": "INFO", "message": "a worker joined"}'
    dashboard.lines = [f"{event_to_json(started)}\n{log}\n{event_to_json(stopped)}\n"]
    assert list(following(dashboard).events()) == [started, stopped]


def test_whoever_leaves_hears_no_more_of_a_job(dashboard: Dashboard) -> None:
    dashboard.lines = [event_to_json(Completed(run=RUN)) + "\n"]
    session = following(dashboard)
    session.leave()
    assert list(session.events()) == []


@pytest.mark.parametrize("printed", ["error: seed is x; must be a number\n  in search.json\n", ""])
def test_a_job_that_fails_without_a_word_of_the_search_says_why(dashboard: Dashboard, printed: str) -> None:
    dashboard.lines, dashboard.status = [printed], "FAILED"
    why = "seed is x" if printed else "the search itself may go on: `evo-nas attach"
    with pytest.raises(ExecutionError, match=why):
        list(following(dashboard).events())


def test_the_status_of_a_run_that_was_never_sent_names_those_that_were(dashboard: Dashboard) -> None:
    with pytest.raises(ConfigError, match=f"run is /shared/b; no search of it .* must be one of {RUN}"):
        print_status(dashboard.url, "/shared/b", as_json=True)
