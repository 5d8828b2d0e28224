"""Torch's own layers against the cells that claim to be them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.backends import backend_for
from evo_nas.models.torch_kernels import TorchRecurrence

LAYERS = {"rnn_tanh": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
every_layer = pytest.mark.parametrize("name", LAYERS)


@every_layer
@pytest.mark.parametrize("form", [lambda cell: cell, canonical], ids=["as published", "canonical"])
def test_torch_runs_its_own_cells_in_any_form(name, form) -> None:
    assert backend_for(form(NAMED_CELLS[name]), device="cuda") is TorchRecurrence


@pytest.mark.parametrize("name", sorted(set(NAMED_CELLS) - set(LAYERS)))
def test_torch_does_not_claim_other_cells(name) -> None:
    assert not TorchRecurrence.supports(NAMED_CELLS[name])


def test_building_it_for_another_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="torch has no kernel"):
        TorchRecurrence(NAMED_CELLS["mgu"], 2, 2)


@every_layer
def test_outputs_equal_those_of_torchs_module(name) -> None:
    recurrence = TorchRecurrence(NAMED_CELLS[name], 3, 4, bidirectional=True)
    layer = LAYERS[name](3, 4, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for suffix in ("", "_reverse"):
            flat = recurrence._flat_weights(suffix)
            for part, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), flat, strict=True):
                layer.get_parameter(f"{part}_l0{suffix}").copy_(value)
    inputs = torch.randn(2, 6, 3)

    torch.testing.assert_close(recurrence(inputs), layer(inputs)[0])


@every_layer
def test_new_weights_are_drawn_from_the_same_range_as_torchs(name) -> None:
    ours = torch.cat([p.detach().ravel() for p in TorchRecurrence(NAMED_CELLS[name], 16, 16).parameters()])
    theirs = torch.cat([p.detach().ravel() for p in LAYERS[name](16, 16).parameters()])
    assert ours.abs().max() <= 16**-0.5
    assert abs(ours.std() - theirs.std()) < 0.1 * theirs.std()


def test_a_cell_without_biases_runs_on_the_kernel_with_zeros() -> None:
    cell = CellGraph(1, (Node(Op.LINEAR, (X, 1)), Node(Op.TANH, (2,))), (3,))
    recurrence = TorchRecurrence(cell, 3, 4)
    assert {name for name, _ in recurrence.named_parameters()} == {"weight_0"}
    assert not recurrence(torch.zeros(1, 5, 3)).any()


@every_layer
def test_weights_lie_in_memory_as_cudnn_wants_them(name) -> None:
    recurrence = TorchRecurrence(NAMED_CELLS[name], 3, 4)
    weights = recurrence._flat_weights("")
    ends = [weight.data_ptr() + 4 * weight.numel() for weight in weights]
    assert [weight.data_ptr() for weight in weights[1:]] == ends[:-1]
    assert weights[0].untyped_storage().nbytes() == sum(4 * weight.numel() for weight in weights)
