"""The pace of a search is that of its last minute."""

from __future__ import annotations

from typing import Any

import pytest

from evo_nas.budgets import Budget
from evo_nas.execution.executor import Occupancy
from evo_nas.progress import Progress
from evo_nas.sessions.pace import Pace


def progress(**changed: Any) -> Progress:
    values: dict[str, Any] = {
        "told": 60,
        "told_at_start": 0,
        "asked": 64,
        "budget": Budget(120),
        "by_status": {},
        "best": None,
        "fitness": {},
        "occupancy": Occupancy(workers=1, busy=1, in_flight=4),
        "elapsed_s": 30.0,
        "finished": False,
        "interrupted": False,
    }
    return Progress(**values | changed)


def test_pace_is_that_of_the_last_minute() -> None:
    pace = Pace()
    for minute, told in enumerate((0, 10, 20, 80)):
        pace.observe(progress(told=told, elapsed_s=60.0 * minute))
    assert pace.per_minute == 60


def test_pace_after_a_resume_leaves_out_what_was_found() -> None:
    pace = Pace()
    pace.observe(progress(told=60, told_at_start=50, elapsed_s=60.0))
    assert pace.per_minute == 10
    assert pace.remaining_s(progress(told=60)) == 360


def test_before_the_first_evaluation_the_rest_is_unknown() -> None:
    pace = Pace()
    assert pace.per_minute == 0.0
    assert pace.remaining_s(progress()) is None


def test_a_limit_on_training_time_bounds_what_is_left() -> None:
    pace = Pace()
    timed = progress(budget=Budget(100_000, train_s=300.0), train_s=150.0)
    pace.observe(timed)
    assert pace.remaining_s(timed) == pytest.approx(30.0)
