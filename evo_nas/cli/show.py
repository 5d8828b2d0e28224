"""``show``: shows the best candidates of a run, its verdict, and one candidate in full."""

from __future__ import annotations

import json

import click

from evo_nas.cli.options import as_one_json
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("run")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Number of best candidates to list.",
)
@click.option("--candidate", type=int, metavar="ID", help="Show this candidate in full; the best by default.")
@click.option(
    "--front",
    is_flag=True,
    help="Show only the candidates that no other beats in all objectives, with their costs.",
)
@source_option
@as_one_json
def show(run: str, *, top: int, candidate: int | None, front: bool, as_json: bool) -> None:
    """Shows the best candidates of RUN, its verdict if there is one, and one candidate in full.

    The full view has the equations, the training and the ancestors of the candidate.
    """
    from evo_nas.cli.run_view import render, render_front
    from evo_nas.cli.sources import source
    from evo_nas.cli.terminal import plain_console

    view = source().run_view(run, top=top, candidate=candidate)
    if front:
        shown = render_front(view)  # also for JSON, since it says what is wrong
        values = view.front_values()
    else:
        shown, values = render(view), view.to_values()
    if as_json:
        click.echo(json.dumps(values, default=str))
    else:
        plain_console().print(shown)
