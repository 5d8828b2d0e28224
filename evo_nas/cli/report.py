"""``report``: writes the report of a run as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from evo_nas.cli.sources import source_option


@click.command()
@click.argument("run")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The HTML file; report.html in the current directory by default.",
)
@click.option(
    "--figures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write every figure as SVG and PNG.",
)
@source_option
def report(run: str, *, out: Path | None, figures: Path | None) -> None:
    """Writes what RUN found, and how, as one HTML file that needs no network.

    A run that is not judged yet is reported as far as it went.
    """
    from evo_nas.cli.sources import source

    for path in source().report(run, out or Path("report.html"), figures=figures):
        click.echo(path)
