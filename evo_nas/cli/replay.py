"""``replay``: says what other rungs would have saved in a finished run."""

from __future__ import annotations

import json

import click

from evo_nas.cli.options import as_one_json, overrides
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("run")
@overrides
@click.option(
    "--workers",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Workers that train; those of the run by default.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random orders of the candidates to replay beside the recorded one.",
)
@source_option
@as_one_json
def replay(run: str, *, overrides: tuple[str, ...], workers: int | None, draws: int, as_json: bool) -> None:
    """Replays the trainings of RUN with other rungs, in seconds: what would these have saved?

    The candidates and their curves are those of the run, in its order; the rungs are `auto` unless --set gives others,
    such as --set fitness.rungs=[2,6] --set fitness.reduction=3. Nothing is trained, and RUN is only read.
    """
    from evo_nas.cli.sources import source
    from evo_nas.cli.terminal import plain_console

    view = source().replay(run, overrides, workers=workers, draws=draws)
    if as_json:
        click.echo(json.dumps(view.to_values()))
    else:
        plain_console().print(view.render())
