"""Verifies that the candidates of a run are those that its strategy asks for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import count
from typing import TYPE_CHECKING

from evo_nas.evaluation import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.strategies.strategy import Strategy, StrategyOptions


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A field of a recorded candidate that differs from what the strategy asks for."""

    candidate: int
    field: str
    recorded: object
    derived: object


def verify(
    strategy: Strategy[StrategyOptions], told: Sequence[Evaluation], in_flight: Sequence[Candidate]
) -> Iterator[Mismatch]:
    """Asks a new ``strategy`` for every candidate of a run again and yields the differences.

    Each candidate is asked again after as many evaluations as were told when it was asked first. Ends at the
    first candidate that differs, since all later ones would differ, too.

    Args:
        strategy: A strategy with the configuration of the run that was not asked yet.
        told: Evaluations in the order of telling.
        in_flight: Candidates that were asked and not told.
    """
    recorded = sorted((*(evaluation.candidate for evaluation in told), *in_flight), key=lambda each: each.id)
    strategy.follow(recorded)
    position = 0
    for number, candidate in enumerate(recorded):
        news = told[position : candidate.asked_after]
        # A told evaluation of a candidate that was not asked yet shows that the log was reordered.
        known_before_asked = all(evaluation.candidate.id < number for evaluation in news)
        if candidate.id != number or len(news) != candidate.asked_after - position or not known_before_asked:
            yield Mismatch(candidate.id, "order", recorded=candidate.asked_after, derived=position)
            return
        strategy.tell(news)
        position = candidate.asked_after
        mismatches = list(_compare(candidate, strategy.ask(1)))
        yield from mismatches
        if mismatches:
            return


def derivable(
    told: Sequence[Evaluation], in_flight: Sequence[Candidate], *, lost: Sequence[tuple[int, int]]
) -> tuple[Sequence[Evaluation], Sequence[Candidate]]:
    """Returns the part of a history that `verify` can derive: told evaluations and candidates in flight.

    Candidates that were asked after evaluations were lost cannot be derived, since the strategy had learned from
    these evaluations.

    Args:
        told: Evaluations in the order of telling, without the lost ones.
        in_flight: Candidates that were asked and not told.
        lost: Ranges ``(first, last)`` of places in the order of telling whose loss was accepted.
    """
    if not lost:
        return told, in_flight
    before = min(first for first, _ in lost)
    asked = {evaluation.candidate.id: evaluation.candidate for evaluation in told[before:]}
    asked |= {candidate.id: candidate for candidate in in_flight}
    asked = {number: candidate for number, candidate in asked.items() if candidate.asked_after <= before}
    known = asked.keys() | {evaluation.candidate.id for evaluation in told[:before]}
    # `verify` asks for every id in turn, so all ids before the first unknown one can be derived, and none after it.
    first_unknown = next(number for number in count() if number not in known)
    return (
        [evaluation for evaluation in told[:before] if evaluation.candidate.id < first_unknown],
        [candidate for number, candidate in asked.items() if number < first_unknown],
    )


def _compare(recorded: Candidate, asked: Sequence[Candidate]) -> Iterator[Mismatch]:
    if not asked:
        yield Mismatch(recorded.id, "genome", recorded=recorded.genome, derived=None)
        return
    for field in fields(Candidate):
        ours, theirs = getattr(recorded, field.name), getattr(asked[0], field.name)
        if ours != theirs:
            yield Mismatch(recorded.id, field.name, recorded=ours, derived=theirs)
