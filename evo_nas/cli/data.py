"""``data``: what a configuration's files hold, as it was understood."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the config.")
@click.option(
    "--baselines/--no-baselines", default=True, help="Fit the trivial and linear opponents, or do not."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
def data(config: Path, *, overrides: tuple[str, ...], baselines: bool, as_json: bool) -> None:
    """Shows how the data of CONFIG were understood, and what is to beat.

    That is: which columns are what, parts and shapes, classes, lengths, a few samples, and the test metric of
    trivial and linear opponents. Nothing is searched and nothing is written.
    """
    from rich.console import Console

    from evo_nas.cli.data_view import data_fields, data_view
    from evo_nas.config import load_config
    from evo_nas.experiment import Experiment

    experiment = Experiment.of(load_config(config, overrides))
    opponents = experiment.task.baselines() if baselines else {}
    if as_json:
        click.echo(json.dumps(data_fields(experiment.dataset, opponents)))
    else:
        Console(highlight=False).print(data_view(experiment.dataset, opponents))
