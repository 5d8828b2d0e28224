"""``tune``: tunes the training of one network of a run."""

from __future__ import annotations

import json
from pathlib import Path

import click

from evo_nas.cli.options import address, as_one_json, trainings_at_once
from evo_nas.cli.sources import source_option


@click.command()
@click.argument("run")
@click.option(
    "--candidate", type=int, metavar="ID", help="Tune this candidate; the leader of the search by default."
)
@click.option(
    "--cell",
    default="",
    metavar="NAME",
    help="Put this published cell in, at equal size, such as lstm or gru.",
)
@click.option(
    "--trials",
    type=click.IntRange(1, 100_000),
    default=30,
    show_default=True,
    help="Trials in all, the untuned network included.",
)
@click.option(
    "--searcher",
    default="optuna",
    show_default=True,
    help="optuna, botorch, bayesopt, hyperopt, random or grid.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Epochs of a whole trial; those of the search by default.",
)
@trainings_at_once
@address(required=False)
@source_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also train what was found with three seeds, and write it to a new directory as a champion.",
)
@as_one_json
@click.pass_context
def tune(  # noqa: PLR0913 - the options of a command
    context: click.Context,
    run: str,
    *,
    candidate: int | None,
    cell: str,
    trials: int,
    searcher: str,
    epochs: int | None,
    workers: int | None,
    address: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Tunes learning rate, schedule, optimizer, regularisation, batch size and width of the leader of RUN's search.

    Ray Tune makes the trials, with --address in a cluster, and ASHA stops those that lag behind. Trials are kept in
    RUN: the same command goes on, and more --trials add to them. The best is then compared with the same network
    untuned, and with the champion that RUN keeps, on other cuts of training and validation. The test part is not
    touched. The --out directory is one that export and predict take.
    """
    from evo_nas.champion.export import check_target
    from evo_nas.cli.sent import is_sent, refuse_file
    from evo_nas.cli.sources import source
    from evo_nas.cli.terminal import plain_console
    from evo_nas.sessions.tuning import TuningOptions

    if out is not None:
        refuse_file("--out", out, address)
        check_target(out, "native")
    if is_sent(context, run, address):
        return
    options = TuningOptions(candidate=candidate, cell=cell, trials=trials, searcher=searcher, epochs=epochs)
    view = source().tuning(run, options, out=out, workers=workers, address=address)
    if as_json:
        click.echo(json.dumps(view.to_values()))
    else:
        plain_console().print(view.render())
