"""``verify``: checks the files of a run and derives its candidates again."""

from __future__ import annotations

import json

import click

from evo_nas.cli.options import as_one_json
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("run")
@source_option
@as_one_json
def verify(run: str, *, as_json: bool) -> None:
    """Checks every file of RUN, derives every genome again and compares it with the recorded one.

    Candidates after an accepted loss of data cannot be derived. Results that were remembered are compared with the
    runs that they come from. The exit code is 1 if a genome or a remembered result differs, or a file is damaged.
    """
    from evo_nas.cli.sources import source

    verification = source().verification(run)
    if as_json:
        click.echo(json.dumps(verification.to_values()))
    else:
        for remark in verification.remarks:
            click.echo(remark, err=True)
        for line in (*verification.findings, *filter(None, (verification.sentence,))):
            click.echo(line)
    if not verification.is_verified:
        raise SystemExit(1)
