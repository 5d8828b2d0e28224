"""Costs that were counted on paper against networks that run."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.blocks import ATTENTION_HEADS, ATTENTION_WINDOW, Context
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.costs import Costs
from evo_nas.genome.footprint import state_bytes
from evo_nas.genome.network_work import steps_of, work_of
from evo_nas.genome.streaming import can_stream
from evo_nas.models import recurrent_layer
from evo_nas.models.attention import WindowedAttention
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.external_memory import MOST_WRITTEN, SlotMemory
from evo_nas.models.network import Network
from evo_nas.models.streaming import StreamingModel
from tests.models.test_any_architecture import SPACES, inputs_for

DRAWS = 30
WIDTH = 5


def flops_of(run, *arguments) -> int:
    """What torch counts of the products of matrices in ``run``."""
    with FlopCounterMode(display=False) as counter:
        run(*arguments)
    return int(counter.get_total_flops())


@pytest.fixture
def _eager(monkeypatch) -> None:
    """Networks whose products torch can see."""
    monkeypatch.setattr(recurrent_layer, "backend_for", lambda *_, **__: EagerRecurrence)


@pytest.mark.usefixtures("_eager")
@pytest.mark.parametrize("kind", SPACES)
def test_products_are_counted_as_torch_counts_them(kind) -> None:
    space, seen = SPACES[kind], set()
    for seed in range(DRAWS):
        architecture = space.decode(space.random(Random(seed)))
        network = Network(architecture, space.signature).eval()
        for layer in network.layers:
            layer.context = None  # compared below: the module also computes scores that it masks
        inputs = inputs_for(space.signature, batch=1, time=steps_of(architecture, space.signature))
        parts = work_of(architecture, space.signature)
        macs = sum(work.macs for name, work in parts.items() if not name.endswith(".context"))
        assert flops_of(network, inputs) == 2 * macs, architecture
        seen |= parts.keys()
    assert {"layer1", "layer2", "layer3", "layer1.context", "layer1.norm", "layer1.residual", "head"} <= seen
    assert "decoder" in seen or not space.signature.horizon


def attend_step_by_step(module: WindowedAttention, steps: torch.Tensor) -> torch.Tensor:
    """Attention over ``steps`` ``(time, width)`` by its equations: each step looks at what its window has."""
    keys, values, outputs = [], [], []
    for step in functional.layer_norm(steps, steps.shape[1:]):
        query, key, value = module.project(step[None])[0].view(3, ATTENTION_HEADS, -1)
        keys, values = [*keys, key][-ATTENTION_WINDOW:], [*values, value][-ATTENTION_WINDOW:]
        seen = torch.stack(keys, dim=1)  # (heads, seen, features)
        scores = torch.bmm(seen, query[..., None])[..., 0] * query.shape[-1] ** -0.5
        scores = scores + module.distances[:, : len(keys)].flip(1)
        found = torch.bmm(scores.softmax(dim=1)[:, None], torch.stack(values, dim=1))
        outputs.append(module.merge(found.reshape(1, -1))[0])
    return torch.stack(outputs)


def remember_step_by_step(module: SlotMemory, steps: torch.Tensor) -> torch.Tensor:
    """A memory of slots over ``steps`` ``(time, width)`` by its equations: write, then read."""
    slots, outputs = module.zero_states(steps[None])["slots"][:, 0], []
    for step in functional.layer_norm(steps, steps.shape[1:]):
        query, key, value = module.project(step[None])[0].chunk(3)
        share = torch.sigmoid(module.gate(step[None]))[0] * MOST_WRITTEN
        written = (module.address(step[None])[0].softmax(dim=0) * share)[:, None]
        slots = slots + written * (torch.cat([key, value]) - slots)
        keys, values = slots.chunk(2, dim=1)
        scores = (query * len(query) ** -0.5)[None] @ keys.T
        outputs.append(module.merge(scores.softmax(dim=1) @ values)[0])
    return torch.stack(outputs)


@pytest.mark.parametrize("time", [1, 5, ATTENTION_WINDOW, ATTENTION_WINDOW + 7])
@pytest.mark.parametrize(
    ("context", "module", "by_equations"),
    [
        (Context.ATTENTION, WindowedAttention, attend_step_by_step),
        (Context.MEMORY, SlotMemory, remember_step_by_step),
    ],
)
def test_products_of_contexts_are_those_of_their_equations(context, module, by_equations, time) -> None:
    signature = Signature(features=3, outputs=2, steps=time)
    built, steps = module(WIDTH), torch.randn(time, WIDTH)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.normal_()
        torch.testing.assert_close(by_equations(built, steps), built(steps[None])[0], rtol=1e-3, atol=1e-4)
    layer = Layer(NAMED_CELLS["gru"], WIDTH, context=context)
    work = work_of(Architecture((layer,)), signature)["layer1.context"]
    assert flops_of(by_equations, built, steps) == 2 * work.macs
    both_ways = work_of(Architecture((replace(layer, bidirectional=True),)), signature)
    assert both_ways["layer1.context"] == work.times(2)


@pytest.mark.parametrize("kind", SPACES)
@given(seed=st.integers(0, 2**32))
def test_a_network_streams_if_it_was_said_to_and_keeps_the_bytes_that_were_counted(kind, seed) -> None:
    space = SPACES[kind]
    architecture = space.decode(space.random(Random(seed)))
    network = Network(architecture, space.signature).eval()
    if not can_stream(architecture):
        with pytest.raises(GenomeError, match="architecture"):
            StreamingModel(network)
        return
    states = StreamingModel(network).zero_states()
    kept = sum(state.numel() * state.element_size() for state in states.values())
    assert state_bytes(architecture, space.signature) == kept


def test_costs_tell_parts_that_add_up() -> None:
    space = SPACES["a forecast"]
    for seed in range(50):
        architecture = space.decode(space.random(Random(seed)))
        costs = Costs.of(architecture, space.signature)
        assert costs.macs * costs.steps == sum(work.macs for work in costs.parts.values())
        assert costs.flops * costs.steps == pytest.approx(sum(work.flops for work in costs.parts.values()))
        assert all(value > 0 for value in costs.metrics.values())
