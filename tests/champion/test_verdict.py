import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from evo_nas.champion.verdict import Contestant, Verdict, welch_p_value
from evo_nas.cli.verdict_view import verdict_view


def verdict(champion, lstm, *, higher=True, baselines=None):
    return Verdict(
        candidate=3,
        evaluations=10,
        metric="accuracy" if higher else "mse",
        higher_is_better=higher,
        champion=Contestant("champion", "1 layer: evolved", 100, 0.9, tuple(champion)),
        lstm=Contestant("LSTM", "1 layer: LSTM", 101, 0.9, tuple(lstm), failures=1),
        p_value=welch_p_value(champion, lstm),
        baselines=baselines or {},
    )


def test_a_clear_lead_is_called_one():
    assert "ahead of the LSTM by 0.1 accuracy" in verdict([0.9, 0.9], [0.8, 0.8]).sentence


def test_a_clear_lag_is_called_one():
    assert "behind the LSTM by 0.1" in verdict([0.8, 0.8], [0.9, 0.9]).sentence


def test_a_lead_within_the_spread_over_seeds_is_none():
    assert "cannot be told apart" in verdict([0.9, 0.8], [0.82, 0.82]).sentence


def test_two_samples_of_the_same_networks_cannot_be_told_apart():
    assert "cannot be told apart" in verdict([0.9767, 0.9589, 0.9669], [0.9666, 0.9500, 0.9580]).sentence


def test_an_lstm_that_wins_is_called_one():
    lstm = Contestant("champion", "1 layer: LSTM", 101, 0.9, (0.9, 0.8))
    assert "is that LSTM itself" in replace(verdict([0.9], [0.8]), champion=lstm).sentence


def test_less_is_more_for_a_loss():
    result = verdict([0.1, 0.1], [0.2, 0.2], higher=False)
    assert result.lead == pytest.approx(0.1)
    assert "ahead of the LSTM by 0.1 mse" in result.sentence


@pytest.mark.parametrize(("higher", "baseline"), [(True, 0.95), (False, 0.05)])
def test_a_baseline_that_is_not_beaten_is_named(higher, baseline):
    baselines = {"majority": 0.1 if higher else 5.0, "nearest neighbour": baseline}
    sentence = verdict([0.9, 0.9], [0.8, 0.8], higher=higher, baselines=baselines).sentence
    assert f"The strongest baseline, nearest neighbour, reaches {baseline:.4g}" in sentence
    assert sentence.endswith("the champion 0.9; it beats majority but does not beat nearest neighbour.")


def test_beaten_baselines_are_named_too():
    baselines = {"a": 0.1, "b": 0.3, "c": 0.2}
    sentence = verdict([0.9, 0.9], [0.8, 0.8], baselines=baselines).sentence
    assert sentence.endswith(
        "The strongest baseline, b, reaches 0.3 accuracy, the champion 0.9; it beats a, b and c."
    )
    assert "baseline" not in verdict([0.9, 0.9], [0.8, 0.8]).sentence


def test_a_single_training_is_no_comparison():
    assert "Too few trainings" in verdict([0.9], [0.8, 0.8]).sentence


@pytest.mark.parametrize(
    "damage",
    [{"baselines": []}, {"champion": None}, {"metric": 3}, {"evaluations": "ten"}, {"p_value": None}],
)
def test_a_verdict_of_other_types_is_none(damage):
    values = verdict([0.9, 0.8], [0.7]).to_values()
    assert Verdict.from_values(values) is not None
    assert Verdict.from_values(values | damage) is None


def test_a_verdict_of_another_version_is_none():
    assert Verdict.from_values({"champion": "x"}) is None


def test_a_verdict_survives_json():
    original = verdict([0.9, 0.8], [0.7], baselines={"majority": 0.1})
    assert Verdict.from_values(json.loads(json.dumps(original.to_values()))) == original


def test_a_table_is_told_apart_from_other_parameters_on_a_line_of_its_own():
    result = verdict([0.9, 0.9], [0.8, 0.8])
    hashed = replace(result.champion, parameters=4_196, table_parameters=4_096)
    shown = io.StringIO()
    Console(file=shown, width=80).print(verdict_view(replace(result, champion=hashed)))
    champion, table = (line.split() for line in shown.getvalue().splitlines()[2:4])
    assert (champion[:2], table) == (["champion", "100"], ["+", "table", "4,096"])


def test_a_verdict_from_before_tables_is_read():
    values = json.loads(json.dumps(verdict([0.9, 0.9], [0.8, 0.8]).to_values()))
    for name in ("champion", "lstm"):
        del values[name]["table_parameters"]
    assert Verdict.from_values(values) == verdict([0.9, 0.9], [0.8, 0.8])
