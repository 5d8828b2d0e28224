"""``verify``: checks the files of a run and derives its candidates again."""

from __future__ import annotations

import click


@click.command()
@click.argument("run")
def verify(run: str) -> None:
    """Checks every file of RUN, derives every genome again and compares it with the recorded one.

    Candidates after an accepted loss of data cannot be derived. Results that were remembered are compared with the
    runs that they come from. The exit code is 1 if a genome or a remembered result differs, or a file is damaged.
    """
    from evo_nas.experiment import Experiment
    from evo_nas.runs import Run
    from evo_nas.runs.memory import differences_from_sources
    from evo_nas.strategies.verification import derivable
    from evo_nas.strategies.verification import verify as mismatches_of

    verified = Run.at(run)
    damage = list(verified.damage())
    for line in damage:
        click.echo(f"{run}: {line}")
    if damage:
        raise SystemExit(1)
    history = verified.history()
    different, unreachable = differences_from_sources(history.told)
    for line in unreachable:
        click.echo(f"remembered results cannot be compared: {line}", err=True)
    for line in different:
        click.echo(f"{run}: {line}")
    if different:
        raise SystemExit(1)
    told, in_flight = derivable(history.told, history.in_flight, lost=history.lost)
    mismatches = list(mismatches_of(Experiment.of_run(verified).strategy(verified), told, in_flight))
    for mismatch in mismatches:
        recorded, derived = mismatch.recorded, mismatch.derived
        click.echo(f"#{mismatch.candidate}: {mismatch.field} is {recorded}, but {derived} when derived again")
    if mismatches:
        raise SystemExit(1)
    derived, candidates = len(told) + len(in_flight), len(history.told) + len(history.in_flight)
    if not history.lost:
        click.echo(f"{run} is verified: all {candidates:,} candidates were derived again from the log")
        return
    lost = ", ".join(f"{first:,} to {last:,}" for first, last in history.lost)
    click.echo(
        f"{run} is verified as far as can be: {derived:,} of {candidates:,} candidates were derived again from "
        f"the log; the others were asked after evaluations were lost ({lost}), which was accepted"
    )
