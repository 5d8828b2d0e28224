"""Exports are compared from raw values on, and numbers in deviations whatever their units are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evo_nas.champion.champion import Champion
from evo_nas.champion.exporters.raw_checking import answering, compare_answers, raw_samples
from evo_nas.errors import ChampionError
from evo_nas.tasks.answers import NumberAnswers
from evo_nas.testing.champions import RECIPES, tiny_champion


def number_champion(mean: float, scale: float):
    champion = tiny_champion("numbers")
    answers = NumberAnswers((mean, mean), (scale, scale))
    return replace(champion, preparation=replace(champion.preparation, answers=answers))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_an_error_is_found_in_any_units(scale) -> None:
    champion = number_champion(5 * scale, scale)
    right = answering(champion)
    assert compare_answers(right, champion, tolerance=1e-4).difference == 0
    with pytest.raises(ChampionError, match="differ from the model's"):
        compare_answers(lambda *given: right(*given) + 0.01 * scale, champion, tolerance=1e-4)


def test_numbers_of_32_bits_are_forgiven_their_rounding_and_nothing_else() -> None:
    champion = number_champion(1e6, 0.1)
    right = answering(champion)
    rounded = compare_answers(lambda *given: right(*given).astype(np.float32), champion, tolerance=1e-4)
    assert rounded.difference <= 1e-4
    with pytest.raises(ChampionError, match="differ from the model's"):
        compare_answers(lambda *given: (right(*given) + 0.2).astype(np.float32), champion, tolerance=1e-4)


def test_a_number_where_the_champion_has_none_is_found() -> None:
    champion = tiny_champion("a forecast")
    right = answering(champion)
    with pytest.raises(ChampionError, match="differ from the model's"):
        compare_answers(
            lambda *given: np.nan_to_num(right(*given)).astype(np.float32), champion, tolerance=1e-4
        )


def test_an_error_far_ahead_is_found_where_a_series_has_fewer_rows_than_its_forecast() -> None:
    champion = tiny_champion("a forecast by an ensemble")
    inputs = replace(champion.preparation.inputs, window=1)
    champion = replace(champion, preparation=replace(champion.preparation, inputs=inputs))
    right = answering(champion)

    def wrong_far_ahead(inputs, lengths):
        answers = right(inputs, lengths)
        if lengths is not None:
            answers[lengths < champion.signature.horizon, -1] += 100.0
        return answers

    with pytest.raises(ChampionError, match="differ from the model's"):
        compare_answers(wrong_far_ahead, champion, tolerance=1e-4)


@pytest.mark.parametrize("name", [name for name in RECIPES if tiny_champion(name).value_preparation])
def test_the_answers_of_comparisons_are_those_that_a_champion_gives(name) -> None:
    champion = tiny_champion(name)
    sample = raw_samples(champion)[-2]  # a batch of whole sequences that are longer than in training
    known, found = Champion(champion.model, champion.preparation), answering(champion)(sample.inputs, None)
    if champion.signature.horizon:
        wanted = known.forecast(sample.inputs, every_level=bool(champion.preparation.answers.quantiles))
    elif isinstance(champion.preparation.answers, NumberAnswers):
        wanted = known.predict(sample.inputs)
    else:
        wanted = known.predict_proba(list(sample.inputs))
    # Of 32 bits, in batches of other sizes: numbers of some tens have an ulp of 4e-6.
    np.testing.assert_allclose(found, np.stack(list(wanted)), rtol=1e-5, atol=1e-5)


def test_values_are_missing_where_training_had_holes() -> None:
    missing = {
        name: any(np.isnan(sample.inputs).any() for sample in raw_samples(tiny_champion(name)))
        for name in ("classes", "classes by every op", "classes of sequences with holes")
    }
    assert missing == {
        "classes": False,
        "classes by every op": True,
        "classes of sequences with holes": True,
    }
