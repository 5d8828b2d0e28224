"""Sends a command to a cluster as a job, and prints what it prints there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evo_nas.cli.sources import service_url
from evo_nas.errors import ConfigError, ExecutionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evo_nas.cluster.jobs import Jobs

THERE = "auto"
"""The address under which the jobs of a cluster reach it."""


def is_sent(context: click.Context, run: str, address: str | None) -> bool:
    """Runs the command of ``context`` in a cluster if ``address`` is a URL, and returns whether it did.

    A job of the same command that is under way is followed, and no other is sent. The job goes on if whoever follows
    it leaves.

    Raises:
        ConfigError: The place of the run means another one there.
        ExecutionError: No cluster answers, or the command has failed there.
    """
    from evo_nas.cluster.names import checked_run, is_url

    if address is None or not is_url(address) or service_url() is not None:
        return False
    from evo_nas.cluster.jobs import Jobs

    place, jobs = checked_run(run), Jobs(address)
    typed = [*_typed(context, context.params | {"run": place}), "--address", THERE]
    role = str(context.info_name)
    under_way = [job.id for job in jobs.of_run(place, role=role) if not job.ended]
    submission = under_way[0] if under_way else jobs.submit(["evo-nas", role, *typed], place, role=role)
    try:
        _print(jobs, submission, as_json=context.params["as_json"])
    except KeyboardInterrupt:
        click.echo("the job goes on in the cluster; the same command follows it", err=True)
        raise SystemExit(130) from None
    outcome = jobs.outcome(submission)
    if outcome.value != "SUCCEEDED":
        raise ExecutionError(
            f"the command ended in the cluster ({outcome.value.lower()}), and said above why; trainings that it made "
            "are kept: give the same command again"
        )
    return True


def refuse_file(option: str, path: Path, address: str | None) -> None:
    """Refuses an option that names a place on this machine if the command is run elsewhere.

    Raises:
        ConfigError: It is.
    """
    from evo_nas.cluster.names import is_url

    if address is not None and is_url(address):
        raise ConfigError(
            f"{option} is {path}, which a job of the cluster would write to its own machine; leave it out, and give "
            "the command again without --address where the run can be reached: what was trained is kept in it"
        )


def _print(jobs: Jobs, submission: str, *, as_json: bool) -> None:
    for line in jobs.follow(submission):
        if line is not None:
            # A log has both streams of a job; whoever reads objects wants them alone.
            click.echo(line, err=as_json and not line.startswith("{"))


def _typed(context: click.Context, values: dict[str, object]) -> Iterator[str]:
    """Yields the arguments and options that were given, but for the address."""
    for parameter in context.command.params:
        name = str(parameter.name)
        value = values.get(name)  # the options of a service are no parameters of the command
        if isinstance(parameter, click.Argument):
            yield str(value)
        elif name != "address" and value not in (None, False, ""):
            yield parameter.opts[-1]
            if value is not True:
                yield str(value)
