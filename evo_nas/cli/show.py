"""``show``: the best of a run, and one candidate in full."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("run")
@click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many of the best."
)
@click.option("--candidate", type=int, metavar="ID", help="Show this candidate in full; the best by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
def show(run: str, *, top: int, candidate: int | None, as_json: bool) -> None:
    """Shows the best candidates of RUN, and one in full.

    In full means its equations, its training and its forebears.
    """
    from rich.console import Console

    from evo_nas.cli.recorded import RecordedRun
    from evo_nas.cli.run_view import run_fields, run_view

    recorded = RecordedRun(run)
    best = recorded.best(top)
    chosen = candidate if candidate is not None or not best else best[0]["id"]
    line = [] if chosen is None else recorded.lineage(chosen)
    if as_json:
        click.echo(json.dumps(run_fields(recorded, best, line), default=str))
    else:
        Console(highlight=False).print(run_view(recorded, best, line))
