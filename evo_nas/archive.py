"""The best evaluations of a whole history, however many it has."""

from __future__ import annotations

from heapq import nsmallest
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evo_nas.evaluation import Evaluation


class Archive:
    """Keeps the best evaluations that it was shown: by fitness, then fewer parameters, then told earlier.

    Evaluations that are not complete do not compete.

    Args:
        size: How many evaluations are kept, at least 1.
    """

    def __init__(self, size: int = 1) -> None:
        self._size = size
        self._ranking: list[Evaluation] = []

    def update(self, evaluations: Iterable[Evaluation]) -> None:
        """Takes in evaluations, in the order in which they were told."""
        complete = (evaluation for evaluation in evaluations if evaluation.is_complete)
        # Those told before come first, since of equals `nsmallest` keeps the first.
        self._ranking = nsmallest(self._size, chain(self._ranking, complete), key=_rank)

    @property
    def ranking(self) -> Sequence[Evaluation]:
        """The best evaluations, best first."""
        return tuple(self._ranking)

    @property
    def best(self) -> Evaluation | None:
        """The best evaluation; None before the first complete one."""
        return self._ranking[0] if self._ranking else None


def _rank(evaluation: Evaluation) -> tuple[float, int]:
    assert evaluation.fitness is not None
    return -evaluation.fitness, evaluation.outcome.parameters
