"""`JobSession`: a search in a cluster that is reached over HTTP, through its dashboard."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from evo_nas.cluster.jobs import Jobs
from evo_nas.cluster.names import typed
from evo_nas.errors import ExecutionError
from evo_nas.sessions.events import Failed, event_from_json
from evo_nas.sessions.session import Session

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from evo_nas.cluster.jobs import Job
    from evo_nas.config import SearchConfig
    from evo_nas.sessions.events import Event

SEARCH = "search"
THERE = "auto"
"""The address under which the jobs of a cluster reach it."""


class JobSession(Session):
    """Runs the same commands as jobs of the cluster and reads the events that they print.

    Args:
        run: The run, as `checked_run` returns it.
        url: URL of the cluster's dashboard.

    Raises:
        ConfigError: Ray requires a token and there is none.
        ExecutionError: No cluster answers there.
    """

    outlives = True

    def __init__(self, run: str, url: str) -> None:
        super().__init__(run, address=url)
        self.jobs = Jobs(url)
        self.submission = ""
        self._left = False

    def start(self, config: SearchConfig) -> None:
        """Sends the configuration; a job in the cluster starts or finds the search."""
        self.submission = self.jobs.submit_search(config, self.place)

    def resume(self, overrides: Sequence[str] = ()) -> None:
        """Lets a job resume the run, since perhaps only the cluster can read its record."""
        options = [argument for override in overrides for argument in ("--set", override)]
        self.submission = self._command("resume", *options, role=SEARCH)

    def attach(self) -> None:
        """Follows the newest job that follows the search, or sends such a job."""
        alive = [job for job in self.jobs.of_run(self.place, role=SEARCH) if not job.ended]
        self.submission = alive[0].id if alive else self._command("attach", role=SEARCH)

    def stop(self, *, drain_s: float = 0.0) -> None:
        """Sends a job that stops the search; `events` then follows that job."""
        self.submission = self._command("stop", "--drain", f"{drain_s:g}", role="stop")

    def leave(self) -> None:
        """Ends `events` within a second; the search goes on."""
        self._left = True

    def events(self) -> Generator[Event, None, None]:
        """Yields the events that the job prints.

        Raises:
            ExecutionError: The search has failed, or the job has failed without an event that says so.
        """
        errors: list[str] = []
        for line in self.jobs.follow(self.submission):
            if self._left:
                return
            if line is None:
                continue
            event = event_from_json(line)
            if isinstance(event, Failed):
                raise ExecutionError(self._typed_here(event.error))
            if event is not None:
                yield event
            # A command that fails before its first event prints its errors as text.
            elif line.startswith("error: ") or (errors and line.startswith("  ")):
                errors.append(line.removeprefix("error: "))
        job = self._ended()
        if job is not None and job.status != "SUCCEEDED":
            raise ExecutionError(self._typed_here("\n".join(errors)) or self._why(job))

    def logs(self, *, follow: bool) -> Iterator[str]:
        """Yields the lines of the newest job that followed the search.

        Raises:
            ExecutionError: There is no such job.
        """
        jobs = self.jobs.of_run(self.place, role=SEARCH)
        if not jobs:
            attach = typed("attach", self.place, self.jobs.url)
            raise ExecutionError(
                f"no job of this cluster was about {self.place}; if it is searched there, {attach} shows it"
            )
        lines = self.jobs.follow(jobs[0].id) if follow else self.jobs.logs(jobs[0].id).splitlines()
        yield from (line for line in lines if line is not None)

    def _command(self, name: str, *options: str, role: str) -> str:
        command = ["evo-nas", name, self.place, "--address", THERE, "--json", *options]
        return self.jobs.submit(command, self.place, role=role)

    def _ended(self) -> Job | None:
        return next((job for job in self.jobs.of_run(self.place) if job.id == self.submission), None)

    def _typed_here(self, error: str) -> str:
        """Replaces the address in the commands of an error by the one that works on this machine."""
        return error.replace(f"--address {THERE}`", f"--address {shlex.quote(self.jobs.url)}`")

    def _why(self, job: Job) -> str:
        attach, resume = (typed(command, self.place, self.jobs.url) for command in ("attach", "resume"))
        return (
            f"the job that followed the search ended ({job.status.lower()}: {_last_line(job.message)}); "
            f"the search itself may go on: {attach}, or {resume}"
        )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason is known"])[-1]
