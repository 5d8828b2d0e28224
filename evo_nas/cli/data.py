"""``data``: shows how the data of a configuration were understood."""

from __future__ import annotations

import json
from pathlib import Path

import click

from evo_nas.cli.options import as_one_json, overrides, picture_option
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@overrides
@click.option("--baselines/--no-baselines", default=True, help="Whether to fit the baselines.")
@click.option(
    "--baseline-limit",
    "limit_s",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Begin no further baseline after this time.",
)
@picture_option("the data")
@source_option
@as_one_json
def data(
    config: Path,
    *,
    overrides: tuple[str, ...],
    baselines: bool,
    limit_s: float,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Shows how the data of CONFIG were understood, and the baselines that a search has to beat.

    It shows the roles of the columns, the parts and their shapes, classes, lengths, a few samples, and the test metric
    of simple baselines with the seconds that each took. It does not search, and writes no files but a picture.
    """
    from evo_nas.cli.sources import source
    from evo_nas.cli.terminal import plain_console
    from evo_nas.config import load_config

    look = source().look(load_config(config, overrides), baselines=baselines, limit_s=limit_s)
    if picture is not None:
        from evo_nas.cli.drawing_files import write_drawing

        write_drawing(look.picture(), picture)
    if as_json:
        click.echo(json.dumps(look.fields()))
    else:
        plain_console().print(look.view())
