"""``runs``: lists the runs under a directory."""

from __future__ import annotations

import json

import click

from evo_nas.cli.options import as_json
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("root", default="runs")
@source_option
@as_json
def runs(root: str, *, as_json: bool) -> None:
    """Lists the runs at and directly under ROOT, a directory or s3://bucket/runs; by default runs.

    With --service those of the service are listed.
    """
    from evo_nas.cli.sources import source
    from evo_nas.cli.tables import runs_table
    from evo_nas.cli.terminal import plain, wide_console

    found = source().summaries(root)
    if as_json:
        for summary in found:
            click.echo(json.dumps(summary.to_values()))
        return
    nothing = f"no runs under {root}; start one with `evo-nas search CONFIG`"
    wide_console().print(runs_table(found) if found else plain(nothing))
