"""``export``: writes the champion of a run to a directory."""

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
    help="A new or empty directory.",
)
@click.option("--format", "kind", default="native", show_default=True, help="Format of the files.")
def export(run: str, *, out: Path, kind: str) -> None:
    """Writes the champion of RUN to a directory; judges it first if there is no verdict yet.

    RUN may also be a directory that `evo-nas meta` or an earlier export wrote.

    Genome and architecture are written as JSON, the trained weights as safetensors.
    """
    from evo_nas.champion.export import check_target, export_champion, export_network
    from evo_nas.champion.exporters.native import ARCHITECTURE_FILE
    from evo_nas.cli.watching import judged
    from evo_nas.runs import Run

    # Checked first: judging may train for a long time, and a wrong directory should be refused before.
    check_target(out, kind)
    exported = Run.at(run)
    if not exported.exists and (Path(run) / ARCHITECTURE_FILE).is_file():
        written = export_network(Path(run), out, kind=kind)
    else:
        judged(exported)
        written = export_champion(exported, out, kind=kind)
    for path in written:
        click.echo(path)
