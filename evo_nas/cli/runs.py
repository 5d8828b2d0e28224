"""``runs``: the runs under a directory, a line each."""

from __future__ import annotations

import click


@click.command()
@click.argument("root", default="runs")
def runs(root: str) -> None:
    """Lists the runs at and under ROOT, a directory or s3://bucket/runs; by default runs."""
    from rich.console import Console

    from evo_nas.cli.tables import runs_table
    from evo_nas.ledger import find_runs

    found = find_runs(root)
    nothing = f"no runs under {root}; start one with `evo-nas search CONFIG`"
    Console(highlight=False).print(runs_table(found) if found else nothing, soft_wrap=not found)
