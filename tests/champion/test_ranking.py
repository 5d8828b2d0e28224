"""Competitors are ranked over runs, whatever their metrics; a difference is named only where a test finds one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from evo_nas.champion.ranking import BASELINE, Ranking, Results, ranked
from evo_nas.errors import ChampionError
from evo_nas.runs.champion_store import CHAMPION


def results(*tests: dict[str, float], higher_is_better: bool = True) -> list[Results]:
    return [
        Results(f"run{number}", "accuracy", higher_is_better, each, frozenset({str(number)}))
        for number, each in enumerate(tests)
    ]


def in_the_same_order(runs: int) -> Ranking:
    return ranked(results(*({CHAMPION: 0.9, "LSTM": 0.8, BASELINE: 0.1} for _ in range(runs))))


def test_metrics_that_differ_from_run_to_run_are_ranked_by_their_own_direction():
    found = ranked(
        [
            *results({CHAMPION: 0.9, "LSTM": 0.8}),
            *results({CHAMPION: 0.1, "LSTM": 0.2}, higher_is_better=False),
        ]
    )
    assert [(each.name, each.ranks) for each in found.competitors] == [
        (CHAMPION, (1.0, 1.0)),
        ("LSTM", (2.0, 2.0)),
    ]
    assert found.competitors[1].losses == 2


def test_equals_share_their_ranks():
    found = ranked(results({CHAMPION: 0.5, "LSTM": 0.5}, {CHAMPION: 0.6, "LSTM": 0.5}))
    assert {each.name: each.mean_rank for each in found.competitors} == {CHAMPION: 1.25, "LSTM": 1.75}


@pytest.mark.parametrize("runs", [2, 4])
def test_so_few_runs_decide_nothing_even_if_the_order_is_always_the_same(runs):
    found = in_the_same_order(runs)
    assert "can decide nothing" in found.sentence
    assert (found.friedman_p, found.critical_difference, found.groups) == (None, None, [])
    assert all(each.p_value is None for each in found.competitors)


def test_the_same_order_in_many_runs_is_a_difference():
    found = in_the_same_order(12)
    assert found.friedman_p == 0.0
    assert "is ranked better than LSTM and strongest baseline (Holm, 5 %)" in found.sentence


def test_the_published_example_has_its_ranks_and_its_critical_difference():
    # Demsar (2006), table 6: C4.5 with pruning and with cross-validated parameters on 14 data sets.
    scores = np.array(
        [
            [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
            [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
            [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
            [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
            [0.972, 0.981, 0.975, 0.975], [0.957, 0.978, 0.946, 0.970],
        ]
    )  # fmt: skip
    names = (CHAMPION, "m", "cf", "m+cf")
    found = ranked(results(*(dict(zip(names, row, strict=True)) for row in scores.tolist())))
    # The table is rounded, so that a tie more or less moves a mean rank by .04.
    published = {"m+cf": 1.964, "m": 2.0, "cf": 2.893, CHAMPION: 3.143}
    assert {each.name: each.mean_rank for each in found.competitors} == pytest.approx(published, abs=0.04)
    assert found.critical_difference == pytest.approx(1.25, abs=0.01)
    assert found.friedman_p is not None
    assert found.friedman_p < friedmanchisquare(*scores.T).pvalue
    # By Holm's method C4.5 itself is behind m+cf and m alone.
    assert "is ranked worse than m+cf and m, and cannot be told apart from cf" in found.sentence


def test_competitors_that_are_not_in_all_runs_are_left_out_and_named():
    found = ranked(results({CHAMPION: 1, "LSTM": 0, "GRU": 0}, {CHAMPION: 1, "LSTM": 0}))
    assert [each.name for each in found.competitors] == [CHAMPION, "LSTM"]
    assert "not in all runs, so not ranked: GRU" in found.remarks


def test_runs_on_the_same_data_are_named():
    first, second = results({CHAMPION: 1, "LSTM": 0}, {CHAMPION: 1, "LSTM": 0})
    found = ranked([first, replace(second, data=first.data)])
    assert any("run0 and run1" in remark for remark in found.remarks)


def test_one_run_or_nobody_in_common_is_refused():
    with pytest.raises(ChampionError, match="at least 2"):
        ranked(results({CHAMPION: 1, "LSTM": 0}))
    with pytest.raises(ChampionError, match="no opponent in common"):
        ranked(results({CHAMPION: 1, "LSTM": 0}, {CHAMPION: 1, "GRU": 0}))


def test_equal_competitors_differ_in_five_percent_of_the_cases():
    rng, found = np.random.default_rng(0), 0
    for _ in range(300):
        tests = [
            dict(zip((CHAMPION, "a", "b", "c"), row, strict=True)) for row in rng.random((10, 4)).tolist()
        ]
        ranking = ranked(results(*tests))
        assert ranking.friedman_p is not None
        found += ranking.friedman_p < 0.05
    assert 0.02 < found / 300 < 0.085
