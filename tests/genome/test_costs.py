from __future__ import annotations

from dataclasses import replace

import pytest

from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Pooling, Signature
from evo_nas.genome.blocks import Context, Front, Shortcut
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.costs import ADDITION_PJ, FUNCTION_PJ, PRODUCT_PJ, WORD_PJ, Costs
from evo_nas.genome.footprint import activation_bytes, state_bytes, training_bytes
from evo_nas.genome.parameters import count_parameters

RNN = NAMED_CELLS["rnn_tanh"]
CLASSES = Signature(features=3, outputs=2, steps=10)
PLAIN = Architecture((Layer(RNN, 4),))


@pytest.mark.parametrize(
    ("architecture", "numbers"),
    [
        (PLAIN, 4),
        (Architecture((Layer(NAMED_CELLS["lstm"], 4),)), 8),
        (Architecture((Layer(RNN, 4), Layer(RNN, 5))), 9),
        (Architecture((Layer(RNN, 4, period=2),)), 4 + 3 + 4 + 1),
        (Architecture((Layer(RNN, 4, context=Context.ATTENTION),)), 4 + 64 * (4 + 1)),
        (Architecture((Layer(RNN, 4, context=Context.MEMORY),)), 4 + 16 * 2 * 2),
        (Architecture((Layer(RNN, 4),), Head(pooling=Pooling.MEAN)), 4 + 4 + 1),
        (Architecture((Layer(RNN, 4),), Head(pooling=Pooling.ATTENTION)), 4 + 4 + 2),
        (replace(PLAIN, front=Front.of("differences")), 4 + 3 + 1),
        (replace(PLAIN, front=Front.of("convolution 3/2")), 4 + 2 * 3),
        (replace(PLAIN, shortcut=Shortcut.of("pooled")), 4 + 2 * 3 + 1),
        (replace(PLAIN, shortcut=Shortcut.of("flat")), 4 + 10 * 3 + 1),
        # What needs the whole sequence keeps all that it reads.
        (Architecture((Layer(RNN, 4), Layer(RNN, 5, bidirectional=True))), 4 + 5 + 10 * 4),
    ],
)
def test_a_network_keeps_its_states_and_what_it_reads_again(architecture, numbers) -> None:
    assert state_bytes(architecture, CLASSES) == 4 * numbers


def test_inputs_less_their_last_step_are_kept_once_for_layers_and_shortcut() -> None:
    signature = Signature(features=3, outputs=4, horizon=2, last_values=(0, 2), steps=10)
    relative = replace(PLAIN, forecast=Forecast.RELATIVE)
    assert state_bytes(replace(PLAIN, forecast=Forecast.CHANGE), signature) == 4 * 4
    assert state_bytes(relative, signature) == 4 * (4 + 30)
    assert state_bytes(replace(relative, shortcut=Shortcut.of("full")), signature) == 4 * (4 + 30)


def test_training_keeps_the_outputs_of_layers_and_four_numbers_a_parameter() -> None:
    two = Architecture((Layer(RNN, 4), Layer(RNN, 5)))
    assert activation_bytes(two, CLASSES, rows=7, steps=10) == 4 * 7 * 10 * 9
    assert (
        training_bytes(two, CLASSES, rows=7, steps=10)
        == 4 * 4 * count_parameters(two, CLASSES) + 4 * 7 * 10 * 9
    )


def test_energy_is_that_of_arithmetic_and_of_the_memory_that_holds_the_weights() -> None:
    costs = Costs.of(PLAIN, CLASSES)
    work = costs.example
    arithmetic = (
        work.macs * (ADDITION_PJ + PRODUCT_PJ) + work.operations * PRODUCT_PJ + work.functions * FUNCTION_PJ
    )
    assert costs.energy_uj == pytest.approx((arithmetic + 5.0 * work.words) * 1e-6 / 10)
    wide = Costs.of(Architecture((Layer(RNN, 64),)), CLASSES)
    assert 8 * 2**10 < 4 * wide.parameters < 32 * 2**10
    moved = wide.example.words * 10.0 * 1e-7
    assert moved < wide.energy_uj < 2 * moved
    assert [energy for _, energy in WORD_PJ] == sorted(energy for _, energy in WORD_PJ)


def test_what_runs_once_a_sequence_counts_for_its_share_of_every_step() -> None:
    costs = Costs.of(PLAIN, CLASSES)
    assert costs.macs == 4 * (3 + 4) + 4 * 2 / 10
    longer = Costs.of(PLAIN, replace(CLASSES, steps=100))
    assert longer.macs == 4 * (3 + 4) + 4 * 2 / 100
