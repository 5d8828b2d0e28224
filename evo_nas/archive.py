"""The best evaluations of a whole history."""

from __future__ import annotations

from heapq import nlargest
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evo_nas.evaluation import Evaluation, Standing


class Archive:
    """Ranks the evaluations that it is given: by fitness, then by lower validation loss, then by the order of telling.

    It ignores evaluations that are not complete.

    Args:
        size: How many evaluations are kept, at least 1.
    """

    def __init__(self, size: int = 1) -> None:
        self._size = size
        self._ranking: list[Evaluation] = []

    def update(self, evaluations: Iterable[Evaluation]) -> None:
        """Adds evaluations, given in the order in which they were told."""
        complete = (evaluation for evaluation in evaluations if evaluation.is_complete)
        # `nlargest` is stable: earlier evaluations come first here, so that they win among equals.
        self._ranking = nlargest(self._size, chain(self._ranking, complete), key=_standing)

    @property
    def ranking(self) -> Sequence[Evaluation]:
        """The best evaluations, best first."""
        return tuple(self._ranking)

    @property
    def best(self) -> Evaluation | None:
        """The best evaluation; None before the first complete one."""
        return self._ranking[0] if self._ranking else None


def _standing(evaluation: Evaluation) -> Standing:
    standing = evaluation.standing
    assert standing is not None, "only complete evaluations are ranked"
    return standing
