from __future__ import annotations

import pytest

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.blocks import Columns
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.columns import network_signature, networks_per_sequence, targets_of

LAYERS = (Layer(NAMED_CELLS["gru"], 4),)
TOGETHER, APART = Architecture(LAYERS), Architecture(LAYERS, columns=Columns.APART)
TWO_OF_THREE = Signature(features=3, outputs=8, last_values=(2, 0), horizon=4)
TWO_LEVELS = Signature(features=3, outputs=16, last_values=(2, 2, 0, 0), horizon=4)
A_PANEL = Signature(features=6, outputs=4, last_values=(1, 2, 3, 1), horizon=4)


@pytest.mark.parametrize(
    ("signature", "targets"),
    [
        (TWO_OF_THREE, (2, 0)),
        (TWO_LEVELS, (2, 0)),
        (A_PANEL, ()),
        (Signature(features=3, outputs=8, horizon=4), ()),
        (Signature(features=3, outputs=2), ()),
    ],
    ids=["values", "quantiles", "another last value at each step", "no last values", "no forecast"],
)
def test_targets_are_the_features_with_their_last_values(signature, targets) -> None:
    assert targets_of(signature) == targets


def test_a_network_of_columns_apart_reads_and_forecasts_one_target() -> None:
    assert network_signature(TOGETHER, TWO_LEVELS) == TWO_LEVELS
    one = Signature(features=2, outputs=8, last_values=(0, 0), horizon=4)
    assert network_signature(APART, TWO_LEVELS) == one
    assert (
        networks_per_sequence(TOGETHER, TWO_LEVELS),
        networks_per_sequence(APART, TWO_LEVELS),
    ) == (1, 2)


@pytest.mark.parametrize("signature", [A_PANEL, Signature(features=3, outputs=2)])
def test_columns_apart_are_refused_where_the_targets_are_not_read(signature) -> None:
    with pytest.raises(GenomeError, match=r"architecture\.columns is apart; must be together"):
        network_signature(APART, signature)
