"""``ensemble``: selects an ensemble of the networks that a verdict keeps, and keeps it in the run."""

from __future__ import annotations

import json

import click

from evo_nas.cli.options import as_one_json


@click.command()
@click.argument("run")
@click.option(
    "--size",
    type=click.IntRange(1, 100),
    metavar="N",
    help="Different networks that it may have; by default as many as the LSTM has retrainings.",
)
@as_one_json
def ensemble(run: str, *, size: int | None, as_json: bool) -> None:
    """Selects an ensemble of the networks that the verdict of RUN keeps, beside LSTMs at the same cost.

    It is selected on validation, trains nothing, and is kept beside the champion: evo-nas export RUN --which ensemble.
    The test part is looked at once more for its score, which the run records.
    """
    from evo_nas.champion.kept_ensemble import make_ensemble
    from evo_nas.cli.ensemble_view import ensemble_view
    from evo_nas.cli.terminal import plain_console
    from evo_nas.experiment import Experiment
    from evo_nas.runs import Run

    place = Run.at(run)
    report = make_ensemble(place, Experiment.of_run(place), most=size)
    if as_json:
        click.echo(json.dumps(report.to_values()))
    else:
        plain_console().print(ensemble_view(report))
