"""``retrain``: goes on with a champion on new data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from evo_nas.cli.options import as_one_json
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("champion")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    metavar="FILE",
    help="New data in the format of the task, with what is predicted; may be given several times.",
)
@click.option(
    "--there",
    is_flag=True,
    help="With --service: the data lie under a data root of the service, and are not sent.",
)
@click.option(
    "--from",
    "origin",
    type=click.Choice(["weights", "scratch"]),
    default="weights",
    show_default=True,
    help="Whether the weights are trained on, or drawn anew.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="Passes over the training part; those of its first training by default.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A new or empty directory."
)
@source_option
@as_one_json
def retrain(
    champion: str,
    *,
    data: tuple[Path, ...],
    there: bool,
    origin: Literal["weights", "scratch"],
    epochs: int | None,
    out: Path,
    as_json: bool,
) -> None:
    """Trains CHAMPION, an exported folder or a run, on new data and writes it as a new champion.

    It is trained as before: for as many epochs and with the same schedule, those of its tuning if evo-nas tune made it.
    The data are split as its task says: networks learn from the training part, validation chooses the epoch. Before and
    after, the champion is scored on the validation and test parts; validation says which one to take.
    """
    from evo_nas.champion.export import check_target
    from evo_nas.cli.sources import source

    check_target(out, "native")
    retrained = source().retrained(champion, data, out, there=there, origin=origin, epochs=epochs)
    if as_json:
        click.echo(json.dumps(retrained.to_values()))
        return
    for path in retrained.files:
        click.echo(path)
    click.echo(retrained.settings)
    click.echo(retrained.sentence)
