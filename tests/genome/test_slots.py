from __future__ import annotations

from dataclasses import fields, replace

import pytest

from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Pooling, Signature, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.options import LearningRateGrid, SpaceOptions
from evo_nas.genome.slots import HEAD, LAYER, NETWORK, TRAINING, Setting, words_of

TEXT = Signature(features=0, outputs=50, vocabulary=50, per_step=True, predicts_inputs=True)
FORECAST = Signature(features=3, outputs=4, last_values=(2, 0), horizon=2)
PARTS = {Training: TRAINING, Architecture: NETWORK, Head: HEAD, Layer: LAYER}
NOT_A_SLOT = {Architecture: {"layers", "head", "training"}, Layer: {"cell"}}
"""Fields that hold other parts, and the cell, which has genes of its own."""


def setting(signature: Signature = FORECAST, *, epochs: int = 100, **options: object) -> Setting:
    return Setting(SpaceOptions.model_validate(options), signature, epochs, sources=2)


def slot(slots, field):
    [found] = [slot for slot in slots if slot.field == field]
    return found


@pytest.mark.parametrize("part", PARTS)
def test_every_field_of_a_part_is_a_slot_or_known_not_to_be(part) -> None:
    evolves = {slot.field for slot in PARTS[part]}
    assert evolves | NOT_A_SLOT.get(part, set()) == {field.name for field in fields(part)}


@pytest.mark.parametrize(("part", "slots"), list(PARTS.items()), ids=lambda value: str(value)[:20])
def test_a_field_that_a_task_may_have_no_use_for_has_a_default(part, slots) -> None:
    defaults = {field.name: field.default for field in fields(part)}
    for each in slots:
        for signature in (TEXT, FORECAST):
            if not each.exists(setting(signature)):
                assert each.words(defaults[each.field]) == ""


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("signature", [TEXT, FORECAST], ids=["text", "forecast"])
def test_default_and_smallest_choices_are_among_the_choices(part, signature) -> None:
    at = setting(signature)
    for each in PARTS[part]:
        if each.exists(at):
            choices = each.choices(at)
            assert each.default(choices, at) in choices
            assert set(each.smallest(choices)) <= set(choices)
            assert all(isinstance(each.words(choice), str) for choice in choices)


def test_genes_of_tokens_and_of_forecasts_exist_only_for_their_tasks() -> None:
    def existing(signature: Signature) -> set[str]:
        return {each.field for each in (*NETWORK, *HEAD) if each.exists(setting(signature))}

    assert existing(TEXT) - existing(FORECAST) == {"embedding", "tied", "embedding_dropout"}
    assert existing(FORECAST) - existing(TEXT) == {"forecast", "pooling", "columns"}


def test_learning_rate_of_the_first_networks_is_the_one_nearest_in_ratio() -> None:
    at = replace(setting(), options=SpaceOptions(learning_rates=LearningRateGrid(min=1e-4, max=1.0, count=5)))
    rate = slot(TRAINING, "learning_rate")
    assert rate.default(rate.choices(at), at) == 0.01


def test_regularisation_has_one_choice_where_epochs_are_few() -> None:
    dropout = slot(LAYER, "dropout")
    assert dropout.choices(setting(epochs=19)) == (0.1,)
    assert dropout.choices(setting(epochs=20)) == (0.0, 0.1, 0.2, 0.3, 0.5)
    assert dropout.default(dropout.choices(setting(epochs=20)), setting(epochs=20)) == 0.1


def test_skips_come_from_the_sources_below_if_they_are_permitted() -> None:
    skip = slot(HEAD, "skip")
    assert skip.choices(setting()) == (None, 0, 1)
    assert skip.choices(setting(skips=False)) == (None,)


def test_attention_is_the_smallest_pooling_only_where_there_is_no_other() -> None:
    pooling = slot(HEAD, "pooling")
    assert pooling.smallest((Pooling.ATTENTION, Pooling.MEAN, Pooling.MAX)) == (Pooling.MEAN, Pooling.MAX)
    assert pooling.smallest((Pooling.ATTENTION,)) == (Pooling.ATTENTION,)


def test_words_of_a_part_leave_out_what_is_at_its_plainest() -> None:
    assert words_of(TRAINING, Training()) == "Adam 0.005, clip 1, batch 32"
    assert words_of(HEAD, Head()) == ""
    assert words_of(HEAD, Head(skip=0, hidden=8)) == "tanh layer 8, skip from input"
    architecture = Architecture((Layer(NAMED_CELLS["gru"], 8),), forecast=Forecast.CHANGE)
    assert words_of(NETWORK, architecture) == "forecasts the change since the last value"
