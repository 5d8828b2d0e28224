"""Columns that are read apart: the order of sequences and outputs, and that no target sees another."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Signature
from evo_nas.genome.blocks import Columns
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.columns import network_signature
from evo_nas.models.columns import ColumnsApart
from evo_nas.models.network import Network

LSTM = NAMED_CELLS["lstm"]
FEATURES, TARGETS, HORIZON, LEVELS = 4, (3, 1), 3, 2
SIGNATURE = Signature(
    features=FEATURES, outputs=HORIZON * len(TARGETS) * LEVELS, last_values=(3, 3, 1, 1), horizon=HORIZON
)
APART = Architecture(layers=(Layer(LSTM, 5),), columns=Columns.APART)


def test_each_target_becomes_a_sequence_beside_what_is_no_target() -> None:
    inputs, lengths = torch.randn(2, 5, FEATURES), torch.tensor([5, 2])
    sequences, repeated = ColumnsApart(SIGNATURE).enter(inputs, lengths)
    assert repeated.tolist() == [5, 5, 2, 2]
    assert torch.equal(sequences, torch.stack([inputs[b][:, [t, 0, 2]] for b in (0, 1) for t in TARGETS]))


def test_outputs_are_ordered_by_step_then_by_target_then_by_level() -> None:
    # Each output is its own number: hundreds for the sequence, tens for the target, units for step and level.
    numbers = torch.arange(HORIZON * LEVELS)
    outputs = torch.stack([100 * b + 10 * t + numbers for b in (0, 1) for t in (0, 1)])
    left = ColumnsApart(SIGNATURE).leave(outputs).view(2, HORIZON, len(TARGETS), LEVELS)
    assert left[1, 2].tolist() == [[104, 105], [114, 115]]


@pytest.mark.parametrize("segment", [0, 2])
@pytest.mark.parametrize("forecast", Forecast)
def test_each_target_is_forecast_as_a_network_of_one_column_would(forecast, segment) -> None:
    apart = replace(APART, forecast=forecast, head=Head(segment=segment))
    network = Network(apart, SIGNATURE)
    alone = Network(replace(apart, columns=Columns.TOGETHER), network_signature(apart, SIGNATURE))
    weights = network.state_dict()
    inputs, lengths = torch.randn(2, 5, FEATURES), torch.tensor([5, 3])
    outputs = network(inputs, lengths).view(2, HORIZON, len(TARGETS), LEVELS)
    for at, target in enumerate(TARGETS):
        if segment:
            of_target = weights["queries.targets"][at].expand(2, -1)
            own = torch.cat([weights["queries.positions"], of_target], dim=-1)
            kept = {name: value for name, value in weights.items() if not name.startswith("queries")}
            alone.load_state_dict(kept | {"queries.positions": own})
        else:
            alone.load_state_dict(weights)
        expected = alone(inputs[..., [target, 0, 2]], lengths).view(2, HORIZON, LEVELS)
        torch.testing.assert_close(outputs[:, :, at], expected)


def test_no_target_sees_another() -> None:
    network = Network(APART, SIGNATURE)
    inputs = torch.randn(1, 5, FEATURES)
    changed = inputs.clone()
    changed[..., TARGETS[1]] += 1.0
    before, after = (network(some).view(HORIZON, len(TARGETS), LEVELS) for some in (inputs, changed))
    assert torch.equal(before[:, 0], after[:, 0])
    assert not torch.equal(before[:, 1], after[:, 1])


def test_columns_apart_do_not_read_piece_by_piece() -> None:
    with pytest.raises(GenomeError, match=r"architecture\.columns is apart and head\.segment is 0"):
        Network(APART, SIGNATURE).forward_from(torch.randn(1, 5, FEATURES))
