"""A run in a bucket, on a real server that speaks S3."""

from __future__ import annotations

import errno
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import s3fs
import s3fs.errors
from botocore.exceptions import ClientError
from click.testing import CliRunner

from evo_nas.budgets import Budget
from evo_nas.champion.champion import load_champion
from evo_nas.champion.export import export_champion
from evo_nas.cli.app import main
from evo_nas.config import configured
from evo_nas.errors import CorruptLedgerError, FencedError, RunError
from evo_nas.execution.simulated import Faults, SimulatedExecutor, Simulation
from evo_nas.ledger import Ledger, compaction, find_runs, object_store
from evo_nas.ledger.object_store import ObjectStore
from evo_nas.loop import Search
from evo_nas.runs import ChampionStore, Run
from evo_nas.sessions.events import Event, Judged, Progressed
from evo_nas.sessions.local import LocalSession
from evo_nas.strategies.verification import verify
from tests.checker import check_run, reader
from tests.ledger.samples import READS, RECORD, candidates, evaluation, evaluations, start, told_ids
from tests.s3 import s3_server
from tests.test_simulation import objective, strategy

ROOT = Path(__file__).parents[2]
KILLS = 2
INTERNAL = OSError(errno.EIO, "We encountered an internal error")
CONFIG = {
    "name": "bucket",
    "task": {"kind": "digits"},
    "space": {"widths": [4], "layers": {"min": 1, "max": 1}},
    "training": {"epochs": 1},
    "budget": {"evaluations": 3},
    "workers": 1,
}


def objects(uri: str) -> list[str]:
    return sorted(s3fs.S3FileSystem(use_listings_cache=False).find(uri))


def test_a_run_goes_on_in_another_process(place: str) -> None:
    start(place, (0, 2), (1,))
    with Ledger.open(place) as ledger:
        assert ledger.record == RECORD
        assert told_ids(ledger) == [0, 2, 1]
        ledger.append(evaluations(3), born=candidates(4))
    assert reader(place).history().told == evaluations(0, 2, 1, 3)
    assert reader(place).history().in_flight == candidates(4)
    assert reader(place).table()["seq"].to_pylist() == [0, 1, 2, 3]
    assert check_run(ObjectStore(place), acknowledged={key: evaluation(key) for key in range(4)}) == []


def test_small_segments_become_one(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "FAN_IN", 4)
    start(place, *((key,) for key in range(6)))
    assert len(ObjectStore(place).list("segments")) == 2
    assert reader(place).history().told == evaluations(*range(6))


def test_runs_are_found_where_people_keep_them(place: str) -> None:
    for name in ("b", "a"):
        start(f"{place}/{name}")
    s3fs.S3FileSystem().pipe_file(f"{place}/notes/todo.txt", b"rest")
    assert find_runs(place) == [f"{place}/a", f"{place}/b"]
    assert find_runs(f"{place}/a/") == [f"{place}/a"]
    assert reader(f"{place}/a").record == RECORD
    assert not reader(place).exists()


def test_a_run_is_not_started_over_another_nor_among_other_things(place: str) -> None:
    start(f"{place}/run")
    with pytest.raises(RunError, match="holds a run already"):
        Ledger.create(f"{place}/run", RECORD)
    with pytest.raises(RunError, match=r"not empty \(run\)"):
        Ledger.create(place, RECORD)
    with pytest.raises(RunError, match=r"holds no run: RUN\.json is missing"):
        Ledger.open(place)


def test_the_later_of_two_writers_has_the_run(place: str) -> None:
    start(place, (0,))
    first = Ledger.open(place)
    first.append(evaluations(1), born=[])
    with Ledger.open(place) as second:
        with pytest.raises(FencedError, match=f"another process has taken over {place}"):
            first.append(evaluations(2), born=[])
        second.append(evaluations(9), born=[])
        assert told_ids(second) == [0, 1, 9]
    with Ledger.open(place) as ledger:
        assert told_ids(ledger) == [0, 1, 9]
    assert len(ObjectStore(place).list("segments")) == 3
    assert len(ObjectStore(place).list("quarantine")) == 1


def test_acknowledged_evaluations_survive_any_kill(place: str) -> None:
    start(place)
    rng = random.Random(5)
    acknowledged: set[int] = set()
    dispatched: set[int] = set()
    for _ in range(KILLS):
        for line in _lines_before_kill(place, delay_s=rng.uniform(0, 0.3)):
            word, *keys = line.split()
            if word == "acknowledged":
                acknowledged.update(map(int, keys))
            elif word == "dispatched":
                dispatched.update(map(int, keys))
    assert len(acknowledged) > KILLS
    promised = {key: evaluation(key) for key in acknowledged}
    assert check_run(ObjectStore(place), acknowledged=promised, dispatched=dispatched) == []


def _lines_before_kill(run: str, *, delay_s: float) -> Iterator[str]:
    """Yields what a writer said before it was killed, ``delay_s`` seconds after its first commit."""
    command = [sys.executable, "-m", "tests.ledger.writer", run]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        yield writer.stdout.readline()
        yield writer.stdout.readline()
        time.sleep(delay_s)
        writer.kill()
        yield from (line for line in writer.stdout.readlines() if line.endswith("\n"))


def test_a_damaged_segment_stops_the_run_until_its_loss_is_accepted(place: str) -> None:
    start(place, (0,), (1,))
    store = ObjectStore(place)
    name = f"segments/{store.list('segments')[0]}"
    s3fs.S3FileSystem().pipe_file(f"{place}/{name}", store.read(name)[:-1])
    with pytest.raises(CorruptLedgerError, match=f"lacks evaluations 0 to 0 .*{name}"):
        Ledger.open(place)
    with Ledger.open(place, accept_data_loss=True) as ledger:
        assert told_ids(ledger) == [1]


def test_a_prefix_among_the_segments_is_set_aside_with_all_in_it(place: str) -> None:
    start(place, (0,))
    for name in ("x", "deep/y"):
        s3fs.S3FileSystem().pipe_file(f"{place}/segments/folder/{name}", b"junk")
    Ledger.open(place).close()
    store = ObjectStore(place)
    assert len(store.list("segments")) == 1
    (aside,) = store.list("quarantine")
    assert store.read(f"quarantine/{aside}/deep/y") == b"junk"


@contextmanager
def failing(
    operation: str, *, after: bool = False, error: OSError = INTERNAL, times: int = 1_000
) -> Iterator[None]:
    """Makes the next ``times`` calls of S3 fail; with ``after``, once the server has done what was asked."""
    call = s3fs.S3FileSystem._call_s3
    left = times

    async def fail(self: s3fs.S3FileSystem, method: str, *arguments: Any, **options: Any) -> Any:
        nonlocal left
        fails = method == operation and left > 0
        left -= fails
        response = None if fails and not after else await call(self, method, *arguments, **options)
        if fails:
            raise error
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3fs.S3FileSystem, "_call_s3", fail)
        yield


def test_a_put_whose_answer_was_lost_counts_as_done(place: str) -> None:
    store = ObjectStore(place)
    with failing("put_object", after=True):
        assert store.create("fencing/1", b"mine")
        assert not store.create("fencing/1", b"yours")


def conflict() -> OSError:
    """What s3fs raises when another conditional PUT of the name is under way."""
    answer = {"Error": {"Code": "ConditionalRequestConflict", "Message": "conflicts with an ongoing upload"}}
    return s3fs.errors.translate_boto_error(ClientError(answer, "PutObject"))


@pytest.mark.parametrize(("conflicts", "created"), [(2, True), (100, False)])
def test_a_put_that_met_another_one_is_repeated_for_a_while(
    conflicts: int, created: bool, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "_CONFLICTS_S", (0.0, 0.0, 0.0))
    store = ObjectStore(place)
    with failing("put_object", error=conflict(), times=conflicts):
        if created:
            assert store.create("fencing/1", b"mine")
        else:
            with pytest.raises(OSError, match="conflicts with an ongoing upload"):
                store.create("fencing/1", b"mine")
    assert store.list("fencing") == (["1"] if created else [])


def test_a_probe_of_another_process_is_left_alone(place: str) -> None:
    store = ObjectStore(place)
    store.create("tmp/probe", b"first")
    start(place, (0,))
    Ledger.open(place).close()
    assert not store.create("tmp/probe", b"second")


def test_a_put_that_never_arrived_is_an_error(place: str) -> None:
    with Ledger.create(place, RECORD) as ledger:
        with (
            failing("put_object"),
            pytest.raises(RunError, match=f"cannot write to {place}: .*nothing acknowledged is lost"),
        ):
            ledger.append(evaluations(0), born=[])
        ledger.append(evaluations(0), born=[])
    assert reader(place).history().told == evaluations(0)


def test_a_server_that_cannot_answer_is_no_damage(place: str) -> None:
    start(place, (0,))
    with failing("get_object"), pytest.raises(RunError, match="cannot read .*check the network") as failure:
        reader(place).history()
    assert not isinstance(failure.value, CorruptLedgerError)


def test_a_server_that_creates_an_object_twice_is_refused() -> None:
    with s3_server(forgetful=True) as bucket:
        with pytest.raises(RunError, match=f"{bucket}/run does not refuse to create an object twice"):
            Ledger.create(f"{bucket}/run", RECORD)
        assert objects(bucket) == []


def test_a_missing_bucket_is_named(bucket: str) -> None:
    for attempt in (
        *READS,
        lambda uri: reader(uri).exists(),
        find_runs,
        lambda uri: Ledger.create(uri, RECORD),
    ):
        with pytest.raises(RunError, match="s3://absent/run: there is no such bucket; make the bucket first"):
            attempt("s3://absent/run")


def test_missing_credentials_are_named(bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(RunError, match="Unable to locate credentials; give this process credentials"):
        reader(f"{bucket}/run").exists()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("uri", ["ftp://host/run", "memory://run", "file:///tmp/run", "s3://", "s3:///"])
def test_other_addresses_are_refused(uri: str) -> None:
    with pytest.raises(
        RunError, match=f"run is {uri}; must be the path of a directory.* or s3://bucket/name"
    ):
        Ledger.open(uri)


def test_a_search_with_lost_workers_keeps_its_invariants_in_a_bucket(place: str) -> None:
    acknowledged = {}
    for evaluations_so_far in (6, 12):
        simulation = Simulation(
            workers=3, seed=evaluations_so_far, attempts=3, faults=Faults(lost=0.2, duplicated=0.2)
        )
        opened = Ledger.open(place) if reader(place).exists() else Ledger.create(place, RECORD)
        with opened as ledger:
            search = Search.resumed(
                strategy("aging", 1),
                SimulatedExecutor(objective, simulation),
                ledger,
                budget=Budget(evaluations_so_far),
            )
            while not search.finished:
                acknowledged |= {each.candidate.id: each for each in search.step(timeout_s=300)}
    history = reader(place).history()
    assert list(verify(strategy("aging", 1), history.told, history.in_flight)) == []
    assert check_run(ObjectStore(place), acknowledged=acknowledged, budget=12, complete=True) == []


def test_networks_are_searched_resumed_judged_and_exported_in_a_bucket(place: str, tmp_path: Path) -> None:
    said: list[Event] = []
    for budget in (2, 3):
        session = LocalSession(place, executor="inline")
        session.start(configured({**CONFIG, "budget": {"evaluations": budget}}))
        said = list(session.events())
    assert isinstance(said[-1], Judged)
    again = LocalSession(place, executor="inline")
    again.resume()
    assert list(again.events())[-1] == said[-1]
    run = Run.at(place)
    assert run.totals().told == 3
    assert list(run.damage()) == []
    assert len([name for name in ObjectStore(place).list("champion") if name.startswith("0")]) == 1
    for command, told in (
        (["runs", place], "digits"),
        (["show", place], "verdict"),
        (["verify", place], "verified"),
    ):
        assert told in CliRunner().invoke(main, command, catch_exceptions=False).output
    export_champion(run, tmp_path / "out")
    assert load_champion(tmp_path / "out").model.signature == load_champion(place).model.signature


def test_an_export_never_takes_a_bucket_from_a_search(place: str, tmp_path: Path) -> None:
    session = LocalSession(place, executor="inline")
    session.start(configured(CONFIG))
    assert any(isinstance(event, Progressed) and event.told for event in session.events())
    refused = CliRunner().invoke(main, ["export", place, "--out", str(tmp_path / "out")])
    assert refused.exit_code == 2
    assert "could end a search of it elsewhere; `evo-nas resume` goes on to the verdict" in refused.output


def test_a_champion_whose_files_are_not_all_there_does_not_count(place: str) -> None:
    store = ObjectStore(place)
    champion = ChampionStore(store)
    champion.publish({"champion": {"model.safetensors": b"weights"}}, {"candidate": 1})
    store.create("champion/000002-0badcafe/model.safetensors", b"weights")
    store.create("champion/000002-0badcafe/verdict.json", b"null")
    assert champion.verdict() == {"candidate": 1}
    champion.publish({"champion": {"model.safetensors": b"weights"}}, {"candidate": 3})
    assert champion.verdict() == {"candidate": 3}
    assert [name.partition("-")[0] for name in store.list("champion")] == ["000003"]
