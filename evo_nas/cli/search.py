"""``search`` and ``resume``: run a search, on this machine or in a cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from evo_nas.cli.sources import source_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.champion.verdict import Verdict
    from evo_nas.config import SearchConfig
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

    def follow(self, place: str, begin: Callable[[Session], None]) -> Verdict | None:
        """Opens a session for the run at ``place``, lets ``begin`` start it and shows it until it ends.

        Returns:
            The verdict; None if the search was stopped.
        """
        from evo_nas.cli.sources import source
        from evo_nas.cli.watching import Watcher

        with source().session(
            place,
            address=self.address,
            inline=self.inline,
            accept_data_loss=self.accept_data_loss,
            logs=self.as_json,
        ) as session:
            watcher = Watcher(session, as_json=self.as_json, tensorboard=self.tensorboard)
            watcher.follow(lambda: begin(session))
            return watcher.verdict

    def search(self, place: str, settings: SearchConfig) -> Verdict | None:
        """Searches at ``place``; see `follow`."""
        return self.follow(place, lambda session: session.start(settings))

    def search_folds(
        self, config: Path, overrides: tuple[str, ...], *, place: str, folds: int | None
    ) -> None:
        """Searches a run for each test part, one after the other; see `cli.folds`."""
        from evo_nas.cli.folds import folds_of, search_folds

        def search(place: str, settings: SearchConfig) -> Verdict | None:
            board = self.tensorboard and self.tensorboard / place.rsplit("/", 1)[-1]
            return replace(self, tensorboard=board).search(place, settings)

        parts = folds_of(config, overrides, place=place, folds=folds)
        # In a cluster the data may be on its machines only.
        search_folds(parts, search, as_json=self.as_json, check_data=self.address is None)


def _search_options(command: _Command) -> _Command:
    for option in (address(required=False), source_option, tensorboard, accept_data_loss, inline, as_json):
        command = option(command)
    return command


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--run",
    metavar="PLACE",
    help="A directory or s3://bucket/name; by default runs/<name of the config>. Not relative with --address.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    metavar="N",
    help="Cut the examples into N test parts and search each in a run of its own.",
)
@click.option(
    "--leave-one-group-out",
    is_flag=True,
    help="Search once for each group of the task, with that group as the test part.",
)
@click.option("--no-verdict", is_flag=True, help="Leave the verdict to `evo-nas champion`.")
@overrides
@workers
@_search_options
def search(
    config: Path,
    *,
    run: str | None,
    folds: int | None,
    leave_one_group_out: bool,
    no_verdict: bool,
    overrides: tuple[str, ...],
    workers: str | None,
    **options: Any,
) -> None:
    """Starts or resumes the search that CONFIG describes.

    The budget is a total: the same command resumes a search that was stopped, and shows the verdict of one that is
    complete. With --address the search runs in a cluster and continues there if this command is interrupted.

    With --folds or --leave-one-group-out the runs are kept under PLACE as fold-1, fold-2 and so on, and a table of all
    comes last; the same command goes on where it was stopped.
    """
    from evo_nas.cli.sources import service_url, source
    from evo_nas.config import load_config

    if service_url() is not None and (folds or leave_one_group_out):
        raise click.UsageError(
            "--folds and --leave-one-group-out cut the data here; leave them out with --service"
        )
    if folds and leave_one_group_out:
        raise click.UsageError("--folds and --leave-one-group-out both say what the test parts are; give one")
    changes = (*overrides, *workers_override(workers), *["verdict.at_end=false"] * no_verdict)
    settings = load_config(config, changes)
    place, search_options = run or source().default_place(settings.name), SearchOptions(**options)
    if folds or leave_one_group_out:
        search_options.search_folds(config, changes, place=place, folds=folds)
    else:
        search_options.search(place, settings)


@click.command()
@click.argument("run")
@overrides
@workers
@_search_options
def resume(run: str, *, overrides: tuple[str, ...], workers: str | None, **options: Any) -> None:
    """Resumes the search in RUN, with --address in a cluster.

    Only the budget, the workers and fitness.memory may be overridden, for example with --set budget.evaluations=500.
    """
    changes = (*overrides, *workers_override(workers))
    SearchOptions(**options).follow(run, lambda session: session.resume(changes))
