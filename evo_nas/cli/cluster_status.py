"""Prints the progress of the searches in a cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.cli.formatting import evaluated
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain, wide_console
from evo_nas.cluster.jobs import Jobs
from evo_nas.cluster.names import checked_run
from evo_nas.errors import ConfigError
from evo_nas.sessions.events import Progressed, event_from_json, event_to_json

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class _Search:
    run: str
    submission: str
    status: str
    progress: Progressed | None


def print_status(address: str, run: str | None, *, as_json: bool) -> None:
    """Prints one line for every run that a job of the cluster at ``address`` follows or has followed.

    Args:
        address: URL of the dashboard.
        run: The only run to show; None for all.
        as_json: Whether to print JSON.

    Raises:
        ConfigError: No job of the cluster belongs to ``run``.
    """
    console = wide_console()
    jobs = Jobs(address)
    found = list(_searches(jobs, None if run is None else checked_run(run)))
    if run is not None and not found:
        raise ConfigError(_unknown(run, jobs))
    if as_json:
        for search in found:
            progress = None if search.progress is None else json.loads(event_to_json(search.progress))
            fields = {"run": search.run, "submission": search.submission, "status": search.status}
            console.out(json.dumps({**fields, "progress": progress}), highlight=False)
        return
    table = plain_table("run", right=("evaluated", "busy"), left=("job", "submission"))
    for search in found:
        progress = search.progress
        table.add_row(
            plain(search.run),
            evaluated(progress) if progress else "-",
            f"{progress.workers.busy}/{progress.workers.workers}" if progress else "-",
            search.status.lower(),
            search.submission,
        )
    console.print(table if found else "no search was sent to this cluster; send one with `evo-nas submit`")


def _unknown(run: str, jobs: Jobs) -> str:
    sent = ", ".join(sorted({job.run for job in jobs.of_run(role="search")}))
    known = f"must be one of {sent}" if sent else "nor any other search; send it with `evo-nas submit`"
    return f"run is {run}; no search of it was sent to the cluster at {jobs.url}, {known}"


def _searches(jobs: Jobs, run: str | None) -> Iterator[_Search]:
    # Oldest first, so that the newest job of a run replaces the others.
    newest = {job.run: job for job in reversed(jobs.of_run(run, role="search"))}
    for job in newest.values():
        # Read from the end: the newest progress is usually among the last lines of a long log.
        events = map(event_from_json, reversed(jobs.logs(job.id).splitlines()))
        last = next((event for event in events if isinstance(event, Progressed)), None)
        yield _Search(job.run, job.id, job.status, last)
