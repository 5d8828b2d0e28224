"""`Jobs`: runs commands in a cluster, from anywhere, through the HTTP interface of Ray Jobs."""

from __future__ import annotations

import asyncio
import json
import shlex
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import requests
from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient

from evo_nas.cluster.connection import use_token
from evo_nas.cluster.names import is_url, manager_name
from evo_nas.cluster.preflight import remote_paths
from evo_nas.errors import ConfigError, ExecutionError
from evo_nas.sections import spelled_out

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from evo_nas.config import SearchConfig

DEADLINE_S = 30.0
PREFLIGHT_S = 120.0
AGENT_S = 60.0
"""Seconds in which a cluster that has just started must be able to take a job."""
TICK_S = 1.0
SILENCE_S = 60.0
"""Seconds without a log line after which the cluster is asked whether it still answers."""
_NO_AGENT = "No available agent to submit job"
CONFIG_FILE = "search.json"
_RUN = "evo-nas-run"
_ROLE = "evo-nas-role"


class _NoAgentError(ExecutionError):
    """No agent on the head node starts jobs (yet)."""


class _Client(JobSubmissionClient):
    """Ray's client with a deadline; by default it never times out."""

    def _do_request(self, method: str, endpoint: str, **options: Any) -> Any:
        return super()._do_request(method, endpoint, timeout=DEADLINE_S, **options)


@dataclass(frozen=True, slots=True)
class Job:
    """One command that was sent to the cluster.

    Attributes:
        id: Id of the submission.
        run: The run that it belongs to.
        role: ``search`` if it follows the search; otherwise ``stop`` or ``preflight``.
        status: Ray's name of its status.
        message: Ray's explanation of the status.
        ended: Whether the job has ended.
        started_at: Time of its start, as Unix time in seconds.
    """

    id: str
    run: str
    role: str
    status: str
    message: str
    ended: bool
    started_at: float


class Jobs:
    """Sends commands of evo-nas to a cluster and reads their output.

    A search does not depend on its job: the job only follows the manager, and another job can do the same.

    Args:
        url: URL of the cluster's dashboard, such as ``http://127.0.0.1:8265`` through a tunnel.

    Raises:
        ConfigError: ``url`` is not a URL, or Ray requires a token and there is none.
        ExecutionError: No cluster answers there.
    """

    def __init__(self, url: str) -> None:
        if not is_url(url):
            raise ConfigError(
                f"address is {url}; must be the URL of the cluster's dashboard, such as http://127.0.0.1:8265"
            )
        use_token()
        self.url = url.rstrip("/")
        try:
            with self._answering():
                self._client = _Client(self.url)
        except KeyError:
            raise ExecutionError(
                f"what answers at {self.url} is no Ray dashboard; give the URL of the cluster's, such as "
                "http://127.0.0.1:8265"
            ) from None

    def submit(self, command: Sequence[str], run: str, *, role: str, working_dir: Path | None = None) -> str:
        """Sends ``command`` and returns a new submission id."""
        submission = f"{manager_name(run)}-{uuid4().hex[:8]}"
        until = time.monotonic() + AGENT_S
        while True:
            try:
                with self._answering():
                    self._client.submit_job(
                        entrypoint=shlex.join(command),
                        submission_id=submission,
                        metadata={_RUN: run, _ROLE: role},
                        runtime_env=None if working_dir is None else {"working_dir": str(working_dir)},
                    )
            except _NoAgentError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
            else:
                return submission

    def submit_search(self, config: SearchConfig, run: str) -> str:
        """Sends a search; only its configuration is transferred, no data.

        Raises:
            ConfigError: The cluster lacks something that the configuration names.
        """
        paths = remote_paths(config)
        self._preflight(paths, run)
        with tempfile.TemporaryDirectory(prefix="evo-nas-") as folder:
            # Defaults and recipes are filled in, since the files of recipes do not exist in the cluster.
            values = spelled_out(config).model_dump(mode="json") | {"base_dir": "/"}
            # base_dir is meaningless there: all data paths are absolute.
            (Path(folder) / CONFIG_FILE).write_text(json.dumps(values, indent=1), encoding="utf-8")
            command = ["evo-nas", "search", CONFIG_FILE, "--run", run, "--address", "auto", "--json"]
            return self.submit(command, run, role="search", working_dir=Path(folder))

    def of_run(self, run: str | None = None, *, role: str | None = None) -> list[Job]:
        """Returns the jobs of ``run``, or of all runs, newest first."""
        with self._answering():
            details = self._client.list_jobs()
        jobs = [job for job in map(_job_of, details) if job is not None]
        wanted = [job for job in jobs if run in (None, job.run) and role in (None, job.role)]
        return sorted(wanted, key=lambda job: job.started_at, reverse=True)

    def logs(self, submission: str) -> str:
        """Returns the output of a job so far."""
        with self._answering():
            text: str = self._client.get_job_logs(submission)
        return text

    def follow(self, submission: str) -> Iterator[str | None]:
        """Yields the lines that a job prints, from its first, until it has ended; None each second without one.

        Raises:
            ExecutionError: The cluster does not answer any more.
        """
        pieces = self._client.tail_job_logs(submission)
        rest, silent_s = "", 0.0
        # One event loop for the whole log: the connection belongs to the loop that opened it.
        with asyncio.Runner() as runner:
            piece = _Piece(runner, pieces)
            while True:
                with self._answering():
                    arrived = piece.wait(TICK_S)
                if not arrived:
                    silent_s += TICK_S
                    if silent_s >= SILENCE_S:  # a head that has vanished says nothing for ever
                        if self.outcome(submission).is_terminal():
                            break  # the connection is dead, and the log has ended
                        silent_s = 0.0
                    yield None
                    continue
                with self._answering():
                    text = piece.take()
                if text is None:
                    break
                silent_s = 0.0
                *lines, rest = (rest + text).split("\n")
                yield from lines
        if rest:
            yield rest

    def outcome(self, submission: str) -> JobStatus:
        """Returns the status of a job."""
        with self._answering():
            return self._client.get_job_status(submission)

    def _preflight(self, paths: Sequence[str], run: str) -> None:
        wanted = {"evo-nas": version("evo-nas")}
        arguments = json.dumps({"wanted": wanted, "paths": list(paths), "run": run})
        submission = self.submit(
            ["python", "-m", "evo_nas.cluster.preflight", arguments], run, role="preflight"
        )
        until = time.monotonic() + PREFLIGHT_S
        while not (status := self.outcome(submission)).is_terminal():
            if time.monotonic() > until:
                raise ExecutionError(
                    f"the cluster at {self.url} has not started a job within {PREFLIGHT_S:g} s; "
                    f"it is {status.value.lower()}: look at its dashboard"
                )
            time.sleep(0.2)
        if status is not JobStatus.SUCCEEDED:
            said = [line[7:] for line in self.logs(submission).splitlines() if line.startswith("error: ")]
            raise ConfigError("\n".join(said) or _not_installed(self.url, self.logs(submission)))

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except AuthenticationError as error:
            raise ConfigError(
                f"the cluster at {self.url} does not accept this token; copy its token file to this machine "
                f"({str(error).strip().splitlines()[0]})"
            ) from None
        except (OSError, RuntimeError, requests.RequestException, aiohttp.ClientError) as error:
            last = str(error).strip().rsplit("\n", 1)[-1]
            if _NO_AGENT in last:
                raise _NoAgentError(
                    f"the cluster at {self.url} cannot take jobs: no agent runs on its head node, as when another "
                    "Ray on that machine has its port; start the head with --dashboard-agent-listen-port=0"
                ) from error
            raise ExecutionError(
                f"the cluster at {self.url} cannot be asked: {last}; if it is gone, the run is not: submit it "
                "again to any cluster that reaches it"
            ) from error


class _Piece:
    """The next piece of a log, which is waited for in portions.

    Args:
        runner: Its loop runs only while this waits.
        pieces: The log.
    """

    def __init__(self, runner: asyncio.Runner, pieces: AsyncIterator[str]) -> None:
        self._runner = runner
        self._pieces = pieces
        self._task: asyncio.Task[str | None] | None = None

    def wait(self, timeout_s: float) -> bool:
        """Waits at most ``timeout_s`` and returns whether the piece has arrived."""

        async def arrived() -> bool:
            if self._task is None:
                self._task = asyncio.ensure_future(anext(self._pieces, None))
            return bool((await asyncio.wait({self._task}, timeout=timeout_s))[0])

        return self._runner.run(arrived())

    def take(self) -> str | None:
        """Returns the piece that has arrived, None at the end of the log; the next one can then be waited for."""
        assert self._task is not None
        task, self._task = self._task, None
        return task.result()


def _job_of(details: JobDetails) -> Job | None:
    metadata = details.metadata or {}
    # Jobs of other programs do not have this metadata.
    if not details.submission_id or _RUN not in metadata:
        return None
    return Job(
        id=details.submission_id,
        run=metadata[_RUN],
        role=metadata[_ROLE],
        status=str(details.status.value),
        message=details.message or "",
        ended=details.status.is_terminal(),
        started_at=(details.start_time or 0) / 1000,
    )


def _not_installed(url: str, said: str) -> str:
    last = (said.strip().splitlines() or ["it printed nothing"])[-1]
    return f"the cluster at {url} cannot run evo-nas: {last}; install it on every node, in Ray's environment"
