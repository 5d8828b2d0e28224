from __future__ import annotations

from dataclasses import replace

import pytest

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Status
from evo_nas.replay import Recording, Replayer
from tests.replay.samples import EPOCHS, candidate, failing, recording

REPLAYER = Replayer({"a": [recording(1.0)], "b": [recording(2.0, second_s=3.0)], "dead": [failing(4)]})


def test_a_complete_training_is_repeated_as_it_was_recorded() -> None:
    outcome = REPLAYER(candidate("b"))
    assert outcome.status is Status.OK
    assert outcome.fitness == pytest.approx(-2.0)
    assert outcome.metrics == {"validation_nll": pytest.approx(2.0)}
    assert (outcome.epochs, outcome.parameters, outcome.train_s, outcome.cpu_s) == (EPOCHS, 7, 27.0, 27.0)


def test_the_fitness_is_that_of_the_best_epoch() -> None:
    rising = Recording((3.0, 1.0, 2.0), (1.0,) * 3, "validation_nll", higher_is_better=False)
    falling = replace(rising, higher_is_better=True)
    assert Replayer({"a": [rising]})(candidate(budget=3)).fitness == -1.0
    assert Replayer({"a": [falling]})(candidate(budget=3)).fitness == 3.0


def test_fewer_epochs_are_the_beginning_of_the_curve() -> None:
    outcome = REPLAYER(candidate(budget=3))
    assert (outcome.status, outcome.epochs, outcome.fitness, outcome.train_s) == (
        Status.OK,
        3,
        pytest.approx(-7.0),
        3.0,
    )


def test_a_training_below_the_threshold_ends_at_its_rung_and_is_scored_there() -> None:
    outcome = REPLAYER(candidate(rungs=(3, 6), thresholds=(-8.0, -3.0)))
    assert (outcome.status, outcome.epochs, outcome.train_s) == (Status.PRUNED, 6, 6.0)
    assert outcome.fitness == pytest.approx(-4.0)
    assert len(outcome.curve) == 6


def test_a_training_that_reaches_its_thresholds_is_not_pruned() -> None:
    outcome = REPLAYER(candidate(rungs=(3, 6), thresholds=(-8.0, -4.5)))
    assert (outcome.status, outcome.epochs, outcome.weights) == (Status.OK, EPOCHS, "")


def test_a_rung_without_a_threshold_prunes_nothing() -> None:
    assert REPLAYER(candidate(rungs=(3, 6), thresholds=(-8.0,))).status is Status.OK


def test_a_continued_training_takes_only_what_is_left_and_has_the_whole_curve() -> None:
    pruned = REPLAYER(candidate("b", rungs=(3,), thresholds=(0.0,)))
    continued = candidate("b", id=5, continues=0, starts_from=pruned.weights)
    assert (pruned.epochs, pruned.train_s) == (3, 9.0)
    assert REPLAYER(continued).train_s == 18.0
    assert REPLAYER(continued).curve == REPLAYER(candidate("b")).curve


def test_a_continued_training_is_not_pruned_again_where_it_was() -> None:
    pruned = REPLAYER(candidate(rungs=(3,), thresholds=(0.0,)))
    again = candidate(continues=0, starts_from=pruned.weights, rungs=(3, 6), thresholds=(0.0, 0.0))
    assert (REPLAYER(again).status, REPLAYER(again).epochs, REPLAYER(again).train_s) == (
        Status.PRUNED,
        6,
        3.0,
    )


def test_without_its_weights_a_continued_training_takes_its_whole_time() -> None:
    assert REPLAYER(candidate(continues=0)).train_s == EPOCHS


def test_a_failure_takes_the_time_until_then_and_keeps_its_curve() -> None:
    outcome = REPLAYER(candidate("dead"))
    assert (outcome.status, outcome.fitness, outcome.train_s) == (Status.DIVERGED, None, 5.0)
    assert (len(outcome.curve), outcome.error) == (4, "loss is nan")


def test_a_failure_between_two_epochs_takes_no_further_one() -> None:
    assert Replayer({"a": [failing(4, started=False)]})(candidate()).train_s == 4.0


def test_a_rung_before_the_failure_prunes_it() -> None:
    outcome = REPLAYER(candidate("dead", rungs=(2,), thresholds=(-1.0,)))
    assert (outcome.status, outcome.fitness, outcome.train_s) == (Status.PRUNED, -8.0, 2.0)


def test_the_seed_chooses_among_several_recordings() -> None:
    replayer = Replayer({"a": [recording(1.0), recording(2.0)]})
    assert {replayer(candidate(seed=seed)).fitness for seed in range(4)} == {-1.0, -2.0}


def test_cpu_seconds_are_the_recorded_share() -> None:
    replayer = Replayer({"a": [replace(recording(1.0), cpu_share=0.5)]})
    assert replayer(candidate()).cpu_s == EPOCHS / 2


def test_what_was_not_recorded_is_refused() -> None:
    with pytest.raises(ConfigError, match="candidate 0 is other, which was not recorded"):
        REPLAYER(candidate("other"))
    with pytest.raises(ConfigError, match="trained for 10 epochs, but was recorded for 9"):
        REPLAYER.duration_s(candidate(budget=10))


def test_a_recording_has_a_time_for_every_epoch() -> None:
    with pytest.raises(ValueError, match="a curve of 3 epochs has 2 times"):
        Recording((1.0, 2.0, 3.0), (1.0, 1.0), "validation_nll", higher_is_better=False)
