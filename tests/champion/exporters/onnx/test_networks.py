"""Every block that a network can have gives in onnxruntime what it gives in torch, whatever the batch and the time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.ensemble import Link, model_of
from evo_nas.models.network import Network
from tests.champion.exporters.onnx.running import Running
from tests.models.test_any_architecture import SPACES, drawn, inputs_for
from tests.models.test_bptt import cell_with

from evo_nas.champion.exporters.onnx.whole import whole_model  # isort: skip - where onnx is absent, nothing is left

BATCHES = {
    "whole": (3, 4, None),
    "one step": (1, 1, None),
    "longer than any of training": (2, 9, None),
    "padded": (3, 4, [4, 1, 2]),
}
SERIES = Signature(features=3, outputs=2, per_step=True)


def assert_same(network, batch=3, time=4, lengths=None, *, running=None) -> None:
    inputs = inputs_for(network.signature, batch, time)
    running = running or Running(whole_model(network))
    with torch.no_grad():
        wanted = network(inputs, None if lengths is None else torch.tensor(lengths)).numpy()
    found = running(inputs=inputs.numpy(), lengths=lengths)["outputs"]
    assert found.shape == wanted.shape
    if network.signature.per_step and lengths is not None:
        valid = np.arange(time) < np.array(lengths)[:, None]
        found, wanted = found[valid], wanted[valid]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", SPACES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_architectures_give_the_same(kind, seed) -> None:
    _, network = drawn(SPACES[kind], seed)
    running = Running(whole_model(network))
    for batch in BATCHES.values():
        assert_same(network, *batch, running=running)


@pytest.mark.parametrize("op", [op for op in Op if op.row.delay < 4])
def test_every_op_gives_the_same(op) -> None:
    network = Network(Architecture((Layer(cell_with(op), 4),)), SERIES).eval()
    assert_same(network, time=6)


@pytest.mark.parametrize("name", NAMED_CELLS)
def test_every_published_cell_gives_the_same_in_both_directions(name) -> None:
    network = Network(Architecture((Layer(NAMED_CELLS[name], 4, bidirectional=True),)), SERIES).eval()
    assert_same(network, 3, 6, [6, 1, 4])


@pytest.mark.parametrize("link", Link)
def test_members_are_averaged_on_the_scale_of_their_link(link) -> None:
    layer = Layer(NAMED_CELLS["gru"], 5)
    members = [Network(Architecture((layer,)), SERIES) for _ in range(3)]
    assert_same(model_of(members, link=link, shares=[5, 3, 2]), 3, 6, [6, 1, 4])


def test_a_long_sequence_needs_no_memory_for_pairs_of_steps() -> None:
    cell = NAMED_CELLS["mingru"]
    network = Network(Architecture((Layer(cell, 4, context="attention"),)), SERIES).eval()
    assert_same(network, 1, 300)
