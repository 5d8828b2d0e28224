"""``finalists``: shows the best distinct networks of a run, and judges them on other cuts of the data."""

from __future__ import annotations

import json

import click

from evo_nas.cli.options import address, as_one_json, inline, trainings_at_once
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("run")
@click.option(
    "-k",
    "--count",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="Number of finalists.",
)
@click.option(
    "--judge",
    is_flag=True,
    help="Train them on other cuts of training and validation, and the best around a GRU and LSTM.",
)
@click.option(
    "--trainings",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Trainings that judge each finalist, each on another cut as far as there are any.",
)
@trainings_at_once
@inline
@address(required=False)
@source_option
@as_one_json
@click.pass_context
def finalists(  # noqa: PLR0913 - one for each option
    context: click.Context,
    run: str,
    *,
    count: int,
    judge: bool,
    trainings: int,
    workers: int | None,
    inline: bool,
    address: str | None,
    as_json: bool,
) -> None:
    """Shows the best distinct networks of RUN by a lower bound of their fitness, given the noise of the run.

    With --judge they are trained again on rows that did not choose them, on as many workers as the search had, with
    --address in a cluster. These trainings are kept in RUN, and the verdict uses them, too. The test part is not
    touched.
    """
    from evo_nas.cli.sent import is_sent
    from evo_nas.cli.sources import source
    from evo_nas.cli.terminal import plain_console

    if judge and is_sent(context, run, address):
        return
    how = {"workers": workers, "inline": inline, "address": address}
    view = source().finalists(run, count=count, trainings=trainings, judge=judge, **how)
    if as_json:
        click.echo(json.dumps(view.to_values()))
    else:
        plain_console().print(view.render())
