"""``search`` and ``resume``."""

from __future__ import annotations

from pathlib import Path

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for machines.")
inline = click.option("--inline", is_flag=True, help="Train in this process, without Ray; for debugging.")
accept_data_loss = click.option(
    "--accept-data-loss", is_flag=True, help="Go on without committed evaluations that are damaged or missing."
)
workers = click.option("--workers", metavar="N", help="Worker processes; short for --set workers.count=N.")


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Run directory; runs/<name of the config> by default.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the config.")
@workers
@as_json
@inline
@accept_data_loss
def search(
    config: Path,
    *,
    run: Path | None,
    overrides: tuple[str, ...],
    workers: str | None,
    as_json: bool,
    inline: bool,
    accept_data_loss: bool,
) -> None:
    """Searches as CONFIG says, or goes on where that search was stopped.

    The budget is a total: the same command again goes on, and on a complete run shows its verdict.
    """
    from evo_nas.config import load_config

    settings = load_config(config, (*overrides, *_workers(workers)))

    from evo_nas.cli.pursuit import Pursuit

    directory = run or Path("runs") / settings.name
    Pursuit(directory, as_json=as_json, inline=inline, accept_data_loss=accept_data_loss).follow(settings)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@workers
@as_json
@inline
@accept_data_loss
def resume(run: Path, *, workers: str | None, as_json: bool, inline: bool, accept_data_loss: bool) -> None:
    """Goes on with the search in the directory RUN."""
    from evo_nas.cli.pursuit import Pursuit
    from evo_nas.config import configured
    from evo_nas.ledger import read_record

    settings = configured(read_record(run).config, _workers(workers))
    Pursuit(run, as_json=as_json, inline=inline, accept_data_loss=accept_data_loss).follow(settings)


def _workers(count: str | None) -> tuple[str, ...]:
    return () if count is None else (f"workers.count={count}",)
