"""Launches outlive the service that started them, are found again, and are never mistaken for another process."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evo_nas.config import configured
from evo_nas.ledger.local_store import LocalStore
from evo_nas.server.launcher import _GATE, MOST_TRIES, Launcher, Order
from evo_nas.server.launches import LaunchRecord, write_whole
from evo_nas.server.options import ServerOptions
from evo_nas.server.problems import ServiceError
from evo_nas.server.processes import started_at, terminate
from evo_nas.server.root import RunsRoot
from evo_nas.server.states import Activity, state_of
from tests.server.launching import TINY, ScriptLauncher, wait_until

RESUME = Order(doing="resume")
WAITS = "exec sleep 600"
STOPPED = '{"event": "stopped", "run": "x", "told": 3, "evaluations": 6, "complete": false}'
STOPPABLE = f"""trap 'echo stop >> stops; touch end' TERM; touch ready
while [ ! -e end ]; do sleep 0.05; done; echo '{STOPPED}'"""


@pytest.fixture
def launcher(tmp_path: Path) -> ScriptLauncher:
    return ScriptLauncher(tmp_path, WAITS)


def test_another_service_finds_what_was_launched_and_can_stop_it(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    launcher.script = STOPPABLE
    launch = launcher.launch("one", RESUME)
    wait_until((launch.folder / "ready").exists)
    other = ScriptLauncher(tmp_path, WAITS)
    assert other.activity("one").is_launched
    assert other.stop("one") == launch
    wait_until(lambda: not other.activity("one").is_launched)
    assert other.state("one").name == "stopped"


def test_a_launch_is_in_a_session_of_its_own(launcher: ScriptLauncher) -> None:
    launch = launcher.launch("one", RESUME)
    assert os.getsid(launch.record.pid) == launch.record.pid
    launcher.stop("one")


def test_nothing_runs_that_nobody_has_recorded(tmp_path: Path) -> None:
    # As if the service had ended between starting the process and writing down which one it is.
    done = subprocess.run(
        ["/bin/sh", "-c", _GATE, "sh", "touch", "ran"], stdin=subprocess.DEVNULL, cwd=tmp_path, check=False
    )
    assert done.returncode != 0
    assert not (tmp_path / "ran").exists()


def test_only_one_of_several_services_launches_at_the_same_time(tmp_path: Path) -> None:
    launchers = [ScriptLauncher(tmp_path, WAITS) for _ in range(4)]

    def launch(launcher: ScriptLauncher) -> bool:
        try:
            launcher.launch("one", RESUME)
        except ServiceError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(launch, launchers)) == 1
    assert len(launchers[0].launches.all("one")) == 1
    launchers[0].stop("one")


def test_a_run_that_a_shell_searches_is_neither_launched_nor_stopped(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    held = LocalStore(tmp_path / "one")
    held.lock()
    with pytest.raises(ServiceError, match=rf"being searched already \(pid {os.getpid()} on"):
        launcher.launch("one", RESUME)
    with pytest.raises(ServiceError, match="by a process that no service has started"):
        launcher.stop("one")
    held.close()
    launcher.launch("one", RESUME)
    launcher.stop("one")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "127.0.0.1:9"])
def test_a_search_in_the_cluster_is_stopped_whatever_was_launched_for_its_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(Launcher, "_stop_in_cluster", lambda _self, place, *_: stopped.append(place))
    launcher = ScriptLauncher(tmp_path, "true", address=address)
    tuned = launcher.launch("one", Order(doing="tune"))
    wait_until(lambda: not tuned.is_alive)
    leading = LocalStore(tmp_path / "one")
    leading.lock()
    launcher.stop("one")
    leading.close()
    assert stopped == [str(tmp_path / "one")]


def test_asking_who_holds_a_run_refuses_no_search(tmp_path: Path) -> None:
    store, asking = LocalStore(tmp_path), threading.Event()
    store.lock()
    store.close()

    def ask() -> None:
        while not asking.is_set():
            LocalStore(tmp_path).holder()

    asker = threading.Thread(target=ask)
    asker.start()
    for _ in range(200):
        store.lock()
        store.close()
    asking.set()
    asker.join()


def test_a_process_of_the_same_number_is_not_stopped() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        assert not terminate(process.pid, started="another boot:1")
        assert process.poll() is None
        assert terminate(process.pid, started=started_at(process.pid) or "")
        assert process.wait() == -15


def test_a_process_that_nobody_has_waited_for_has_ended() -> None:
    process = subprocess.Popen(["true"])
    wait_until(lambda: started_at(process.pid) is None)
    process.wait()
    assert not terminate(process.pid, started="any")


def test_asking_twice_to_stop_sends_one_signal(launcher: ScriptLauncher) -> None:
    launcher.script = STOPPABLE.replace("; touch end", "")
    launch = launcher.launch("one", RESUME)
    wait_until((launch.folder / "ready").exists)
    launcher.stop("one")
    launcher.stop("one")
    assert launcher.state("one").reason == "is being stopped"
    wait_until((launch.folder / "stops").exists)
    (launch.folder / "end").touch()
    wait_until(lambda: not launch.is_alive)
    assert (launch.folder / "stops").read_text() == "stop\n"


def test_stops_at_the_same_time_send_one_signal(launcher: ScriptLauncher, tmp_path: Path) -> None:
    launcher.script = STOPPABLE.replace("; touch end", "")
    launch = launcher.launch("one", RESUME)
    wait_until((launch.folder / "ready").exists)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: each.stop("one"), [ScriptLauncher(tmp_path, WAITS) for _ in range(4)]))
    wait_until((launch.folder / "stops").exists)
    (launch.folder / "end").touch()
    wait_until(lambda: not launch.is_alive)
    assert (launch.folder / "stops").read_text() == "stop\n"


def test_a_launch_in_the_place_of_one_that_was_removed_is_known(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    launcher.script = "exit 0"
    launch = launcher.launch("one", RESUME)
    wait_until(lambda: not launch.is_alive)
    assert launcher.launches.newest("one") == launch
    shutil.rmtree(tmp_path / ".service" / "one")
    second = ScriptLauncher(tmp_path, WAITS).launch("one", RESUME)
    assert launcher.launches.newest("one") == second
    launcher.stop("one")
    wait_until(lambda: not second.is_alive)


def test_what_is_not_searched_cannot_be_stopped(launcher: ScriptLauncher) -> None:
    with pytest.raises(ServiceError, match="run one is not being searched; there is nothing to stop"):
        launcher.stop("one")


@pytest.mark.parametrize(
    ("script", "state", "reason"),
    [
        (f"echo '{STOPPED}'", "stopped", ""),
        ("""echo '{"event": "failed", "error": "no room"}'""", "failed", "no room"),
        (
            "echo 'error: task.kind is wrong' >&2; echo '  as said' >&2",
            "failed",
            "task.kind is wrong\n  as said",
        ),
        ("echo 'last words' >&2; kill -9 $$", "failed", "ended without a word"),
    ],
)
def test_the_state_says_how_a_launch_ended(
    launcher: ScriptLauncher, script: str, state: str, reason: str
) -> None:
    launcher.script = script
    launch = launcher.launch("one", RESUME)
    wait_until(lambda: not launch.is_alive)
    assert launcher.state("one").name == state
    assert reason in launcher.state("one").reason


def test_a_run_whose_data_are_being_read_is_known_already(launcher: ScriptLauncher) -> None:
    launch = launcher.launch("one", Order(doing="search", config=configured(TINY)))
    assert launcher.unborn() == ["one"]
    assert launcher.state("one").name == "starting"
    launcher.stop("one")
    wait_until(lambda: not launch.is_alive)


def test_a_watcher_that_was_lost_is_launched_again_and_one_that_was_refused_is_not(tmp_path: Path) -> None:
    launcher = ScriptLauncher(tmp_path, "kill -9 $$", address="http://127.0.0.1:9")
    lost = launcher.launch("lost", RESUME)
    launcher.script = "echo 'error: no cluster answers' >&2"
    refused = launcher.launch("refused", RESUME)
    wait_until(lambda: not lost.is_alive and not refused.is_alive)
    launcher.script = WAITS
    (attached,) = launcher.attach_again()
    assert (attached.run, attached.record.doing) == ("lost", "attach")
    assert launcher.attach_again() == []
    terminate(attached.record.pid, started=attached.record.started)


def test_a_lost_watcher_is_launched_again_though_something_was_tuned_since(tmp_path: Path) -> None:
    launcher = ScriptLauncher(tmp_path, "kill -9 $$", address="http://127.0.0.1:9")
    for order in (RESUME, Order(doing="tune")):
        launch = launcher.launch("lost", order)
        wait_until(lambda launch=launch: not launch.is_alive)
    (attached,) = launcher.attach_again()
    assert attached.record.doing == "attach"


def test_a_launch_of_another_machine_counts_until_its_last_word_or_a_long_silence(
    launcher: ScriptLauncher, tmp_path: Path
) -> None:
    number, folder = 1, tmp_path / ".service" / "one" / "000001"
    folder.mkdir(parents=True)
    record = LaunchRecord.of("resume", (), pid=1, key="").model_copy(update={"host": "elsewhere"})
    (folder / "launch.json").write_text(record.model_dump_json())
    (folder / "events.jsonl").touch()
    assert launcher.activity("one").is_launched
    with pytest.raises(ServiceError, match=f"is searched on elsewhere, pid {number}; stop it there"):
        launcher.stop("one")
    for file in folder.iterdir():
        os.utime(file, (0, 0))
    assert not launcher.activity("one").is_launched
    (folder / "events.jsonl").write_text("{}\n")
    assert launcher.activity("one").is_launched
    (folder / "events.jsonl").write_text(f"{STOPPED}\n")
    assert not launcher.activity("one").is_launched


def test_what_cannot_be_recorded_does_not_begin(
    launcher: ScriptLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        if path.name == "launch.json":
            raise OSError(28, "No space left on device")
        write_whole(path, content)

    launcher.script = f"touch {tmp_path}/ran"
    monkeypatch.setattr("evo_nas.server.launcher.write_whole", full)
    with pytest.raises(ServiceError, match="nothing can be started for one: No space left on device"):
        launcher.launch("one", Order(doing="retrain", files={"new.csv": b"1"}))
    monkeypatch.undo()
    assert launcher.launches.newest("one") is None
    assert not list((tmp_path / ".service").rglob("new.csv"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["..", ".keys", "a/../../b", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(launcher: ScriptLauncher, name: str) -> None:
    for ask in (
        launcher.require,
        launcher.activity,
        launcher.stop,
        launcher.state,
        lambda name: launcher.submit(name, configured(TINY), key="k", body=b""),
    ):
        with pytest.raises(ServiceError, match="must have at most 64 letters"):
            ask(name)


@pytest.mark.parametrize("name", ["EVO_NAS_ADDRESS", "EVO_NAS_SERVICE", "EVO_NAS_TOKEN"])
def test_where_to_search_is_not_inherited(
    launcher: ScriptLauncher, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://elsewhere:8265")
    launcher.script = f'echo "at:${name}"'
    launch = launcher.launch("one", RESUME)
    wait_until(lambda: not launch.is_alive)
    assert launch.events.read_text() == "at:\n"


def test_the_root_may_be_given_relative_to_where_the_service_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    launcher = Launcher(ServerOptions(root="runs", state=Path("runs/.service")), RunsRoot("runs"))
    command = launcher.command(launcher.root.at("one").location, Order(doing="search"))
    assert command[command.index("--run") + 1] == str(tmp_path / "runs" / "one")
    scripted = ScriptLauncher(Path("runs"), "pwd")
    launch = scripted.launch("one", RESUME)
    wait_until(lambda: not launch.is_alive)
    assert launch.events.read_text().strip() == str(tmp_path / "runs" / ".service" / "one" / "000001")


def test_the_state_of_a_run_follows_from_what_it_holds() -> None:
    idle = Activity()
    assert state_of(idle, told=0, is_complete=False, is_judged=False).name == "stopped"
    assert state_of(idle, told=6, is_complete=True, is_judged=False).name == "complete"
    assert state_of(idle, told=6, is_complete=True, is_judged=True).name == "judged"
    assert state_of(idle, told=0, is_complete=False, is_judged=False, damage="gone").name == "damaged"
    assert state_of(Activity(holder="pid 7"), told=0, is_complete=False, is_judged=False).name == "running"


def test_a_watcher_that_ends_at_once_is_started_less_often_and_at_last_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = ScriptLauncher(tmp_path, "exit 1", address="127.0.0.1:6379")
    launch, clock, waits = launcher.launch("one", RESUME), [time.time()], []
    monkeypatch.setattr("evo_nas.server.launches.time.time", lambda: clock[0])
    while True:
        lost = launch
        wait_until(lambda lost=lost: not lost.is_alive)
        # It is looked for often, and as a clock would show.
        wait_s = next((wait for wait in range(0, 7200, 15) if waited(launcher, clock, wait and 15)), None)
        if wait_s is None:
            break
        waits.append(wait_s)
        launch = launcher.launches.newest("one") or launch
    assert len(waits) == MOST_TRIES
    assert waits == sorted(waits)
    assert sum(waits) > 1800
    state = launcher.state("one")
    assert (state.name, "nothing watches the search" in state.reason) == ("failed", True)


def waited(launcher: Launcher, clock: list[float], seconds: float) -> bool:
    """Whether something is watched again after further seconds."""
    clock[0] += seconds
    return bool(launcher.attach_again())
