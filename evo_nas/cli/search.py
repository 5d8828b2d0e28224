"""``search`` and ``resume``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evo_nas.cli.options import (
    accept_data_loss,
    address,
    as_json,
    inline,
    overrides,
    workers,
    workers_override,
)
from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from evo_nas.config import SearchConfig


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--run",
    metavar="PLACE",
    help="A directory or s3://bucket/name; runs/<name of the config> by default. In a cluster no relative path.",
)
@overrides
@workers
@as_json
@inline
@accept_data_loss
@address(required=False)
def search(  # noqa: PLR0913 - one for each option
    config: Path,
    *,
    run: str | None,
    overrides: tuple[str, ...],
    workers: str | None,
    as_json: bool,
    inline: bool,
    accept_data_loss: bool,
    address: str | None,
) -> None:
    """Searches as CONFIG says, or goes on where that search was stopped.

    The budget is a total: the same command again goes on, and on a complete run shows its verdict. With
    --address the search lives in a cluster, and goes on there when this command is interrupted.
    """
    from evo_nas.config import load_config

    settings = load_config(config, (*overrides, *workers_override(workers)))
    place = run or f"runs/{settings.name}"
    if address is None:
        _pursue(settings, place, as_json=as_json, inline=inline, accept_data_loss=accept_data_loss)
    else:
        _refuse_local_options(inline=inline, accept_data_loss=accept_data_loss)
        _pursue_in_cluster(settings, place, address, as_json=as_json)


@click.command()
@click.argument("run")
@workers
@as_json
@inline
@accept_data_loss
@address(required=False)
def resume(
    run: str,
    *,
    workers: str | None,
    as_json: bool,
    inline: bool,
    accept_data_loss: bool,
    address: str | None,
) -> None:
    """Goes on with the search in RUN, with --address in a cluster."""
    from evo_nas.cluster.names import is_url

    if address is not None:
        _refuse_local_options(inline=inline, accept_data_loss=accept_data_loss)
    if address is not None and is_url(address):
        from evo_nas.cli.remote import Remote

        remote = Remote(address, run, as_json=as_json)
        remote.attach(remote.resume())
        return

    from evo_nas.config import configured
    from evo_nas.ledger import read_record

    settings = configured(read_record(run).config, workers_override(workers))
    if address is None:
        _pursue(settings, run, as_json=as_json, inline=inline, accept_data_loss=accept_data_loss)
    else:
        _pursue_in_cluster(settings, run, address, as_json=as_json)


def _pursue(settings: SearchConfig, run: str, *, as_json: bool, inline: bool, accept_data_loss: bool) -> None:
    from evo_nas.cli.pursuit import Pursuit

    Pursuit(run, as_json=as_json, inline=inline, accept_data_loss=accept_data_loss).follow(settings)


def _pursue_in_cluster(settings: SearchConfig, run: str, address: str, *, as_json: bool) -> None:
    from evo_nas.cluster.names import is_url

    if is_url(address):
        from evo_nas.cli.remote import Remote

        remote = Remote(address, run, as_json=as_json)
        remote.attach(remote.submit(settings))
    else:
        from evo_nas.cli.presence import Presence
        from evo_nas.cluster.names import checked_run

        Presence(checked_run(run), address, as_json=as_json).follow(settings)


def _refuse_local_options(*, inline: bool, accept_data_loss: bool) -> None:
    for name, given in (("--inline", inline), ("--accept-data-loss", accept_data_loss)):
        if given:
            raise ConfigError(f"{name} is given beside --address; use it on the machine that keeps the run")
