"""``ensemble``: selects an ensemble of the networks that a verdict keeps, and keeps it in the run."""

from __future__ import annotations

import json

import click

from evo_nas.cli.options import as_one_json
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("run")
@click.option(
    "--size",
    type=click.IntRange(1, 100),
    metavar="N",
    help="Different networks that it may have; by default as many as the LSTM has retrainings.",
)
@source_option
@as_one_json
def ensemble(run: str, *, size: int | None, as_json: bool) -> None:
    """Selects an ensemble of the networks that the verdict of RUN keeps, beside LSTMs at the same cost.

    It is selected on validation, trains nothing, and is kept beside the champion: evo-nas export RUN --which ensemble.
    The test part is looked at once more for its score, which the run records.
    """
    from evo_nas.cli.ensemble_view import ensemble_view
    from evo_nas.cli.sources import source
    from evo_nas.cli.terminal import plain_console

    report = source().ensemble(run, size=size)
    if as_json:
        click.echo(json.dumps(report.to_values()))
    else:
        plain_console().print(ensemble_view(report))
