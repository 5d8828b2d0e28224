"""The best of a whole history."""

from __future__ import annotations

import pytest

from evo_nas.archive import Archive
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status


def evaluation(
    number: int,
    fitness: float,
    *,
    loss: float = 1.0,
    parameters: int = 100,
    status: Status = Status.OK,
) -> Evaluation:
    candidate = Candidate(number, (number,), f"{number:032x}", (), "random", 0, budget=1, asked_after=0)
    score = fitness if status.scored else None
    return Evaluation(
        candidate, Outcome(status, fitness=score, metrics={"validation_loss": loss}, parameters=parameters)
    )


def ids(archive: Archive) -> list[int]:
    return [evaluation.candidate.id for evaluation in archive.ranking]


def test_the_best_of_all_history_are_kept_in_order() -> None:
    archive = Archive(size=3)
    for start in (0, 10, 5):
        archive.update(evaluation(number, float(number)) for number in range(start, start + 5))
    assert ids(archive) == [14, 13, 12]
    assert archive.best is archive.ranking[0]


def test_of_equal_fitness_the_lower_validation_loss_is_better() -> None:
    archive = Archive(size=3)
    losses = {0: 0.3, 1: 0.1, 2: 0.2}
    archive.update(evaluation(number, 1.0, loss=loss) for number, loss in losses.items())
    assert ids(archive) == [1, 2, 0]


def test_the_smaller_of_equals_has_no_advantage() -> None:
    archive = Archive()
    archive.update([evaluation(0, 1.0, parameters=200), evaluation(1, 1.0, parameters=100)])
    assert ids(archive) == [0]


def test_fitness_counts_before_the_validation_loss() -> None:
    archive = Archive()
    archive.update([evaluation(0, 1.0, loss=0.1), evaluation(1, 2.0, loss=9.0)])
    assert ids(archive) == [1]


@pytest.mark.parametrize("together", [True, False])
def test_of_equal_networks_the_one_told_earlier_is_better(together: bool) -> None:
    archive = Archive()
    equals = [evaluation(number, 1.0) for number in (7, 3, 5)]
    for batch in [equals] if together else [[each] for each in equals]:
        archive.update(batch)
    assert ids(archive) == [7]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_only_complete_scores_compete(status: Status) -> None:
    archive = Archive()
    archive.update([evaluation(0, 9.0, status=status)])
    assert archive.best is None
    archive.update([evaluation(1, 1.0), evaluation(2, 9.0, status=status)])
    assert ids(archive) == [1]
