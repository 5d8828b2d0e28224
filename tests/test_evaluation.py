import pytest

from evo_nas.evaluation import Outcome, Status


@pytest.mark.parametrize("status", [status for status in Status if not status.scored])
def test_a_failure_cannot_carry_a_fitness(status):
    with pytest.raises(ValueError, match="fitness"):
        Outcome(status, fitness=0.5)


@pytest.mark.parametrize("status", [Status.OK, Status.PRUNED])
def test_a_score_must_carry_a_fitness(status):
    with pytest.raises(ValueError, match="fitness None"):
        Outcome(status)
