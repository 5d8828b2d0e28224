"""What a contest costs, one training after another or several at a time."""

from __future__ import annotations

import pytest

from evo_nas.champion.trial_settings import SETTINGS, cost_of, judging_trainings
from evo_nas.config import VerdictOptions

OPTIONS = VerdictOptions(finalists=3, cuts=2, trials=4, seeds=3, opponents=("lstm", "gru"))


def test_one_after_another_all_trainings_count() -> None:
    # 3 finalists and 2 cells on 2 cuts; of 3 contestants 4 trials, one of them twice as long, and 2 further seeds.
    assert cost_of(OPTIONS) == 10 + 3 * (1 + 1 + 1 + 2) + 3 * 2


def test_several_at_a_time_share_a_stage_and_wait_for_the_one_before() -> None:
    assert cost_of(OPTIONS, at_once=2) == cost_of(OPTIONS) / 2
    # Finalists, cells, trials and seeds follow each other, and the longest trial takes two trainings.
    assert cost_of(OPTIONS, at_once=1000) == 1 + 1 + max(each.length for each in SETTINGS[:4]) + 1


def test_a_search_at_random_has_finalists_of_its_own() -> None:
    beside = OPTIONS.model_copy(update={"opponents": ("lstm", "random")})
    assert judging_trainings(beside) == judging_trainings(OPTIONS) + 3 * 2


@pytest.mark.parametrize("around_cells", [True, False])
def test_a_single_finalist_is_not_judged(around_cells: bool) -> None:
    single = OPTIONS.model_copy(update={"finalists": 1})
    assert judging_trainings(single, around_cells=around_cells) == 0
