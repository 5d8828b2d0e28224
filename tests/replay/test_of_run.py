"""A finished run is replayed with other rungs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evo_nas.config import configured
from evo_nas.errors import ConfigError, RunError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.replay.of_run import RunReplay, rungs_of
from tests.replay.samples import rungs

EPOCHS = 9
RUNGS = rungs(3, reduction=3)


def evaluation(
    number: int, fitness: float, *, status: Status = Status.OK, epochs: int = EPOCHS, **values: Any
) -> Evaluation:
    """Returns a training of 18 s whose accuracy rises to ``fitness``."""
    known = {
        "genome": (number,), "canonical_hash": f"{number:032x}", "parents": (), "operator": "random", "seed": 1,
        "budget": EPOCHS, "asked_after": 0,
    }  # fmt: skip
    scores = {
        "fitness": fitness, "metrics": {"validation_accuracy": fitness}, "metric": "validation_accuracy",
    } if status.scored else {}  # fmt: skip
    curve = tuple(fitness * (epoch + 1) / EPOCHS for epoch in range(epochs))
    outcome = Outcome(status, curve=curve, epochs=epochs, train_s=18.0, cpu_s=9.0, **scores)
    return Evaluation(Candidate(number, **(known | values)), outcome)


RUN = [evaluation(number, 0.05 * number) for number in range(12)]


def test_rungs_spare_training_and_keep_the_best() -> None:
    replayed = RunReplay(RUN, seed=1).with_rungs(RUNGS, workers=2)
    assert (replayed.full_train_s, replayed.full_cpu_s, replayed.full_wall_s) == (
        12 * 18.0,
        12 * 9.0,
        6 * 18.0,
    )
    assert replayed.complete + replayed.pruned == 12
    assert replayed.train_s == replayed.complete * 18.0 + replayed.pruned * 6.0 < replayed.full_train_s
    assert replayed.cpu_s == replayed.train_s / 2
    assert replayed.wall_s < replayed.full_wall_s
    assert replayed.best is replayed.kept is RUN[11]
    assert (replayed.regret, replayed.is_best_kept) == (0.0, True)


def late_bloomer() -> Evaluation:
    best = evaluation(12, 0.9)
    return replace(best, outcome=replace(best.outcome, curve=(0.0,) * 8 + (0.9,)))


def test_what_is_pruned_although_it_is_the_best_is_a_regret() -> None:
    replayed = RunReplay([*RUN, late_bloomer()], seed=1).with_rungs(RUNGS, workers=1)
    assert replayed.kept is RUN[11]
    assert replayed.regret == pytest.approx(0.9 - 0.55)
    assert not replayed.is_best_kept


def test_of_few_candidates_only_the_first_is_trained_to_the_end() -> None:
    replayed = RunReplay(RUN[:2], seed=1).with_rungs(RUNGS, workers=1)
    assert (replayed.complete, replayed.kept) == (1, RUN[0])
    assert replayed.regret == pytest.approx(0.05)


def test_where_none_is_trained_to_the_end_the_furthest_is_chosen() -> None:
    failed = evaluation(0, 0.0, status=Status.DIVERGED, epochs=1)
    replayed = RunReplay([failed, RUN[1]], seed=1).with_rungs(RUNGS, workers=1)
    assert (replayed.complete, replayed.kept, replayed.regret, replayed.is_best_kept) == (
        0,
        RUN[1],
        0.0,
        False,
    )


def test_another_order_is_replayed_repeatably() -> None:
    replay = RunReplay(RUN, seed=1)
    orders = [replay.with_rungs(RUNGS, workers=1, shuffled=draw) for draw in range(4)]
    assert orders == [replay.with_rungs(RUNGS, workers=1, shuffled=draw) for draw in range(4)]
    assert len({each.train_s for each in orders}) > 1


def test_failures_and_repeated_trainings_are_no_obstacle() -> None:
    failed = evaluation(12, 0.0, status=Status.DIVERGED, epochs=1)
    repeated = evaluation(13, 0.9, repeats=3)
    replay = RunReplay([*RUN, failed, repeated], seed=1)
    replayed = replay.with_rungs(RUNGS, workers=1)
    assert replay.candidates == 13
    assert replayed.full_train_s == 13 * 18.0
    assert replayed.kept is RUN[11]


def pruned(number: int, fitness: float) -> Evaluation:
    """Returns a training that the run pruned after 3 of 9 epochs and 6 of 18 s, when it had ``fitness``."""
    begun = evaluation(number, 3 * fitness, status=Status.PRUNED, epochs=3)
    return replace(
        begun,
        outcome=replace(
            begun.outcome, fitness=fitness, train_s=6.0, metrics={"validation_accuracy": fitness}
        ),
    )


def test_a_training_that_the_run_pruned_counts_as_no_better_than_it_was() -> None:
    replay = RunReplay([*RUN, pruned(12, 0.01)], seed=1)
    replayed = replay.with_rungs(RUNGS, workers=1)
    assert (replay.unfinished, replayed.beyond) == (1, 0)
    assert replayed.full_train_s == 13 * 18.0
    assert replayed.kept is replayed.best is RUN[11]
    beyond = RunReplay([*RUN, pruned(12, 0.5)], seed=1).with_rungs(RUNGS, workers=1)
    assert beyond.beyond == 1
    assert beyond.best is RUN[11]


def test_a_training_that_went_on_from_a_rung_is_one_training() -> None:
    begun = pruned(12, 0.3)
    continued = evaluation(13, 0.9, continues=12, canonical_hash=begun.candidate.canonical_hash)
    continued = replace(continued, outcome=replace(continued.outcome, train_s=12.0, cpu_s=6.0))
    replay = RunReplay([*RUN, begun, continued], seed=1)
    replayed = replay.with_rungs(RUNGS, workers=1)
    assert (replay.candidates, replay.unfinished) == (13, 0)
    assert (replayed.full_train_s, replayed.full_cpu_s) == (13 * 18.0, pytest.approx(12 * 9.0 + 15.0))
    assert replayed.best is replayed.kept is continued


def test_a_failure_is_worse_than_what_was_scored_also_for_a_loss() -> None:
    def with_loss(each: Evaluation) -> Evaluation:
        losses = tuple(5 - value for value in each.outcome.curve)
        scores = {
            "fitness": -losses[-1],
            "metrics": {"validation_mse": losses[-1]},
            "metric": "validation_mse",
        }
        return replace(each, outcome=replace(each.outcome, curve=losses, **scores))

    diverged = evaluation(12, 0.0, status=Status.DIVERGED, epochs=4)
    diverged = replace(diverged, outcome=replace(diverged.outcome, curve=(9.0, 9.0, 9.0, 99.0)))
    replayed = RunReplay([*map(with_loss, RUN), diverged], seed=1).with_rungs(RUNGS, workers=1)
    assert replayed.kept is not None
    assert replayed.kept.candidate.id == 11
    assert replayed.pruned + replayed.complete == 13


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([], "no training is complete"),
        ([*RUN, evaluation(12, 0.1, budget=20)], "trained for 9, 20 epochs"),
        ([*RUN, evaluation(12, 0.1, epochs=4)], "candidate 12 has a curve of 4 epochs and a budget of 9"),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_its_reason(told: list[Evaluation], message: str) -> None:
    with pytest.raises(RunError, match=message):
        RunReplay(told, seed=1)


def test_inherited_weights_cannot_be_replayed() -> None:
    inherited = replace(RUN[3], outcome=replace(RUN[3].outcome, inherited_steps=5))
    with pytest.raises(RunError, match="inherited weights"):
        RunReplay([*RUN[:3], inherited], seed=1)


def test_rungs_that_do_not_suit_the_epochs_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"fitness\.rungs is \[3, 9\]"):
        RunReplay(RUN, seed=1).with_rungs(rungs(3, 9), workers=1)


CONFIG = configured(
    {"name": "a", "task": {"kind": "digits"}, "fitness": {"rungs": None, "repeats": 0.2, "confirm": True}}
)


def test_only_what_concerns_the_rungs_is_taken_from_the_fitness() -> None:
    fitness = rungs_of(CONFIG, ["fitness.reduction=4"])
    assert (fitness.rungs, fitness.reduction, fitness.repeats, fitness.confirm) == ("auto", 4, 0.0, False)
    assert rungs_of(CONFIG, ["fitness.rungs=[2,6]"]).rungs == (2, 6)


@pytest.mark.parametrize("override", ["training.epochs=20", "fitness.repeats=0.1", "seed=3", "fitness"])
def test_an_override_that_needs_other_trainings_is_refused(override: str) -> None:
    with pytest.raises(
        ConfigError, match="cannot be replayed, since it needs trainings that were not recorded"
    ):
        rungs_of(CONFIG, [override])
