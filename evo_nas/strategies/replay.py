"""Verification: whether the candidates of a run are the ones its strategy asks for, given its log."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from evo_nas.evaluation import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.strategies.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A field of a recorded candidate that differs from what the strategy asks for."""

    candidate: int
    field: str
    recorded: object
    derived: object


def verify(
    strategy: Strategy, told: Sequence[Evaluation], in_flight: Sequence[Candidate]
) -> Iterator[Mismatch]:
    """Asks a fresh ``strategy`` again for every candidate of a run and yields what differs.

    Each candidate is asked when as many evaluations have been told as when it was asked first. Ends at the
    first candidate that differs, since everything after it would.

    Args:
        strategy: Configured as the run's was.
        told: Evaluations in the order of telling.
        in_flight: Candidates that were asked and not told.
    """
    recorded = sorted((*(evaluation.candidate for evaluation in told), *in_flight), key=lambda each: each.id)
    position = 0
    for number, candidate in enumerate(recorded):
        news = told[position : candidate.asked_after]
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


def _compare(recorded: Candidate, asked: Sequence[Candidate]) -> Iterator[Mismatch]:
    if not asked:
        yield Mismatch(recorded.id, "genome", recorded=recorded.genome, derived=None)
        return
    for field in fields(Candidate):
        ours, theirs = getattr(recorded, field.name), getattr(asked[0], field.name)
        if ours != theirs:
            yield Mismatch(recorded.id, field.name, recorded=ours, derived=theirs)
