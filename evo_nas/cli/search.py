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

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.sessions import Session

_Command = TypeVar("_Command", bound="Callable[..., None]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How a search is run and shown; one field for each option."""

    as_json: bool
    inline: bool
    accept_data_loss: bool
    tensorboard: Path | None
    address: str | None

    def follow(self, place: str, begin: Callable[[Session], None]) -> None:
        """Opens a session for the run at ``place``, lets ``begin`` start it and shows it until it ends."""
        from evo_nas.cli.watching import Watcher
        from evo_nas.sessions import open_session

        with open_session(
            place,
            address=self.address,
            inline=self.inline,
            accept_data_loss=self.accept_data_loss,
            logs=self.as_json,
        ) as session:
            watcher = Watcher(session, as_json=self.as_json, tensorboard=self.tensorboard)
            watcher.follow(lambda: begin(session))


def _search_options(command: _Command) -> _Command:
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
@_search_options
def search(
    config: Path, *, run: str | None, overrides: tuple[str, ...], workers: str | None, **options: Any
) -> None:
    """Searches as CONFIG says, or goes on where that search was stopped.

    The budget is a total: the same command again goes on, and on a complete run shows its verdict. With
    --address the search lives in a cluster, and goes on there when this command is interrupted.
    """
    from evo_nas.config import load_config

    settings = load_config(config, (*overrides, *workers_override(workers)))
    place = run or f"runs/{settings.name}"
    SearchOptions(**options).follow(place, lambda session: session.start(settings))


@click.command()
@click.argument("run")
@overrides
@workers
@_search_options
def resume(run: str, *, overrides: tuple[str, ...], workers: str | None, **options: Any) -> None:
    """Goes on with the search in RUN, with --address in a cluster.

    Only the budget and the workers may be overridden, as in --set budget.evaluations=500.
    """
    changes = (*overrides, *workers_override(workers))
    SearchOptions(**options).follow(run, lambda session: session.resume(changes))
