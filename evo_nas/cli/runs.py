"""``runs``: the runs under a directory, a line each."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("root", type=click.Path(path_type=Path), default=Path("runs"))
def runs(root: Path) -> None:
    """Lists the runs at and under ROOT, by default runs."""
    from rich.console import Console

    from evo_nas.cli.tables import runs_table
    from evo_nas.ledger import find_runs

    found = find_runs(root)
    nothing = f"no runs under {root}; start one with `evo-nas search CONFIG`"
    Console(highlight=False).print(runs_table(found) if found else nothing)
