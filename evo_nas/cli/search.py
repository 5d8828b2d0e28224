"""``search`` and ``resume``: run a search, on this machine or in a cluster."""

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
    """The options that ``search`` and ``resume`` share; one field each."""

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
    help="A directory or s3://bucket/name; by default runs/<name of the config>. Not relative with --address.",
)
@overrides
@workers
@_search_options
def search(
    config: Path, *, run: str | None, overrides: tuple[str, ...], workers: str | None, **options: Any
) -> None:
    """Starts or resumes the search that CONFIG describes.

    The budget is a total: the same command resumes a search that was stopped, and shows the verdict of one that is
    complete. With --address the search runs in a cluster and continues there if this command is interrupted.
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
    """Resumes the search in RUN, with --address in a cluster.

    Only the budget and the workers may be overridden, for example with --set budget.evaluations=500.
    """
    changes = (*overrides, *workers_override(workers))
    SearchOptions(**options).follow(run, lambda session: session.resume(changes))
