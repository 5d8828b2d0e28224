"""The best of a whole history."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evo_nas.archive import Archive, Lead
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.strategies.noise import Noise


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
    return [trial.candidate.id for trial in archive.ranking]


def repeated(number: int, fitness: float | None, *, of: int) -> Evaluation:
    candidate = Candidate(
        number, (of,), f"{of:032x}", (of,), "confirmation", number, budget=1, asked_after=0, repeats=of
    )
    status = Status.DIVERGED if fitness is None else Status.OK
    return Evaluation(candidate, Outcome(status, fitness=fitness, metrics={"validation_loss": 1.0}))


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


@pytest.mark.parametrize("status", [status for status in Status if not status.scored])
def test_only_scores_compete(status: Status) -> None:
    archive = Archive()
    archive.update([evaluation(0, 9.0, status=status)])
    assert archive.best is None
    archive.update([evaluation(1, 1.0), evaluation(2, 9.0, status=status)])
    assert ids(archive) == [1]


def pruned(number: int, fitness: float, *, at: int) -> Evaluation:
    complete = evaluation(number, fitness, status=Status.PRUNED)
    return replace(complete, outcome=replace(complete.outcome, epochs=at))


def test_a_training_that_went_further_stands_above_one_that_was_pruned_whatever_their_fitness() -> None:
    archive = Archive(size=4)
    archive.update([pruned(0, 0.9, at=2), pruned(1, 0.5, at=6), pruned(2, 0.95, at=2)])
    assert ids(archive) == [1, 2, 0]
    archive.update([evaluation(3, 0.1)])
    assert ids(archive) == [3, 1, 2, 0]


def test_a_promoted_training_takes_the_place_of_its_beginning() -> None:
    archive = Archive(size=4)
    archive.update([pruned(0, 0.9, at=2), pruned(1, 0.95, at=2)])
    promoted = pruned(2, 0.93, at=6)
    archive.update([replace(promoted, candidate=replace(promoted.candidate, continues=0))])
    assert ids(archive) == [0, 1]
    assert archive.best is not None
    assert (archive.best.main.candidate.id, archive.best.fitness) == (2, 0.93)


def inherited(number: int, fitness: float) -> Evaluation:
    scratch = evaluation(number, fitness)
    return replace(scratch, outcome=replace(scratch.outcome, inherited_steps=100))


def test_inherited_and_from_scratch_are_ranked_one_after_the_other() -> None:
    archive = Archive(size=4)
    archive.update([evaluation(0, 0.9), inherited(1, 0.5), evaluation(2, 0.7), inherited(3, 0.8)])
    assert ids(archive) == [0, 2, 3, 1]


def test_what_went_further_from_scratch_is_above_an_inherited_one_that_was_pruned() -> None:
    archive = Archive(size=4)
    short = pruned(1, 0.99, at=2)
    archive.update([replace(short, outcome=replace(short.outcome, inherited_steps=9)), evaluation(0, 0.9)])
    assert ids(archive) == [0, 1]


def test_a_lucky_first_score_does_not_win_over_a_confirmed_mean() -> None:
    archive = Archive(size=3)
    archive.update(evaluation(number, fitness) for number, fitness in enumerate((0.99, 0.97, 0.95)))
    archive.update([repeated(3, 0.93, of=0), repeated(4, 0.98, of=1)])
    assert ids(archive) == [1, 0, 2]
    assert archive.best is not None
    assert archive.best.fitness == pytest.approx(0.975)
    assert archive.best.trainings == 2


def test_one_that_loses_its_place_makes_room_for_one_that_was_behind_it() -> None:
    archive = Archive()
    archive.update([evaluation(0, 0.99), evaluation(1, 0.97), repeated(2, 0.5, of=0)])
    assert ids(archive) == [1]


def test_a_candidate_that_fails_with_another_seed_is_not_ranked() -> None:
    archive = Archive()
    archive.update([evaluation(0, 0.99), evaluation(1, 0.5), repeated(2, None, of=0)])
    assert ids(archive) == [1]
    assert archive.report.unstable == 1


def test_the_report_says_whether_the_lead_is_noise() -> None:
    archive = Archive()
    archive.update(evaluation(number, 0.8) for number in range(3))
    assert archive.report.lead is None
    for number in range(3):
        archive.update(
            [replace(repeated(3 + number, 0.81, of=number), candidate=unbiased(3 + number, number))]
        )
    archive.update([evaluation(6, 0.9), evaluation(7, 0.895), evaluation(8, 0.7)])
    assert archive.report.seeds == Noise(pytest.approx(0.01 / 2**0.5), pairs=3)
    assert archive.report.lead == Lead(6, 7, pytest.approx(0.005), is_noise=True)
    archive.update([evaluation(9, 0.95)])
    assert archive.report.lead == Lead(9, 6, pytest.approx(0.05), is_noise=False)


def unbiased(number: int, of: int) -> Candidate:
    return replace(repeated(number, 0.0, of=of).candidate, operator="repeat")


def test_the_memory_of_an_archive_is_bounded() -> None:
    archive = Archive(size=2)
    archive.update(evaluation(number, float(number % 500)) for number in range(3000))
    assert ids(archive) == [499, 999]
