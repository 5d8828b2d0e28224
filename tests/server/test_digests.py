"""What a service knows of its runs stays within bounds and stays right."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import weakref
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from evo_nas.cli import main
from evo_nas.server.app import create_app
from evo_nas.server.digests import Brief, Digests
from evo_nas.server.root import RunsRoot
from tests.server.launching import options_at, service_at
from tests.views.test_digest import KINDS, write

THREADS = 40
"""So many answer requests, by default of the framework."""
TOLD = {kind: 20 + number for number, kind in enumerate(KINDS)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for kind, count in TOLD.items():
        write(tmp_path / kind, count, kind=kind)
    return tmp_path


def told(digests: Digests) -> dict[str, int]:
    digests.briefs()
    asyncio.run(digests.wait(60))
    briefs, reading, _ = digests.briefs()
    assert reading == 0
    return {brief.name: brief.summary.evaluated for brief in briefs}


def test_a_list_says_how_many_runs_it_does_not_know_yet(root: Path) -> None:
    with Digests(RunsRoot(str(root))) as digests:
        briefs, reading, _ = digests.briefs()
        assert len(briefs) + reading == len(TOLD)
        assert told(digests) == TOLD


def test_those_who_wait_for_a_list_hold_no_thread(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_be_read, read, wait = threading.Event(), Digests._read_ahead, Digests.wait
    begun: list[float] = []

    def read_later(digests: Digests, name: str) -> Brief | None:
        may_be_read.wait()
        return read(digests, name)

    async def noted(digests: Digests, patience_s: float) -> None:
        begun.append(patience_s)
        await wait(digests, patience_s)

    monkeypatch.setattr(Digests, "_read_ahead", read_later)
    monkeypatch.setattr(Digests, "wait", noted)
    app = create_app(options_at(root))

    async def ask() -> None:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1") as client:
            waiting = [asyncio.create_task(client.get("/runs?patience_s=60")) for _ in range(THREADS)]
            while len(begun) < THREADS:
                await asyncio.sleep(0.01)
            try:
                # If each of them held a thread, none would be left for this.
                answered = await client.get("/runs/plain/chart")
                assert answered.json()["told"] == TOLD["plain"]
                assert not any(each.done() for each in waiting)
            finally:
                may_be_read.set()
            assert {(await each).json()["reading"] for each in waiting} == {0}

    asyncio.run(ask())


def test_a_digest_that_was_let_go_is_made_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_nas.server.digests.MOST_DIGESTS", 1)
    digests = Digests(RunsRoot(str(root)))
    assert told(digests) == TOLD
    for kind, count in TOLD.items():
        with digests.digest(kind) as (digest, facts):
            assert digest.told == count
            assert [row["id"] for row in facts.read(digest).best] == [
                row["id"] for row in digest.run.best(10)
            ]
    assert told(digests) == TOLD


def test_what_was_read_for_a_page_goes_with_its_digest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_nas.server.digests.MOST_DIGESTS", 1)
    digests = Digests(RunsRoot(str(root)))
    kept = []
    for kind in TOLD:
        with digests.digest(kind) as (digest, facts):
            assert facts.read(digest).best
            kept += [weakref.ref(facts)]
    del digest, facts
    gc.collect()
    assert sum(each() is not None for each in kept) == 1


def test_a_run_that_is_mended_in_its_place_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_nas.server.digests.FRESH_S", 0.0)
    segment = min((root / "plain" / "segments").iterdir())
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-3])
    digests = Digests(RunsRoot(str(root)))
    assert told(digests) == {**TOLD, "plain": 0}
    segment.write_bytes(whole)
    assert told(digests) == TOLD


def test_what_is_no_run_of_the_root_is_not_listed(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "run"
    write(elsewhere, 5, kind="plain")
    (root / "link").symlink_to(elsewhere)
    write(root / ".hidden", 5, kind="plain")
    (root / "empty").mkdir()
    assert told(Digests(RunsRoot(str(root)))) == TOLD


def test_what_is_not_counted_widens_a_budget_as_on_the_command_line(tmp_path: Path) -> None:
    write(tmp_path / "one", 21, kind="plain", budget={"evaluations": 20})
    (there,) = service_at(tmp_path).get("/api/v1/runs").json()["runs"]
    here = json.loads(CliRunner().invoke(main, ["runs", str(tmp_path), "--json"]).stdout)
    assert there["evaluated"] == here["evaluated"] == 21
    assert there["evaluations"] == here["evaluations"] > 20
