"""How often each operator of a run was used, and what its children achieved."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.evaluation import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.runs.rows import Row


@dataclass(frozen=True, slots=True)
class OperatorTally:
    """The children of one operator.

    Attributes:
        operator: Its name.
        children: How many children it made, alone or with other operators.
        share: Their part of all children, 0 to 1; a child of two operators counts for both.
        better: Those that score higher than each of their parents, by the mean of all full trainings that began as the
            first one of the child did: from scratch, or with inherited weights.
        failed: Those without a score.
    """

    operator: str
    children: int
    share: float
    better: int
    failed: int


COLUMNS = ("id", "operator", "parents", "status", "fitness", "repeats", "continues", "inherited_steps")


def tally_operators(evaluations: Iterable[Row]) -> list[OperatorTally]:
    """Returns the operators of a run, the most used first, from the `COLUMNS` of its evaluations in order.

    Candidates without parents have no operator, and a training that repeats or continues another is no child. Nor is
    what a long training has found, which has no score that a child could beat.
    """
    rows = [tuple(row[name] for name in COLUMNS) for row in evaluations]
    first: dict[int, int] = {}
    inherits: dict[int, bool] = {}
    # By candidate and start, since nothing ranks what inherited with what did not.
    scores: defaultdict[tuple[int, bool], list[float]] = defaultdict(list)
    for number, _, _, status, fitness, repeats, continues, steps in rows:
        earlier = repeats if continues is None else continues
        first[number] = number if earlier is None else first.get(earlier, earlier)
        if status == Status.OK:
            scores[first[number], steps > 0].append(fitness)
            inherits.setdefault(first[number], steps > 0)
    means = {key: statistics.fmean(values) for key, values in scores.items()}
    children: defaultdict[str, list[tuple[bool, bool]]] = defaultdict(list)
    long_trainings = {number for number, _, _, status, *_ in rows if status == Status.TRAINED}
    total = 0
    for number, operator, parents, status, *_ in rows:
        if not parents or first[number] != number or not long_trainings.isdisjoint(parents):
            continue
        total += 1
        start = inherits.get(number, False)
        known = [means[parent, start] for parent in parents if (parent, start) in means]
        is_better = (number, start) in means and bool(known) and means[number, start] > max(known)
        for name in operator.split("+"):
            children[name].append((is_better, Status(status).failed))
    tallies = [
        OperatorTally(
            operator=name,
            children=len(made),
            share=len(made) / total,
            better=sum(is_better for is_better, _ in made),
            failed=sum(has_failed for _, has_failed in made),
        )
        for name, made in children.items()
    ]
    return sorted(tallies, key=lambda tally: (-tally.children, tally.operator))
