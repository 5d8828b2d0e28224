"""Where the searches of a cluster stand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from evo_nas.cli.tables import plain_table
from evo_nas.cluster.jobs import Jobs
from evo_nas.cluster.names import checked_run
from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class _Search:
    run: str
    submission: str
    status: str
    progress: dict[str, Any]


def print_status(address: str, run: str | None, *, as_json: bool) -> None:
    """Prints a line for every run that a job of the cluster at ``address`` follows or followed.

    Raises:
        ConfigError: None of them is ``run``.
    """
    console = Console(highlight=False)
    jobs = Jobs(address)
    found = list(_searches(jobs, None if run is None else checked_run(run)))
    if run is not None and not found:
        raise ConfigError(_unknown(run, jobs))
    if as_json:
        for search in found:
            fields = {"run": search.run, "submission": search.submission, "status": search.status}
            console.out(json.dumps({**fields, "progress": search.progress or None}), highlight=False)
        return
    table = plain_table("run", right=("evaluated", "busy"), left=("job", "submission"))
    for search in found:
        told, workers = search.progress, search.progress.get("workers", {})
        table.add_row(
            search.run,
            f"{told['told']:,}/{told['budget']:,}" if told else "-",
            f"{workers['busy']}/{workers['alive']}" if workers else "-",
            search.status.lower(),
            search.submission,
        )
    console.print(table if found else "no search was sent to this cluster; send one with `evo-nas submit`")


def _unknown(run: str, jobs: Jobs) -> str:
    sent = ", ".join(sorted({job.run for job in jobs.of_run(role="search")}))
    known = f"must be one of {sent}" if sent else "nor was any other: send it with `evo-nas submit`"
    return f"run is {run}; no search of it was sent to the cluster at {jobs.url}, {known}"


def _searches(jobs: Jobs, run: str | None) -> Iterator[_Search]:
    newest = {job.run: job for job in reversed(jobs.of_run(run, role="search"))}
    for job in newest.values():
        lines = jobs.logs(job.id).splitlines()
        last = next((line for line in reversed(lines) if line.startswith('{"event": "progress"')), "{}")
        yield _Search(job.run, job.id, job.status, json.loads(last))
