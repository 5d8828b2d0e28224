"""What launches leave behind: keys, posted data and the launches of runs that were removed."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evo_nas.config import configured
from evo_nas.server.claims import KEPT_S
from evo_nas.server.launcher import Order
from evo_nas.server.launches import Doing, LaunchRecord, write_whole
from evo_nas.server.locks import locked
from evo_nas.server.problems import ServiceError
from evo_nas.server.upkeep import tidy
from tests.server.launching import TINY, ScriptLauncher, wait_until

RESUME = Order(doing="resume")
WAITS = "exec sleep 600"


@pytest.fixture
def launcher(tmp_path: Path) -> ScriptLauncher:
    return ScriptLauncher(tmp_path, WAITS)


def test_the_same_key_launches_once_and_stands_for_one_request(launcher: ScriptLauncher) -> None:
    config = configured(TINY)
    first, is_new = launcher.submit("one", config, key="k", body=b"a")
    again, is_new_again = launcher.submit("one", config, key="k", body=b"a")
    assert (first, is_new, is_new_again) == (again, True, False)
    with pytest.raises(ServiceError, match="with another body before"):
        launcher.submit("two", config, key="k", body=b"b")
    launcher.stop("one")


def test_the_same_request_to_two_services_at_the_same_time_launches_once(tmp_path: Path) -> None:
    launchers, config = [ScriptLauncher(tmp_path, WAITS) for _ in range(4)], configured(TINY)

    def submit(launcher: ScriptLauncher) -> tuple[int, bool]:
        launch, is_new = launcher.submit("one", config, key="k", body=b"a")
        return launch.number, is_new

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(submit, launchers))
    assert answers == [(1, False), (1, False), (1, False), (1, True)]
    launchers[0].stop("one")


@pytest.mark.parametrize("left", [b"", b'{"run": "o'])
def test_a_key_whose_service_ended_before_the_launch_launches(
    launcher: ScriptLauncher, tmp_path: Path, left: bytes
) -> None:
    with launcher.launches.claimed("k", run="one", body=b"a") as earlier:
        assert earlier is None
    (claim,) = (tmp_path / ".service" / ".keys").iterdir()
    claim.write_bytes(left or claim.read_bytes())
    _, is_new = launcher.submit("one", configured(TINY), key="k", body=b"a")
    assert is_new
    launcher.stop("one")


def test_a_key_that_was_not_sent_for_a_week_is_forgotten(launcher: ScriptLauncher, tmp_path: Path) -> None:
    keys = tmp_path / ".service" / ".keys"
    for key in ("old", "also old", "new"):
        with launcher.launches.claimed(key, run="one", body=b"a"):
            pass
        if key != "new":
            for file in keys.iterdir():
                os.utime(file, (time.time() - KEPT_S - 1,) * 2)
    with launcher.launches.claimed("old", run="two", body=b"b"):
        pass
    with pytest.raises(ServiceError, match="with another body before"):
        launcher.submit("three", configured(TINY), key="old", body=b"c")
    tidy(launcher.launches)
    assert len([*keys.iterdir()]) == 2


def test_a_request_finds_its_run_after_its_key_was_forgotten_as_long_as_the_run_is_there(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    started = json.dumps({"event": "started"})
    launcher.script = f"mkdir {tmp_path}/one; echo '{{}}' > {tmp_path}/one/RUN.json; echo '{started}'"
    config = configured(TINY)
    launch, _ = launcher.submit("one", config, key="k", body=b"a")
    wait_until(lambda: not launch.is_alive)
    shutil.rmtree(tmp_path / ".service" / ".keys")
    assert launcher.submit("one", config, key="k", body=b"a") == (launch, False)
    shutil.rmtree(tmp_path / "one")
    again, is_new = launcher.submit("one", config, key="k", body=b"a")
    assert (again.number, is_new) == (2, True)


def test_a_key_that_was_forgotten_does_not_find_what_another_request_has_launched(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    config = configured(TINY)
    launcher.submit("one", config, key="k", body=b"a")
    shutil.rmtree(tmp_path / ".service" / ".keys")
    with pytest.raises(ServiceError, match="being searched already"):
        launcher.submit("one", config, key="k", body=b"b")
    launcher.stop("one")


def test_a_key_that_is_sent_again_is_not_written_again(
    launcher: ScriptLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with launcher.launches.claimed("k", run="one", body=b"a"):
        pass
    (claim,) = (tmp_path / ".service" / ".keys").iterdir()
    os.utime(claim, (1, time.time() - KEPT_S + 60))
    # As on a full disk, or with a service that is killed while it writes.
    monkeypatch.setattr(Path, "write_bytes", lambda path, _: path.open("wb").close())
    with launcher.launches.claimed("k", run="one", body=b"a"):
        pass
    with pytest.raises(ServiceError, match="with another body before"):
        launcher.submit("two", configured(TINY), key="k", body=b"b")
    assert claim.stat().st_mtime > time.time() - KEPT_S + 3600


def test_a_run_has_no_launches_of_one_of_its_name_that_was_removed(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    started, config = json.dumps({"event": "started"}), configured(TINY)
    kept = f"mkdir -p {tmp_path}/one; echo '{{}}' > {tmp_path}/one/RUN.json; echo '{started}'"

    def launch(script: str, order: Order) -> None:
        launcher.script = script
        launched = launcher.launch("one", order)
        wait_until(lambda: not launched.is_alive)

    def submit(script: str) -> int:
        launcher.script = script
        launched, _ = launcher.submit("one", config, key="k", body=b"a")
        wait_until(lambda: not launched.is_alive)
        return launched.number

    search = Order(doing="search", config=config)
    launch("exit 1", search)  # which comes to nothing, and is tried again
    launch(kept, search)
    assert [each.number for each in launcher.launches.all("one")] == [1, 2]
    shutil.rmtree(tmp_path / "one")
    assert submit(kept) == 3
    launch("true", Order(doing="tune"))
    assert [each.number for each in launcher.launches.all("one")] == [3, 4]
    shutil.rmtree(tmp_path / "one")
    assert submit(kept) == 5
    assert submit(kept) == 5
    assert [each.number for each in launcher.launches.all("one")] == [5]


@pytest.mark.parametrize("doing", ["search", "resume", "champion", "tune"])
def test_a_run_that_was_removed_is_none_whatever_was_launched_for_it_last(
    launcher: ScriptLauncher, tmp_path: Path, doing: Doing
) -> None:
    config = configured(TINY) if doing == "search" else None
    launcher.script = f"echo '{json.dumps({'event': 'started'})}'" if doing == "search" else "true"
    launch = launcher.launch("one", Order(doing=doing, config=config))
    wait_until(lambda: not launch.is_alive)
    assert launcher.unborn() == []
    with pytest.raises(ServiceError, match="run one does not exist"):
        launcher.require("one")


def test_a_run_whose_search_ended_before_it_was_kept_is_shown(launcher: ScriptLauncher) -> None:
    launcher.script = "true"
    launch = launcher.launch("one", Order(doing="search", config=configured(TINY)))
    wait_until(lambda: not launch.is_alive)
    launcher.require("one")
    assert launcher.unborn() == ["one"]


def test_data_for_a_process_on_another_machine_are_kept_while_it_may_read_them(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    folder = tmp_path / ".service" / "one" / "000001"
    (folder / "data").mkdir(parents=True)
    record = LaunchRecord.of("retrain", (), pid=1, key="").model_copy(update={"host": "elsewhere"})
    (folder / "launch.json").write_text(record.model_dump_json())
    for hours, is_kept in ((1, True), (25, False)):
        os.utime(folder / "launch.json", (time.time() - hours * 3600,) * 2)
        tidy(launcher.launches)
        assert (folder / "data").exists() == is_kept


def test_a_lock_whose_file_is_removed_by_whoever_has_it_keeps_all_others_out(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "lock", [], []

    def enter(number: int) -> None:
        for _ in range(20):
            with locked(path, busy="never"):
                inside.append(number)
                time.sleep(0.001)
                most.append(len(inside))
                inside.remove(number)
                path.unlink()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, range(4)))
    assert most == [1] * 80


def test_posted_data_are_removed_once_their_process_has_ended(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    launch = launcher.launch("one", Order(doing="retrain", files={"new.csv": b"1"}))
    # As a service leaves it that is killed before the process is let go.
    abandoned = tmp_path / ".service" / "two" / "000001" / "data"
    abandoned.mkdir(parents=True)
    tidy(launcher.launches)
    assert not abandoned.exists()
    assert (launch.folder / "data" / "new.csv").exists()
    os.kill(launch.record.pid, signal.SIGKILL)
    wait_until(lambda: not launch.is_alive)
    tidy(ScriptLauncher(tmp_path, WAITS).launches)
    assert not (launch.folder / "data").exists()
    assert launch.events.exists()


def test_data_of_a_launch_that_is_being_prepared_are_kept(
    launcher: ScriptLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, waits = ScriptLauncher(tmp_path, WAITS), threading.Event()
    starting = other.launches.starting
    monkeypatch.setattr(other.launches, "starting", lambda run: (waits.set(), starting(run))[1])
    with ThreadPoolExecutor(1) as pool:
        with launcher.launches.starting("one"):
            _, folder = launcher.launches.new_folder("one")
            (folder / "data").mkdir()
            tidying = pool.submit(tidy, other.launches)
            assert waits.wait(60)
            launch = LaunchRecord.of("retrain", (), pid=os.getpid(), key="")
            write_whole(folder / "launch.json", launch.model_dump_json().encode())
        tidying.result()
    assert (folder / "data").exists()


def test_nothing_is_kept_of_launches_that_were_removed(launcher: ScriptLauncher, tmp_path: Path) -> None:
    launcher.script = "true"
    launcher.launch("one", RESUME)
    known = weakref.ref(launcher.launches.newest("one"))
    assert known() is not None
    shutil.rmtree(tmp_path / ".service" / "one")
    assert launcher.unborn() == []
    gc.collect()
    assert known() is None
