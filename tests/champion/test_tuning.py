"""A tuning changes how a network is trained, and nothing that it does not say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evo_nas.champion.tuning import TuningSpace, TuningTrial, best_of
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Head, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS

FOUND = Architecture(
    layers=(Layer(NAMED_CELLS["gru"], 8, dropout=0.1), Layer(NAMED_CELLS["gru"], 6, dropout=0.25)),
    head=Head(dropout=0.15),
    training=Training(learning_rate=0.007, batch_size=48),
)
SPACE = TuningSpace.of(FOUND, TrainingConfig(schedule="cosine"), admits=lambda _: True)


def with_setting(name: str, value: object) -> tuple[int, ...]:
    """Returns the untuned genome with one other setting."""
    return tuple(
        gene.choices.index(value) if gene.name == name else default
        for gene, default in zip(SPACE.genes, SPACE.untuned, strict=True)
    )


def test_the_untuned_settings_are_the_network_as_it_was_found() -> None:
    network = SPACE.network(SPACE.untuned)
    assert (network.architecture, network.schedule) == (FOUND, "cosine")
    assert SPACE.changes(SPACE.untuned) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.014),
        ("batch_size", 96),
        ("clip", 10.0),
        ("weight_decay", 0.01),
        ("optimizer", "sgd"),
    ],
)
def test_a_setting_of_training_changes_that_alone(name: str, value: object) -> None:
    tuned = SPACE.network(with_setting(name, value)).architecture
    assert tuned == replace(FOUND, training=replace(FOUND.training, **{name: value}))  # type: ignore[arg-type]


def test_dropout_leaves_the_inputs_whole() -> None:
    tuned = SPACE.network(with_setting("dropout", 0.5)).architecture
    assert [layer.dropout for layer in tuned.layers] == [0.1, 0.5]
    assert tuned.head.dropout == 0.5


def test_widths_grow_together_as_far_as_is_permitted() -> None:
    assert [layer.width for layer in SPACE.network(with_setting("width", 2.0)).architecture.layers] == [
        16,
        12,
    ]
    narrow = TuningSpace.of(
        FOUND, TrainingConfig(), admits=lambda other: max(layer.width for layer in other.layers) <= 8
    )
    (widths,) = (gene.choices for gene in narrow.genes if gene.name == "width")
    assert max(widths) == 1.0  # type: ignore[type-var]


def test_another_network_or_length_is_another_tuning() -> None:
    other = TuningSpace.of(replace(FOUND, embedding_dropout=0.1), TrainingConfig(), admits=lambda _: True)
    keys = {SPACE.key(epochs=2, seed=1), SPACE.key(epochs=3, seed=1), other.key(epochs=2, seed=1)}
    assert len(keys) == 3


def test_a_trial_that_was_stopped_early_ranks_below_those_that_went_on() -> None:
    trials = [
        TuningTrial(0, (0,), 0.9, 1),
        TuningTrial(1, (1,), 0.5, 3),
        TuningTrial(2, (2,), 0.6, 3),
        TuningTrial(3, (3,), None, 0, "diverged"),
    ]
    assert [trial.number for trial in best_of(trials)] == [2, 1, 0]
    assert [TuningTrial.from_values(json.loads(json.dumps(each.to_values()))) for each in trials] == trials
