"""The commands for a search in a Ray cluster: ``submit``, ``attach``, ``status``, ``logs``, ``stop``, ``token``."""

from __future__ import annotations

from pathlib import Path

import click

from evo_nas.cli.options import address, as_json, overrides, workers, workers_override


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@address(required=True)
@click.option("--run", required=True, metavar="PLACE", help="An absolute path in the cluster, or a URI.")
@overrides
@workers
@as_json
def submit(
    config: Path,
    *,
    address: str,
    run: str,
    overrides: tuple[str, ...],
    workers: str | None,
    as_json: bool,
) -> None:
    """Starts the search that CONFIG describes in a cluster and returns once it is under way.

    Only the configuration is sent. Submitting again attaches to the search; if the search was stopped or lost, it is
    resumed, in this cluster or another.
    """
    from evo_nas.cli.watching import await_start
    from evo_nas.cluster.names import typed
    from evo_nas.config import load_config
    from evo_nas.sessions import open_session

    settings = load_config(config, (*overrides, *workers_override(workers)))
    with open_session(run, address=address) as session:
        session.start(settings)
        event = await_start(session, as_json=as_json)
        if not as_json:
            state = "is complete; see the verdict" if event == "completed" else "is under way; watch it"
            click.echo(f"{session.place} {state} with {typed('attach', session.place, address)}")


@click.command()
@click.argument("run")
@address(required=True)
@as_json
def attach(run: str, *, address: str, as_json: bool) -> None:
    """Shows the search of RUN, no matter which machine has started it.

    Ctrl-C only ends the display; the search goes on.
    """
    from evo_nas.cli.watching import Watcher
    from evo_nas.sessions import open_session

    with open_session(run, address=address, logs=as_json) as session:
        Watcher(session, as_json=as_json).follow(session.attach)


@click.command()
@click.argument("run")
@address(required=True)
@click.option(
    "--drain",
    type=click.FloatRange(min=0.0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait this long for candidates that are being trained; the others are trained again on resume.",
)
@as_json
def stop(run: str, *, address: str, drain: float, as_json: bool) -> None:
    """Stops the search of RUN; its evaluations are safe, and ``resume`` continues it."""
    from evo_nas.cli.watching import Watcher
    from evo_nas.sessions import open_session

    with open_session(run, address=address) as session:
        watcher = Watcher(session, as_json=as_json, only_the_end=True)
        watcher.follow(lambda: session.stop(drain_s=drain))


@click.command()
@click.argument("run", required=False)
@address(required=True)
@as_json
def status(run: str | None, *, address: str, as_json: bool) -> None:
    """Shows the progress of all searches that were sent to a cluster, or only that of RUN."""
    from evo_nas.cli.cluster_status import print_status

    print_status(address, run, as_json=as_json)


@click.command()
@click.argument("run")
@address(required=True)
@click.option("--follow", is_flag=True, help="Continue until the job ends.")
def logs(run: str, *, address: str, follow: bool) -> None:
    """Prints the output of the newest job of RUN, with the log of its manager."""
    from evo_nas.cluster.names import checked_run
    from evo_nas.sessions.jobs import JobSession

    for line in JobSession(checked_run(run), address).logs(follow=follow):
        click.echo(line)


@click.command()
def token() -> None:
    """Makes a token for Ray that only you can read, unless there is one, and prints the path of its file.

    Ray requires it if RAY_AUTH_MODE=token is set; set it on every machine that runs ``ray start``.
    """
    from evo_nas.cluster.token import ensure_token

    click.echo(ensure_token())
