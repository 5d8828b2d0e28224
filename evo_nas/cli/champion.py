"""``champion``: chooses, tunes and retrains the champion of a run beside its opponents, and judges them."""

from __future__ import annotations

import click

from evo_nas.cli.options import address, as_json, inline, trainings_at_once
from evo_nas.cli.sources import source_option

ALL = "all"


@click.command()
@click.argument("run")
@click.option(
    "--finalists",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="Finalists that are judged.",
)
@click.option(
    "--cuts",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Trainings that judge each of them.",
)
@click.option(
    "--trials",
    type=click.IntRange(1, 12),
    default=8,
    show_default=True,
    help="Settings tried for each contestant.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="Networks that are kept of each.",
)
@click.option(
    "--most-seeds",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="So many where fewer cannot tell champion and opponents apart.",
)
@click.option(
    "--opponents",
    default=ALL,
    show_default=True,
    metavar="NAMES",
    help="Cells with commas between: lstm, gru, mingru, rnn_tanh, rnn_sigmoid; or all of them.",
)
@click.option(
    "--random",
    "at_random",
    is_flag=True,
    help="Also search at random with as many evaluations, and let the best network be an opponent.",
)
@click.option(
    "--tuned",
    is_flag=True,
    help="Also try the best settings that evo-nas tune has found, if it has for the champion and every opponent.",
)
@trainings_at_once
@inline
@address(required=False)
@source_option
@as_json
@click.pass_context
def champion(  # noqa: PLR0913 - one for each option
    context: click.Context,
    run: str,
    *,
    finalists: int,
    cuts: int,
    trials: int,
    seeds: int,
    most_seeds: int,
    opponents: str,
    at_random: bool,
    tuned: bool,
    workers: int | None,
    inline: bool,
    address: str | None,
    as_json: bool,
) -> None:
    """Judges the best networks of RUN again, and retrains the champion beside opponents of its size.

    All of them are tuned with the same trials and trained with the same seeds; what is kept of each is the mean of its
    networks, and what is told are the scores of exactly that. Each training is kept when it is made: the same command
    goes on where it was stopped. Trainings run on as many workers as the search had, with --address in a cluster.
    """
    from evo_nas.champion.opponents import OPPONENTS, RANDOM
    from evo_nas.cli.formatting import working_in_words
    from evo_nas.cli.sent import is_sent
    from evo_nas.cli.sources import source
    from evo_nas.cli.terminal import plain_console
    from evo_nas.cli.verdict_view import verdict_view
    from evo_nas.config import VerdictOptions, checked
    from evo_nas.sessions.events import Judged, Working, event_to_json

    if is_sent(context, run, address):
        return
    names = list(OPPONENTS) if opponents == ALL else [name.strip() for name in opponents.split(",")]
    values = {
        "finalists": finalists,
        "cuts": cuts,
        "trials": trials,
        "seeds": seeds,
        "most_seeds": max(seeds, most_seeds),
        "opponents": [*names, *[RANDOM] * (at_random and RANDOM not in names)],
    }
    options = checked(VerdictOptions, values, at="verdict")
    errors = plain_console(stderr=True)
    for event in source().judge(run, options, tuned=tuned, workers=workers, inline=inline, address=address):
        if as_json:
            click.echo(event_to_json(event))
        elif isinstance(event, Working):
            errors.print(working_in_words(event))
        elif isinstance(event, Judged):
            plain_console().print(verdict_view(event.verdict))
