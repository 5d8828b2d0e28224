"""The commands for a search elsewhere, in a Ray cluster or a service: ``submit``, ``attach``, ``stop`` and others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evo_nas.cli.options import address, as_json, overrides, workers, workers_override
from evo_nas.cli.sources import service_url, source, source_option

if TYPE_CHECKING:
    from evo_nas.sessions import Session


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@address(required=False)
@source_option
@click.option(
    "--run",
    metavar="PLACE",
    help="An absolute path in the cluster, or a URI. At a service the name of the run, by default that of CONFIG.",
)
@overrides
@workers
@as_json
def submit(
    config: Path,
    *,
    address: str | None,
    run: str | None,
    overrides: tuple[str, ...],
    workers: str | None,
    as_json: bool,
) -> None:
    """Starts the search that CONFIG describes in a cluster or a service and returns once it is under way.

    Only the configuration is sent. Submitting again attaches to the search; if the search was stopped or lost, it is
    resumed, in this cluster or another.
    """
    from evo_nas.cli.watching import await_start
    from evo_nas.config import load_config

    settings = load_config(config, (*overrides, *workers_override(workers)))
    if run is None and service_url() is None:
        raise click.UsageError("say with --run where in the cluster the run is kept")
    with _session(run or source().default_place(settings.name), address) as session:
        session.start(settings)
        event = await_start(session, as_json=as_json)
        if not as_json:
            state = "is complete; see the verdict" if event == "completed" else "is under way; watch it"
            click.echo(f"{session.place} {state} with {session.typed('attach')}")


@click.command()
@click.argument("run")
@address(required=False)
@source_option
@as_json
def attach(run: str, *, address: str | None, as_json: bool) -> None:
    """Shows the search of RUN, no matter which machine has started it.

    Ctrl-C only ends the display; the search goes on.
    """
    from evo_nas.cli.watching import Watcher

    with _session(run, address, logs=as_json) as session:
        Watcher(session, as_json=as_json).follow(session.attach)


@click.command()
@click.argument("run")
@address(required=False)
@source_option
@click.option(
    "--drain",
    type=click.FloatRange(min=0.0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait this long for candidates that are being trained; the others are trained again on resume.",
)
@as_json
def stop(run: str, *, address: str | None, drain: float, as_json: bool) -> None:
    """Stops the search of RUN; its evaluations are safe, and ``resume`` continues it."""
    from evo_nas.cli.watching import Watcher

    with _session(run, address) as session:
        watcher = Watcher(session, as_json=as_json, only_the_end=True)
        watcher.follow(lambda: session.stop(drain_s=drain))


@click.command()
@click.argument("run", required=False)
@address(required=False)
@source_option
@as_json
def status(run: str | None, *, address: str | None, as_json: bool) -> None:
    """Shows the progress of all searches that were sent to a cluster or a service, or only that of RUN."""
    source().print_status(run, address=_known(address), as_json=as_json)


@click.command()
@click.argument("run")
@address(required=False)
@source_option
@click.option("--follow", is_flag=True, help="Continue until the job ends.")
def logs(run: str, *, address: str | None, follow: bool) -> None:
    """Prints the output of the newest job of RUN, with the log of its manager; at a service that of its process."""
    is_silent = True
    for line in source().log_lines(run, address=_known(address), follow=follow):
        is_silent = False
        click.echo(line)
    if is_silent:
        click.echo(
            f"{run} has no lines: its newest process has printed none, or a shell has started it", err=True
        )


@click.command()
def token() -> None:
    """Makes a token for Ray that only you can read, unless there is one, and prints the path of its file.

    Ray requires it if RAY_AUTH_MODE=token is set; set it on every machine that runs ``ray start``.
    """
    from evo_nas.cluster.token import ensure_token

    click.echo(ensure_token())


def _session(run: str, address: str | None, *, logs: bool = False) -> Session:
    return source().session(run, address=_known(address), logs=logs)


def _known(address: str | None) -> str | None:
    """Returns ``address``, which may be left out only for a service."""
    if address is None and service_url() is None:
        raise click.UsageError("Missing option '--address': name the cluster, or a service with --service.")
    return address
