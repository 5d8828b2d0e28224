import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status


@pytest.mark.parametrize("status", [status for status in Status if not status.scored])
def test_a_failure_cannot_carry_a_fitness(status):
    with pytest.raises(ValueError, match="fitness"):
        Outcome(status, fitness=0.5)


@pytest.mark.parametrize("status", [Status.OK, Status.PRUNED])
def test_a_score_must_carry_a_fitness(status):
    with pytest.raises(ValueError, match="fitness None"):
        Outcome(status)


def test_the_score_of_a_whole_training_is_complete_and_nothing_else_is():
    candidate = Candidate(0, (), "", (), "random", 0, budget=1, asked_after=0)
    outcomes = [Outcome(status, fitness=0.5 if status.scored else None) for status in Status]
    complete = [each.status for outcome in outcomes if (each := Evaluation(candidate, outcome)).is_complete]
    assert complete == [Status.OK]
