"""The verdict in words claims no more than its tests show, and says what to take."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from evo_nas.champion.comparison import Pairing, against_a_score, with_the_same_seeds
from evo_nas.champion.verdict import Contestant, Verdict
from evo_nas.cli.verdict_view import verdict_view


def contestant(name, tests, *, validation=0.9, which=None):
    score = sum(tests) / len(tests)
    return Contestant(
        name, f"1 layer: {name}", 100, validation, score, tuple(tests), which=which or name.lower()
    )


def verdict(champion, lstm, *, higher=True, baselines=None):
    """A verdict on trainings with the same seeds; what is kept scores as their mean."""
    ours, theirs = contestant("champion", champion), contestant("LSTM", lstm)
    pairings = [Pairing("LSTM", None, with_the_same_seeds(champion, lstm, higher_is_better=higher))]
    pairings += [
        Pairing(name, None, against_a_score(champion, score, higher_is_better=higher))
        for name, score in (baselines or {}).items()
    ]
    return Verdict(
        candidate=3,
        evaluations=10,
        metric="accuracy" if higher else "mse",
        higher_is_better=higher,
        champion=ours,
        opponents=(theirs,),
        comparisons=tuple(each for each in pairings if each.decisive),
        baselines=baselines or {},
    )


def test_a_clear_lead_is_called_one():
    sentence = verdict([0.91, 0.9, 0.905], [0.81, 0.8, 0.8]).sentence
    assert sentence == (
        "Take the champion: no opponent is better on validation, which chooses (0.9 accuracy). On test the champion "
        "reaches 0.905 accuracy, ahead of the LSTM (+0.1, 95 %: +0.094 to +0.11)."
    )


def test_a_clear_lag_is_called_one():
    assert ", behind the LSTM (-0.1" in verdict([0.8, 0.81, 0.8], [0.9, 0.91, 0.905]).sentence


def test_a_lead_within_the_spread_over_seeds_is_none():
    assert ", no better than the LSTM (+0.03, 95 %: " in verdict([0.9, 0.8], [0.82, 0.82]).sentence


def test_less_is_more_for_a_loss():
    result = verdict([0.1, 0.11, 0.1], [0.2, 0.2, 0.2], higher=False)
    assert "ahead of the LSTM (+0.097, 95 %: " in result.sentence
    assert result.against("LSTM").decisive.lead == pytest.approx(0.2 - result.champion.test)


def test_an_lstm_that_wins_is_called_one():
    result = verdict([0.9, 0.8], [0.9, 0.8])
    itself = replace(result.champion, architecture=result.lstm.architecture)
    assert replace(result, champion=itself).sentence == (
        "Take the champion, which is that LSTM itself: no opponent is better on validation, which chooses (0.9 "
        "accuracy). On test the champion reaches 0.85 accuracy."
    )


def test_opponents_are_told_by_where_the_champion_stands_beside_them():
    result = verdict([0.9, 0.91, 0.9], [0.8, 0.8, 0.81])
    gru = contestant("GRU", [0.9, 0.9, 0.91])
    level = Pairing(
        "GRU", None, with_the_same_seeds([0.9, 0.91, 0.9], [0.9, 0.9, 0.91], higher_is_better=True)
    )
    both = replace(result, opponents=(*result.opponents, gru), comparisons=(*result.comparisons, level))
    assert ", ahead of the LSTM (" in both.sentence
    assert ") but no better than the GRU (" in both.sentence


def test_of_many_opponents_the_sentence_has_leads_and_the_table_their_intervals():
    result = verdict([0.9, 0.91, 0.9], [0.8, 0.8, 0.81])
    others = [contestant(name, [0.8, 0.8, 0.81]) for name in ("LSTM", "GRU", "minGRU")]
    pairings = [replace(result.comparisons[0], opponent=each.name) for each in others]
    many = replace(result, opponents=tuple(others), comparisons=tuple(pairings))
    assert "ahead of the LSTM (+0.1), the GRU (+0.1) and the minGRU (+0.1)." in many.sentence
    assert [each.cells[:3] for each in pairings][1] == ("ahead of GRU", "+0.1", "+0.075 to +0.12")


@pytest.mark.parametrize(("higher", "baseline"), [(True, 0.95), (False, 0.05)])
def test_a_baseline_that_is_ahead_is_named(higher, baseline):
    baselines = {"majority": 0.1 if higher else 5.0, "nearest neighbour": baseline}
    sentence = verdict([0.9, 0.9], [0.8, 0.8], higher=higher, baselines=baselines).sentence
    assert sentence.startswith("Of the networks take the champion: ")
    assert (
        f"It beats 1 of 2 baselines but is behind the strongest, nearest neighbour ({baseline:.4g}; "
        in sentence
    )


def test_a_baseline_is_beaten_only_beyond_doubt():
    baselines = {"a": 0.1, "b": 0.89, "c": 0.2}
    sentence = verdict([0.9, 0.87, 0.92], [0.8, 0.8, 0.8], baselines=baselines).sentence
    assert (
        "It beats 2 of 3 baselines but is no better than the strongest, b (0.89; +0.0067, 95 %: " in sentence
    )
    assert "baseline" not in verdict([0.9, 0.9], [0.8, 0.8]).sentence


@pytest.mark.parametrize(
    ("baselines", "said"),
    [
        ({"a": 0.1}, "It beats the baseline a (0.1; "),
        ({"a": 0.1, "b": 0.2}, "It beats both baselines, the strongest b (0.2; "),
        ({"b": 0.89}, "It is no better than the baseline b (0.89; "),
        ({"b": 0.89, "c": 0.99}, "It beats none of 2 baselines and is behind the strongest, c (0.99; "),
    ],
)
def test_the_strongest_baseline_is_told_with_how_many_are_beaten(baselines, said):
    assert said in verdict([0.9, 0.87, 0.92], [0.8, 0.8, 0.8], baselines=baselines).sentence


def test_a_single_training_is_no_comparison():
    assert "; too few trainings came to an end to compare it." in verdict([0.9], [0.8]).sentence


def test_an_opponent_that_is_better_on_validation_is_recommended_whatever_the_test_says():
    result = verdict([0.9, 0.91, 0.9], [0.8, 0.8, 0.81])
    better = replace(result.lstm, validation=0.95)
    sentence = replace(result, opponents=(better,)).sentence
    assert sentence.startswith(
        "Take the LSTM (`evo-nas export RUN --which lstm`): on validation, which chooses, it is "
    )
    assert "better than the champion (0.95 against 0.9 accuracy)." in sentence
    assert "--which" not in result.sentence


@pytest.mark.parametrize(("validation", "taken"), [(0.97, True), (0.9, False)])
def test_a_baseline_that_is_better_on_validation_is_recommended(validation, taken):
    result = verdict([0.9, 0.91, 0.9], [0.8, 0.8, 0.81], baselines={"majority": 0.1, "linear": 0.5})
    better = replace(result, baseline_validations={"majority": 0.1, "linear": validation})
    wanted = "Take the baseline linear (`evo-nas export RUN --which baseline`): on validation, which chooses, it is "
    assert better.sentence.startswith(wanted) is taken
    assert ("better than the champion (0.97 against 0.9 accuracy)." in better.sentence) is taken


def test_a_baseline_that_is_not_beaten_can_be_taken_too():
    result = verdict([0.9, 0.87, 0.92], [0.8, 0.8, 0.8], baselines={"a b": 0.89})
    kept = replace(result, baseline_validations={"a b": 0.1})
    assert "`evo-nas export RUN --which baseline:a-b`" in kept.remarks[0]
    assert not result.remarks


def test_a_second_look_at_the_test_part_is_said():
    again = replace(verdict([0.9, 0.9], [0.8, 0.8]), look=2)
    assert "On test, looked at 2 times, the champion" in again.sentence
    assert "no longer" in again.remarks[0]


def test_an_opponent_of_which_no_training_succeeded_is_told_with_the_reason():
    lost = replace(verdict([0.9, 0.9], [0.8, 0.8]), lost={"GRU": "out of memory"})
    assert lost.remarks == ("Every training of the GRU failed (out of memory).",)


@pytest.mark.parametrize(
    "damage",
    [{"baselines": []}, {"champion": None}, {"metric": 3}, {"evaluations": "ten"}, {"opponents": None}],
)
def test_a_verdict_of_other_types_is_none(damage):
    values = verdict([0.9, 0.8], [0.7, 0.7]).to_values()
    assert Verdict.from_values(values) is not None
    assert Verdict.from_values(values | damage) is None


def test_a_verdict_of_another_version_is_none():
    assert Verdict.from_values({"champion": "x"}) is None


def test_a_verdict_survives_json():
    original = verdict([0.9, 0.8], [0.7, 0.7], baselines={"majority": 0.1})
    assert Verdict.from_values(json.loads(json.dumps(original.to_values()))) == original


def test_a_table_is_told_apart_from_other_parameters_on_a_line_of_its_own():
    result = verdict([0.9, 0.9], [0.8, 0.8])
    hashed = replace(result.champion, parameters=4_196, table_parameters=4_096)
    shown = io.StringIO()
    Console(file=shown, width=80).print(verdict_view(replace(result, champion=hashed)))
    champion, table = (line.split() for line in shown.getvalue().splitlines()[2:4])
    assert (champion[:2], table) == (["champion", "100"], ["+", "table", "4,096"])


def test_the_view_says_what_is_scored_and_how_to_take_it():
    shown = io.StringIO()
    Console(file=shown, width=200).print(verdict_view(verdict([0.9, 0.8], [0.8, 0.8])))
    assert "Scored is what is kept and exported (`export --which champion, lstm`)" in shown.getvalue()
    assert "the mean of 2 networks each" in shown.getvalue()


def test_the_view_has_the_validation_score_of_a_baseline_that_is_kept():
    shown = io.StringIO()
    told = verdict([0.9, 0.8], [0.8, 0.8], baselines={"linear": 0.5, "theta": 0.6})
    kept = replace(told, baseline_validations={"linear": 0.55})
    Console(file=shown, width=200).print(verdict_view(kept))
    lines = [line.split() for line in shown.getvalue().splitlines()]
    assert ["linear", "0.5500", "0.5000"] in lines
    assert ["theta", "0.6000"] in lines
    assert "(`export --which baseline:NAME`)" in shown.getvalue()


def test_the_view_has_the_evidence_below_the_sentence():
    shown = io.StringIO()
    found = replace(verdict([0.9, 0.91, 0.9], [0.8, 0.8, 0.81]), look=2)
    Console(file=shown, width=200).print(verdict_view(found))
    *_, row, tests, look = shown.getvalue().splitlines()
    assert row.split()[:7] == ["ahead", "of", "LSTM", "+0.1", "+0.075", "to", "+0.12"]
    assert tests.endswith("p and effect of seeds are of a paired t-test of 3 seeds.")
    assert "looked at 2 times" in look
