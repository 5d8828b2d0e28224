"""``verify``: whether a run is whole, and what its strategy asked for."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.ledger import History


@click.command()
@click.argument("run")
def verify(run: str) -> None:
    """Checks every file of RUN, derives every genome again and compares.

    What came after a loss that was accepted cannot be derived. Leaves with exit code 1 if a genome differs or a file is
    damaged.
    """
    from evo_nas.experiment import Experiment
    from evo_nas.runs import Run
    from evo_nas.strategies.replay import verify as mismatches_of

    verified = Run.at(run)
    damage = list(verified.damage())
    history = verified.history()
    told, in_flight = _derivable(history)
    mismatches = list(mismatches_of(Experiment.of_run(verified).strategy(), told, in_flight))
    for mismatch in mismatches:
        recorded, derived = mismatch.recorded, mismatch.derived
        click.echo(f"#{mismatch.candidate}: {mismatch.field} is {recorded}, but derived again {derived}")
    for line in damage:
        click.echo(f"{run}: {line}")
    if mismatches or damage:
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


def _derivable(history: History) -> tuple[list[Evaluation], list[Candidate]]:
    """Returns what was told before the first accepted loss, and what else had been asked without a gap by then."""
    if not history.lost:
        return history.told, history.in_flight
    before = min(first for first, _ in history.lost)
    told = history.told[:before]
    asked = {evaluation.candidate.id: evaluation.candidate for evaluation in history.told[before:]}
    asked |= {candidate.id: candidate for candidate in history.in_flight}
    in_flight = {number: each for number, each in asked.items() if each.asked_after <= before}
    known = in_flight.keys() | {evaluation.candidate.id for evaluation in told}
    whole = next(number for number in count() if number not in known)
    return (
        [evaluation for evaluation in told if evaluation.candidate.id < whole],
        [candidate for number, candidate in in_flight.items() if number < whole],
    )
