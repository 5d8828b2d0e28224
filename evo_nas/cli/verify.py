"""``verify``: whether a run is what its strategy asked for."""

from __future__ import annotations

import click


@click.command()
@click.argument("run")
def verify(run: str) -> None:
    """Derives every genome of RUN again and compares.

    Leaves with exit code 1 if one differs.
    """
    from evo_nas.experiment import Experiment
    from evo_nas.ledger import read_history
    from evo_nas.strategies.replay import verify as mismatches_of

    history = read_history(run)
    mismatches = list(mismatches_of(Experiment.of_run(run).strategy(), history.told, history.in_flight))
    for mismatch in mismatches:
        recorded, derived = mismatch.recorded, mismatch.derived
        click.echo(f"#{mismatch.candidate}: {mismatch.field} is {recorded}, but derived again {derived}")
    if mismatches:
        raise SystemExit(1)
    candidates = len(history.told) + len(history.in_flight)
    click.echo(f"{run} is verified: all {candidates:,} candidates were derived again from the log")
