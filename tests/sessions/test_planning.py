"""The plan that a search tells once it knows its pace."""

from __future__ import annotations

from typing import Any

import pytest

from evo_nas.budgets import Budget
from evo_nas.cli.formatting import planned_in_words
from evo_nas.config import SearchConfig
from evo_nas.errors import ConfigError
from evo_nas.execution.executor import Occupancy
from evo_nas.progress import Progress
from evo_nas.sessions.events import Planned
from evo_nas.sessions.planning import Planner, affordable_epochs, expected_evaluations


def progress(**changed: Any) -> Progress:
    values: dict[str, Any] = {
        "told": 4,
        "told_at_start": 0,
        "asked": 8,
        "budget": Budget(10**8, wall_s=1200.0, verdict_trainings=16),
        "by_status": {},
        "best": None,
        "fitness": {},
        "occupancy": Occupancy(workers=2, busy=2, in_flight=4),
        "elapsed_s": 40.0,
        "finished": False,
        "interrupted": False,
        "train_s": 72.0,
        "wall_s": 40.0,
        "full_s": 18.0,
    }
    return Progress(**values | changed)


def planner(**config: Any) -> Planner:
    return Planner(SearchConfig(**{"name": "small", "task": {"kind": "digits"}} | config))


def test_minutes_buy_what_fits_beside_the_verdict() -> None:
    """1200 s, less 40 s spent, 18 s for what is in flight and 16 trainings for the verdict, are 854 s: 94 a worker
    of 18 s each between two."""
    assert expected_evaluations(progress()) == 4 + 4 + int((1200 - 40 - 17 * 18) / 9)


def test_the_plan_says_what_a_candidate_takes_and_what_the_budget_buys() -> None:
    plan = planner().news(progress())
    assert plan is not None
    assert plan.verdict_s == pytest.approx(16 * 18)
    assert planned_in_words(plan) == (
        "a candidate takes about 18 s here: 102 in 15 minutes, then about 5 minutes for the champion"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.36, "0.4 s"), (9.4, "9 s"), (9.7, "10 s"), (95.0, "2 minutes"), (9000.0, "2.5 hours")],
)
def test_the_times_of_a_plan_are_said_roughly(seconds: float, text: str) -> None:
    plan = Planned(candidate_s=seconds, evaluations=10, search_s=1.0, verdict_s=1.0)
    assert f"a candidate takes about {text} here" in planned_in_words(plan)


def test_a_plan_is_told_once_and_not_before_a_pace_is_known() -> None:
    made = planner()
    assert made.news(progress(told=0, train_s=0.0, full_s=0.0)) is None
    assert made.news(progress(told=2, train_s=36.0)) is None
    assert made.news(progress()) is not None
    assert made.news(progress(told=5)) is None


def test_a_budget_of_evaluations_is_planned_as_it_is() -> None:
    assert expected_evaluations(progress(budget=Budget(40))) == 40


def test_the_limit_that_is_reached_first_counts() -> None:
    assert expected_evaluations(progress(budget=Budget(40, wall_s=1200.0))) == 40
    assert expected_evaluations(progress(budget=Budget(10**8, train_s=90.0, wall_s=1200.0))) == 5


def test_minutes_below_one_training_and_its_verdict_are_refused_with_the_least_that_would_do() -> None:
    with pytest.raises(ConfigError, match=r"budget.minutes is 5; .* about 18 s .* give at least 5.1"):
        planner().news(progress(budget=Budget(10**8, wall_s=300.0, verdict_trainings=16)))
    with pytest.raises(ConfigError, match=r"a training takes about 1,500 s here"):
        planner().news(progress(full_s=1500.0, budget=Budget(10**8, wall_s=300.0, verdict_trainings=16)))


def test_the_least_population_that_follows_a_budget_is_no_mistake() -> None:
    plan = planner(strategy={"kind": "aging", "population": 10}).news(progress(budget=Budget(18)))
    assert plan is not None
    assert not any("strategy.population" in hint for hint in plan.hints)


def test_one_short_training_refuses_no_minutes() -> None:
    few = Budget(10**8, wall_s=30.0, verdict_trainings=16)
    slow = {"full_s": 4.4, "budget": few, "told": 1}
    assert planner().news(progress(train_s=0.3, **slow)) is None
    with pytest.raises(ConfigError, match="budget.minutes is 0.5"):
        planner().news(progress(train_s=10.3, **slow))
    with pytest.raises(ConfigError, match="budget.minutes is 0.5"):
        planner().news(progress(train_s=0.3, finished=True, **slow))


@pytest.mark.parametrize(
    ("config", "budget", "hint"),
    [
        ({}, Budget(10), "10 evaluations hardly get beyond"),
        ({"strategy": {"kind": "aging", "population": 50}}, Budget(60), "strategy.population is 50"),
        ({"training": {"epochs": 2}}, Budget(60), "training.epochs is 2"),
        (
            {"validation": {"cuts": 3}},
            Budget(60),
            "validation.cuts is 3, but nothing is trained a second time",
        ),
    ],
)
def test_what_is_too_small_is_said(config: dict[str, Any], budget: Budget, hint: str) -> None:
    plan = planner(**config).news(progress(budget=budget))
    assert plan is not None
    assert [text for text in plan.hints if hint in text]


def test_a_sensible_search_gets_no_hints() -> None:
    plan = planner().news(progress())
    assert plan is not None
    assert plan.hints == ()


def minutes(value: float, **fitness: Any) -> SearchConfig:
    return SearchConfig(name="small", task={"kind": "digits"}, budget={"minutes": value}, fitness=fitness)  # type: ignore[arg-type]


def test_the_epochs_are_as_many_as_leave_time_for_forty_candidates_and_the_verdict() -> None:
    """20 minutes hold 37 trainings one after another: 20 of each worker, one in flight and 16 of the verdict."""
    epochs = affordable_epochs(minutes(20, rungs=None), epoch_s=3.0, workers=2, verdict_trainings=16)
    assert epochs == int(1200 / 3 / 37)
    assert affordable_epochs(minutes(20, rungs=None), epoch_s=3.0, workers=8, verdict_trainings=2) > epochs


def test_rungs_make_longer_trainings_affordable() -> None:
    plain, pruned = minutes(20, rungs=None), minutes(20, rungs="auto")
    assert affordable_epochs(pruned, epoch_s=3.0, workers=2, verdict_trainings=1) > affordable_epochs(
        plain, epoch_s=3.0, workers=2, verdict_trainings=1
    )


@pytest.mark.parametrize(("epoch_s", "epochs"), [(1e-9, 30), (1e9, 2)])
def test_epochs_stay_within_bounds(epoch_s: float, epochs: int) -> None:
    assert affordable_epochs(minutes(1), epoch_s=epoch_s, workers=1, verdict_trainings=16) == epochs
