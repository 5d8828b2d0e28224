"""``search`` and ``resume``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evo_nas.cli.options import (
    accept_data_loss,
    address,
    as_json,
    inline,
    overrides,
    tensorboard,
    workers,
    workers_override,
)
from evo_nas.cluster.names import checked_run, is_url
from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.config import SearchConfig

_Command = TypeVar("_Command", bound="Callable[..., None]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a search is pursued; one field for each option.

    Raises:
        ConfigError: Two of them exclude each other.
    """

    as_json: bool
    inline: bool
    accept_data_loss: bool
    tensorboard: Path | None
    address: str | None

    def __post_init__(self) -> None:
        if self.address is None:
            return
        for name, given in (("--inline", self.inline), ("--accept-data-loss", self.accept_data_loss)):
            if given:
                raise ConfigError(
                    f"{name} is given beside --address; use it on the machine that keeps the run"
                )
        if self.is_remote and self.tensorboard is not None:
            raise ConfigError(
                "--tensorboard is given beside the URL of a dashboard; use it on a machine of the cluster"
            )

    @property
    def is_remote(self) -> bool:
        """Whether the cluster is reached through its dashboard."""
        return self.address is not None and is_url(self.address)

    def pursue(self, settings: SearchConfig, run: str) -> None:
        """Searches as ``settings`` say in this process, or in the cluster that it is part of."""
        if self.address is None:
            from evo_nas.cli.pursuit import Pursuit

            pursuit = Pursuit(
                run,
                as_json=self.as_json,
                inline=self.inline,
                accept_data_loss=self.accept_data_loss,
                tensorboard=self.tensorboard,
            )
        else:
            from evo_nas.cli.presence import Presence

            pursuit = Presence(
                checked_run(run), self.address, as_json=self.as_json, tensorboard=self.tensorboard
            )
        pursuit.follow(settings)


def manner(command: _Command) -> _Command:
    """Gives ``command`` the options that `Manner` is made of."""
    for option in (address(required=False), tensorboard, accept_data_loss, inline, as_json):
        command = option(command)
    return command


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--run",
    metavar="PLACE",
    help="A directory or s3://bucket/name; runs/<name of the config> by default. In a cluster no relative path.",
)
@overrides
@workers
@manner
def search(
    config: Path, *, run: str | None, overrides: tuple[str, ...], workers: str | None, **given: Any
) -> None:
    """Searches as CONFIG says, or goes on where that search was stopped.

    The budget is a total: the same command again goes on, and on a complete run shows its verdict. With
    --address the search lives in a cluster, and goes on there when this command is interrupted.
    """
    from evo_nas.config import load_config

    manner = Manner(**given)
    settings = load_config(config, (*overrides, *workers_override(workers)))
    place = run or f"runs/{settings.name}"
    if manner.is_remote:
        from evo_nas.cli.remote import Remote

        remote = Remote(str(manner.address), place, as_json=manner.as_json)
        remote.attach(remote.submit(settings))
    else:
        manner.pursue(settings, place)


@click.command()
@click.argument("run")
@workers
@manner
def resume(run: str, *, workers: str | None, **given: Any) -> None:
    """Goes on with the search in RUN, with --address in a cluster."""
    manner = Manner(**given)
    if manner.is_remote:
        from evo_nas.cli.remote import Remote

        remote = Remote(str(manner.address), run, as_json=manner.as_json)
        remote.attach(remote.resume(workers))
    else:
        from evo_nas.config import configured
        from evo_nas.ledger import LedgerReader, open_store

        reader = LedgerReader(open_store(run))
        recorded = reader.record.config | reader.settings()
        manner.pursue(configured(recorded, workers_override(workers)), run)
