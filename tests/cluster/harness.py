"""A Ray cluster of several nodes on this machine: separate processes that can be killed one by one."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

BIN = Path(sys.executable).parent
START_S, END_S = 240.0, 60.0
STARTS = 4
PORTS = (
    "node-manager",
    "object-manager",
    "runtime-env-agent",
    "dashboard-agent-grpc",
    "dashboard-agent-listen",
    "metrics-export",
)
"""Of every node: nodes that choose their own at the same time may choose the same."""
QUICK_DEATHS = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1500",
    "RAY_health_check_failure_threshold": "10",
}
"""Ray calls a node dead after seconds and not after a minute; too short where nodes are short of time."""


@dataclass
class Node:
    """One ``ray start``, with everything that it started, in a session of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    arguments: list[str]

    def await_started(self) -> None:
        """Waits until ``ray start`` says that it is done."""
        wait_for(lambda: self.started or self.process.poll() is not None, START_S, self.name)
        assert self.started, self.log.read_text()

    @property
    def started(self) -> bool:
        """Whether ``ray start`` says that it is done."""
        return b"Ray runtime started" in self.log.read_bytes()

    def raylet(self) -> int:
        """Pid of the raylet."""
        return next(pid for pid in self.processes() if command(pid).partition(b"\0")[0].endswith(b"raylet"))

    def actors(self, title: bytes) -> list[int]:
        """Pids of the actors whose process title starts with ``title``."""
        return [pid for pid in self.processes() if command(pid).startswith(title)]

    def processes(self) -> list[int]:
        """Pids of everything of this node that is alive."""
        return [pid for pid, session in sessions() if session == self.process.pid]

    def kill(self) -> None:
        """Ends the whole node at once, like a power cut."""
        _kill_until_gone(self.processes)
        self.process.wait(END_S)


@dataclass
class Cluster:
    """A head without CPUs and nodes that work, all on the loopback interface and behind a token.

    Args:
        environment: What ``ray start`` finds beside this process's environment.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: QUICK_DEATHS)
    nodes: dict[str, Node] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.root = Path(tempfile.mkdtemp(prefix="en", dir="/tmp"))  # sockets need short paths
        token = self.root / "token"
        token.touch(0o600)
        token.write_text(secrets.token_hex(32))
        unset = {"RAY_ADDRESS", "RAY_AUTH_TOKEN", "EVO_NAS_ADDRESS"}
        self.env = {name: value for name, value in os.environ.items() if name not in unset}
        self.env |= {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_JOB_START_TIMEOUT_SECONDS": "120",
            "OMP_NUM_THREADS": "1",
            **self.environment,
        }
        self.port, self.dashboard = free_port(), free_port()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.lose()
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def url(self) -> str:
        """Of the dashboard."""
        return f"http://127.0.0.1:{self.dashboard}"

    @property
    def gcs(self) -> str:
        """Address for who is part of the cluster."""
        return f"127.0.0.1:{self.port}"

    def start_head(self, *, cpus: int = 0) -> Node:
        """Starts the head node and waits until it answers."""
        arguments = [
            "--head",
            f"--port={self.port}",
            f"--dashboard-port={self.dashboard}",
            "--dashboard-host=127.0.0.1",
            f"--num-cpus={cpus}",
            "--no-monitor",
        ]
        node = self._start("head", arguments, niceness=0)
        node.await_started()
        wait_for(self._answers, START_S, "the dashboard")
        return node

    def lose(self) -> None:
        """Ends all nodes at once, with the jobs that run on them."""
        for node in self.nodes.values():
            node.kill()
        end_all(self.env["RAY_AUTH_TOKEN_PATH"])

    def start_worker(self, name: str, *, cpus: int = 1) -> Node:
        """Starts a node that works; it joins when it is ready."""
        # Nicer than the tests beside it, but not so nice that Ray takes it for dead when they need both cores.
        return self._start(name, [f"--address={self.gcs}", f"--num-cpus={cpus}"], niceness=5)

    def await_workers(self) -> None:
        """Waits until every node has joined.

        Ray gives a node thirty seconds to start, too few on a busy machine: a node that has ended is started again.
        """
        for name, node in list(self.nodes.items()):
            for _ in range(STARTS):
                wait_for(lambda node=node: node.started or node.process.poll() is not None, START_S, name)
                if node.started:
                    break
                node.kill()
                node = self._start(name, node.arguments, niceness=5)  # noqa: PLW2901 - the same node, once more
            assert node.started, node.log.read_text()

    def evo_nas(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command of evo-nas as a person would who is not part of the cluster."""
        laptop = {name: value for name, value in self.env.items() if name != "RAY_AUTH_MODE"}
        done = subprocess.run(
            [BIN / "evo-nas", *arguments], env=laptop, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def status(self, run: Path) -> dict[str, Any]:
        """What ``evo-nas status`` says about the run."""
        done = self.evo_nas("status", str(run), "--address", self.url, "--json")
        return dict(json.loads(done.stdout.splitlines()[0])) if done.stdout else {}

    def _start(self, name: str, arguments: list[str], *, niceness: int) -> Node:
        log = self.root / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    BIN / "ray",
                    "start",
                    "--block",
                    "--node-ip-address=127.0.0.1",
                    "--object-store-memory=80000000",
                    "--disable-usage-stats",
                    "--include-log-monitor=false",
                    *(f"--{port}-port={free_port()}" for port in PORTS),
                    f"--temp-dir={self.root}/{name}",
                    *arguments,
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.env | {"RAY_worker_niceness": f"{niceness}"},
                start_new_session=True,
            )
        self.nodes[name] = Node(name, process, log, arguments)
        return self.nodes[name]

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.dashboard), timeout=1.0):
            return True
        return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], object], timeout_s: float, what: str, *, every_s: float = 0.1) -> None:
    """Waits until ``condition`` holds, which it looks at ``every_s`` seconds."""
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"waited {timeout_s:g} s for {what}"
        time.sleep(every_s)


@contextmanager
def resting(pids: Iterable[int]) -> Iterator[None]:
    """Stops processes, and continues them afterwards: workers that nothing is asked of meanwhile need no core."""
    stopped = list(pids)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def command(pid: int) -> bytes:
    """Command line, or title, of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def sessions() -> Iterator[tuple[int, int]]:
    """Pid and session of every process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                yield int(entry.name), int(fields[3])


def jobs(name: str, run: Path) -> list[int]:
    """Pids of the jobs that a command became, and not of the one that follows them."""
    words = {name.encode(), str(run).encode(), b"auto"}
    return [pid for pid, _ in sessions() if words <= set(command(pid).split(b"\0"))]


def end_all(mark: str) -> None:
    """Ends every process that was started with ``mark`` in its environment, whatever session it is in."""
    _kill_until_gone(lambda: [pid for pid, _ in sessions() if mark.encode() in environment(pid)])


def environment(pid: int) -> bytes:
    """What a process was started with; nothing if it has ended or is another user's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _kill_until_gone(alive: Callable[[], list[int]]) -> None:
    until = time.monotonic() + END_S
    while pids := alive():
        assert time.monotonic() < until, f"{pids} do not end"
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
