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
@click.option("--format", "kind", default="native", show_default=True, help="Format of the files.")
def export(run: str, *, out: Path, kind: str) -> None:
    """Writes the champion of RUN to a directory, and judges it first where that was not done.

    Its genome and architecture are JSON, its trained weights safetensors.
    """
    from evo_nas.champion.export import check_target, export_champion
    from evo_nas.cli.watching import judged
    from evo_nas.runs import Run

    check_target(out, kind)
    exported = Run.at(run)
    judged(exported)
    for path in export_champion(exported, out, kind=kind):
        click.echo(path)
