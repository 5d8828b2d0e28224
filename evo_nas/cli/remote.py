"""A search in a cluster, watched from anywhere through the jobs that follow it there."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from rich.console import Console

from evo_nas.cli.display import Display, LineDisplay, Subject
from evo_nas.cli.live import LiveDisplay
from evo_nas.cli.replayed import progress_of
from evo_nas.cli.wording import Scale
from evo_nas.cluster.jobs import Job, Jobs
from evo_nas.cluster.names import checked_run, typed
from evo_nas.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.config import SearchConfig

Event = dict[str, Any]
SEARCH = "search"
THERE = "auto"
"""Address of the cluster for its own jobs."""
_UNDER_WAY = ("watching", "complete")


class Remote:
    """One run in the cluster whose dashboard is at ``url``.

    Args:
        url: Of the dashboard.
        run: Where the run is kept.
        as_json: Whether to print JSON lines instead of what people read.
    """

    def __init__(self, url: str, run: str, *, as_json: bool) -> None:
        self._run = checked_run(run)
        self._jobs = Jobs(url)
        for name in ("dashboard_sdk", "job.sdk"):  # which tell everyone at INFO what they send
            logging.getLogger(f"ray.dashboard.modules.{name}").setLevel(logging.WARNING)
        self._as_json = as_json
        self._console = Console(file=sys.stdout, highlight=False)

    def submit(self, config: SearchConfig) -> str:
        """Sends a search and returns the id of the job that follows it, once the search is under way.

        Raises:
            ConfigError: The cluster lacks what the configuration names.
            ExecutionError: The search cannot start there.
        """
        submission = self._jobs.submit_search(config, self._run)
        self._await(submission)
        return submission

    def resume(self, workers: str | None) -> str:
        """Has the cluster go on with the run as its record says; returns as `submit` does."""
        options = () if workers is None else ("--workers", workers)
        submission = self._command("resume", *options, role=SEARCH)
        self._await(submission)
        return submission

    def attach(self, submission: str | None = None) -> None:
        """Shows the search until it ends, from the job that follows it or, without one, from a new one.

        Raises:
            ExecutionError: Nobody searches the run there, or the search has failed.
        """
        if submission is None:
            alive = [job for job in self._jobs.of_run(self._run, role=SEARCH) if not job.ended]
            submission = alive[0].id if alive else self._command("attach", role=SEARCH)
        try:
            self._show(submission)
        except KeyboardInterrupt:
            self.say(f"the search goes on; watch it again with {self.hint('attach')}")
            raise SystemExit(130) from None

    def stop(self, *, drain_s: float) -> None:
        """Has the search commit and end, at most ``drain_s`` seconds later, and says how to go on."""
        self._show(self._command("stop", "--drain", f"{drain_s:g}", role="stop"))

    def logs(self, *, follow: bool) -> Iterator[str]:
        """Yields the lines of the newest job that followed the search."""
        jobs = self._jobs.of_run(self._run, role=SEARCH)
        if not jobs:
            raise ExecutionError(
                f"no job of this cluster was about {self._run}; if it is searched there, {self.hint('attach')} shows it"
            )
        yield from self._jobs.follow(jobs[0].id) if follow else self._jobs.logs(jobs[0].id).splitlines()

    def hint(self, command: str) -> str:
        """Returns a command about this run as a person would type it."""
        return typed(command, self._run, self._jobs.url)

    def say(self, text: str) -> None:
        """Prints ``text`` for people; machines learn it from events."""
        if not self._as_json:
            self._console.print(text, soft_wrap=True)

    def _command(self, name: str, *options: str, role: str) -> str:
        command = ["evo-nas", name, self._run, "--address", THERE, "--json", *options]
        return self._jobs.submit(command, self._run, role=role)

    def _await(self, submission: str) -> None:
        for event in self._events(submission):
            if event["event"] == "complete":
                self.say(event["text"])
            if event["event"] in _UNDER_WAY:
                return
        raise ExecutionError(f"the job {submission} ended before the search began; see {self.hint('logs')}")

    def _show(self, submission: str) -> None:
        with ExitStack() as stack:
            display: Display | None = None
            for event in self._events(submission):
                if self._as_json:
                    self._console.out(json.dumps(event), highlight=False)
                elif event["event"] == "watching":
                    display = stack.enter_context(self._display(event))
                elif event["event"] == "progress" and display is not None:
                    display(progress_of(event))
                elif event["event"] == "verdict":
                    stack.close()
                    self._show_verdict(event)
                elif "text" in event:
                    stack.close()
                    self.say(event["text"])

    def _show_verdict(self, event: Event) -> None:
        from evo_nas.champion.verdict import Verdict  # which loads torch
        from evo_nas.cli.verdict_view import verdict_view

        verdict = Verdict.from_json(json.dumps(_without_name(event)))
        if verdict is not None:
            self._console.print(verdict_view(verdict))

    def _events(self, submission: str) -> Iterator[Event]:
        """Yields what a job says in JSON; raises what it complains of when it has failed.

        What it advises to type there is turned into what is to be typed here.
        """
        errors: list[str] = []
        for said in self._jobs.follow(submission):
            line = said.replace(f"--address {THERE}`", f"--address {shlex.quote(self._jobs.url)}`")
            if line.startswith('{"event": '):
                yield json.loads(line)
            elif line.startswith("error: ") or (errors and line.startswith("  ")):
                errors.append(line.removeprefix("error: "))
        job = self._ended(submission)
        if job is not None and job.status != "SUCCEEDED":
            raise ExecutionError(
                "\n".join(errors)
                or f"the job that followed the search ended ({job.status.lower()}: {_last_line(job.message)}); "
                f"the search itself may go on: {self.hint('attach')}, or {self.hint('resume')}"
            )

    def _ended(self, submission: str) -> Job | None:
        return next((job for job in self._jobs.of_run(self._run) if job.id == submission), None)

    def _display(self, event: Event) -> Display:
        scale = Scale(event["metric"], higher_is_better=event["higher_is_better"])
        subject = Subject(event["name"], self._run, scale, lambda _: "")
        return (LiveDisplay if self._console.is_terminal else LineDisplay)(subject, self._console)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason is known"])[-1]


def _without_name(event: Event) -> Event:
    return {key: value for key, value in event.items() if key != "event"}
