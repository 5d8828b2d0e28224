"""``export``: take the champion of a run away."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="A directory that is new or empty.",
)
def export(run: str, *, out: Path) -> None:
    """Writes the champion of RUN to a directory.

    Its genome and architecture are JSON, its trained weights safetensors.
    """
    from evo_nas.champion import export_champion

    for path in export_champion(run, out):
        click.echo(path)
