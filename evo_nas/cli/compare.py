"""``compare``: ranks champions, their opponents and the baselines over several runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from evo_nas.cli.options import as_one_json, picture_option
from evo_nas.cli.sources import source_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@picture_option("the critical differences")
@source_option
@as_one_json
def compare(runs: tuple[str, ...], *, picture: Path | None, as_json: bool) -> None:
    """Ranks champion, opponents and the strongest baseline over RUNs, one data set each, from their verdicts.

    From five runs on, Friedman's test says whether the ranks differ, and tests against the champion are corrected by
    Holm's method. Metrics may differ from run to run.
    """
    from evo_nas.cli.drawing_files import write_drawing
    from evo_nas.cli.ranking_view import critical_difference_diagram, ranking_view
    from evo_nas.cli.sources import source
    from evo_nas.cli.terminal import plain_console

    ranking = source().ranking(runs)
    if picture is not None:
        write_drawing(critical_difference_diagram(ranking), picture)
    if as_json:
        click.echo(json.dumps(ranking.to_values()))
    else:
        plain_console().print(ranking_view(ranking))
