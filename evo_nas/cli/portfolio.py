"""``portfolio``: learns from finished runs which networks to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from evo_nas.cli.sources import source_option


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="A new file, such as portfolio.json."
)
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="Most networks of the portfolio.",
)
@source_option
def portfolio(runs: tuple[str, ...], *, output: Path, count: int) -> None:
    """Chooses networks of finished RUNS that complement each other, for `warm_start` of later searches.

    The first is the best for all tasks together, each further one helps the tasks most for which none is good yet. The
    file holds architectures and no data.
    """
    from evo_nas.cli.sources import source

    members = source().portfolio(runs, output, count=count)
    for member in members:
        worth = ", ".join(
            f"{share:.0%} of {task}{'' if task in member.trained else ' (estimated)'}"
            for task, share in member.scores.items()
        )
        click.echo(f"{member.name}: at least as good as {worth}")
    click.echo(f"{output} holds {len(members)} networks; begin a search with them by warm_start: [{output}]")
