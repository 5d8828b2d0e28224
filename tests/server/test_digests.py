"""What a service knows of its runs stays within bounds and stays right."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path

import pytest
from click.testing import CliRunner

from evo_nas.cli import main
from evo_nas.server.digests import Digests
from evo_nas.server.root import RunsRoot
from tests.server.launching import service_at
from tests.views.test_digest import KINDS, write

TOLD = {kind: 20 + number for number, kind in enumerate(KINDS)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for kind, count in TOLD.items():
        write(tmp_path / kind, count, kind=kind)
    return tmp_path


def told(digests: Digests) -> dict[str, int]:
    briefs, reading = digests.briefs(patience_s=60)
    assert reading == 0
    return {brief.name: brief.summary.evaluated for brief in briefs}


def test_a_list_says_how_many_runs_it_does_not_know_yet(root: Path) -> None:
    with Digests(RunsRoot(str(root))) as digests:
        briefs, reading = digests.briefs(patience_s=0)
        assert len(briefs) + reading == len(TOLD)
        assert told(digests) == TOLD


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
