"""What a network inherits: what does the same is copied, and what is new does not disturb it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Head, Layer, Norm, Pooling, Signature
from evo_nas.genome.blocks import Context, Shortcut
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.randomness import stream
from evo_nas.training.checkpoint import metadata
from evo_nas.training.inheritance import (
    ancestor_bytes,
    ancestor_of,
    bank_keys,
    give_to_bank,
    inherit_from_bank,
    inherit_from_parent,
    network_roles,
)
from evo_nas.training.roles import matched
from evo_nas.weights import MemoryBank

SIGNATURE = Signature(features=3, outputs=2)
INPUTS = torch.randn(5, 7, 3, generator=torch.Generator().manual_seed(0))


def network(architecture: Architecture, seed: int = 0, signature: Signature = SIGNATURE) -> Network:
    with SeededInit(torch.Generator().manual_seed(seed)):
        return Network(architecture, signature).eval()


def of(*layers: Layer, **changes) -> Architecture:
    return Architecture(layers=layers, **changes)


def inherited(parent: Network, child: Architecture, steps: int = 40) -> Network:
    made = network(child, seed=1)
    assert inherit_from_parent(ancestor_bytes(parent, steps=steps), made) == steps
    return made


def assert_computes_the_same(child: Network, parent: Network, tolerance: float = 1e-6) -> None:
    with torch.no_grad():
        torch.testing.assert_close(child(INPUTS), parent(INPUTS), atol=tolerance, rtol=0)


LSTM, GRU, MGU = (NAMED_CELLS[name] for name in ("lstm", "gru", "mgu"))


@pytest.mark.parametrize("cell", list(NAMED_CELLS.values()), ids=list(NAMED_CELLS))
def test_a_child_with_the_same_network_computes_the_same(cell) -> None:
    parent = network(of(Layer(cell, 4, bidirectional=True), Layer(cell, 3)))
    assert_computes_the_same(inherited(parent, parent.architecture), parent, 0.0)


def test_every_tensor_of_the_same_network_is_copied() -> None:
    parent = network(
        of(
            Layer(LSTM, 4, bidirectional=True, norm=Norm.LAYER, residual=True),
            Layer(GRU, 3, context=Context.ATTENTION, skip=0, norm=Norm.BEFORE),
            head=Head(pooling=Pooling.ATTENTION, hidden=5, skip=1),
            shortcut=Shortcut.of("pooled"),
        )
    )
    child = inherited(parent, parent.architecture)
    for name, tensor in parent.state_dict().items():
        assert torch.equal(child.state_dict()[name], tensor), name


@pytest.mark.parametrize("cell", [LSTM, GRU, MGU, NAMED_CELLS["enas"]])
def test_a_wider_child_computes_the_same(cell) -> None:
    parent = network(of(Layer(cell, 4, bidirectional=True), Layer(cell, 3, skip=0), head=Head(hidden=4)))
    wider = of(Layer(cell, 6, bidirectional=True), Layer(cell, 5, skip=0), head=Head(hidden=7))
    assert_computes_the_same(inherited(parent, wider), parent)


def test_new_units_have_weights_of_their_own_and_can_learn() -> None:
    parent = network(of(Layer(LSTM, 4)))
    child = inherited(parent, of(Layer(LSTM, 6)))
    child(INPUTS).square().sum().backward()
    for name, parameter in child.named_parameters():
        assert parameter.grad is not None
        if name == "head.output.weight":
            assert parameter.grad[:, 4:].abs().min() > 0
    rows = child.layers[0].recurrence.weight_0.detach()[4:]
    assert rows.abs().min() > 0


def test_a_narrower_child_keeps_the_first_units() -> None:
    parent = network(of(Layer(LSTM, 6)))
    child = inherited(parent, of(Layer(LSTM, 4)))
    assert torch.equal(child.head.output.weight, parent.head.output.weight[:, :4])


@pytest.mark.parametrize(
    "changed",
    [
        of(Layer(LSTM, 4), Layer(GRU, 3, skip=0)),
        of(Layer(LSTM, 4, bidirectional=True), Layer(GRU, 3)),
        of(Layer(LSTM, 4), Layer(GRU, 3), head=Head(skip=0)),
        of(Layer(LSTM, 4), Layer(GRU, 3), head=Head(skip=1)),
        of(Layer(LSTM, 4, dropout=0.3), Layer(GRU, 3)),
    ],
)
def test_a_new_source_is_not_read_at_first(changed) -> None:
    parent = network(of(Layer(LSTM, 4), Layer(GRU, 3)))
    assert_computes_the_same(inherited(parent, changed), parent)


def test_a_skip_that_has_gone_leaves_the_rest_in_place() -> None:
    parent = network(of(Layer(LSTM, 4), Layer(GRU, 3, skip=0)))
    child = inherited(parent, of(Layer(LSTM, 4), Layer(GRU, 3)))
    for old, new in zip(parent.layers[1].parameters(), child.layers[1].parameters(), strict=True):
        # Columns of the layer below, of the skip, and of the state.
        assert torch.equal(old if old.shape == new.shape else torch.cat([old[:, :4], old[:, 7:]], dim=1), new)


ELMAN = CellGraph(1, (Node(Op.LINEAR, (X, H), bias=True), Node(Op.TANH, (2,))), (3,))


def gated(op: Op, *operands: int) -> CellGraph:
    nodes = (
        *(Node(Op.LINEAR, (X, H), bias=True), Node(Op.LINEAR, (X, H), bias=True)),
        *(Node(Op.TANH, (2,)), Node(Op.SIGMOID, (3,))),
        Node(op, operands),
    )
    return CellGraph(1, nodes, (6,))


@pytest.mark.parametrize(
    "cell",
    [gated(Op.BLEND, 5, 4, H), gated(Op.BLEND, 5, H, 4), gated(Op.MUL, 4, 5)],
    ids=["open", "shut", "product"],
)
def test_a_new_gate_lets_through_what_was_there(cell) -> None:
    parent = network(of(Layer(ELMAN, 4)))
    child = inherited(parent, of(Layer(cell, 4)))
    assert_computes_the_same(child, parent, 0.05)
    fresh = network(of(Layer(cell, 4)), seed=1)
    with torch.no_grad():
        assert (fresh(INPUTS) - parent(INPUTS)).abs().max() > 0.1


def test_a_new_factor_is_one() -> None:
    scaled = CellGraph(1, (*ELMAN.nodes, Node(Op.SCALE, (3,))), (4,))
    parent = network(of(Layer(ELMAN, 4)))
    assert_computes_the_same(inherited(parent, of(Layer(scaled, 4))), parent)


def test_a_new_shortcut_adds_nothing_at_first() -> None:
    parent = network(of(Layer(LSTM, 4)))
    child = network(of(Layer(LSTM, 4), shortcut=Shortcut.of("pooled")), seed=1)
    with torch.no_grad():
        child.shortcut.weight.fill_(1.0)
    inherit_from_parent(ancestor_bytes(parent, steps=1), child)
    assert_computes_the_same(child, parent)


def test_roles_do_not_hang_on_the_numbers_of_nodes() -> None:
    nodes = (
        *(Node(Op.LINEAR, (H,), bias=True), Node(Op.SIGMOID, (2,))),
        *(Node(Op.LINEAR, (X, H), bias=True), Node(Op.TANH, (4,)), Node(Op.MUL, (5, 3))),
    )
    one = network(of(Layer(CellGraph(1, nodes, (6,)), 4)))
    other = network(of(Layer(ELMAN, 4)))
    pairs = dict(matched(network_roles(other), network_roles(one)))
    assert pairs["layers.0.recurrence.weight_0"] == "layers.0.recurrence.weight_2"


def test_roles_of_a_network_are_its_own() -> None:
    for name, cell in NAMED_CELLS.items():
        roles = network_roles(network(of(Layer(cell, 4, bidirectional=True), Layer(cell, 4))))
        for level in range(max(len(role.names) for role in roles.values())):
            names = [role.names[level] for role in roles.values() if level < len(role.names)]
            assert len(names) == len(set(names)), name
        made = network(of(Layer(cell, 4, bidirectional=True), Layer(cell, 4)))
        assert len(set(bank_keys(made).values())) == len(bank_keys(made))


TEXT = Signature(features=0, outputs=20, vocabulary=20, per_step=True, predicts_inputs=True)


def text_network(cell: CellGraph, context: Context = Context.ATTENTION, seed: int = 0) -> Network:
    layer = Layer(cell, 8, context=context, norm=Norm.LAYER)
    return network(of(layer, head=Head(hidden=6), embedding=4), seed, TEXT)


def test_networks_with_other_cells_share_embedding_attention_norm_and_head_through_the_bank() -> None:
    bank = MemoryBank()
    first, second = text_network(LSTM), text_network(MGU, seed=1)
    own = {name: tensor.clone() for name, tensor in second.state_dict().items()}
    give_to_bank(bank, first, steps=30)
    assert inherit_from_bank(bank, second) == 30
    around = [name for name, _ in second.named_parameters() if ".recurrence." not in name]
    assert {"front.embedding.weight", "head.hidden.weight", "head.output.weight"} < set(around)
    assert {"layers.0.norm.weight", "layers.0.context.directions.0.project.weight"} < set(around)
    for name in around:
        assert torch.equal(second.state_dict()[name], first.state_dict()[name]), name
    # What no network gave keeps its own initial weights.
    assert any(torch.equal(second.state_dict()[name], own[name]) for name in own if name not in around)


def test_the_tensors_of_attention_are_no_tensors_of_a_memory() -> None:
    attention, memory = (
        set(bank_keys(text_network(LSTM, each)).values()) for each in (Context.ATTENTION, Context.MEMORY)
    )
    assert {key for key in attention & memory if "context" in key} == set()
    assert {key for key in attention if "context" in key}


def test_networks_of_other_widths_share_only_what_has_the_same_shape() -> None:
    bank = MemoryBank()
    give_to_bank(bank, network(of(Layer(LSTM, 4), embedding=4), 0, TEXT), steps=5)
    wider = network(of(Layer(LSTM, 6), embedding=4), 1, TEXT)
    before = {name: tensor.clone() for name, tensor in wider.state_dict().items()}
    assert inherit_from_bank(bank, wider) == 5
    changed = {name for name, tensor in wider.state_dict().items() if not torch.equal(tensor, before[name])}
    assert "front.embedding.weight" in changed
    assert not any("recurrence" in name for name in changed)


def test_random_networks_inherit_from_each_other_without_error() -> None:
    space = SearchSpace(SpaceOptions(widths=(3, 5)), SIGNATURE, 4)
    drawn = [space.decode(space.random(stream(0, "inherit", k))) for k in range(30)]
    networks = [network(each) for each in drawn]
    for parent, child in zip(networks, drawn[1:], strict=False):
        made = network(child, seed=1)
        inherit_from_parent(ancestor_bytes(parent, steps=7), made)
        assert all(torch.isfinite(parameter).all() for parameter in made.parameters())
    for parent in networks:
        assert_computes_the_same(inherited(parent, parent.architecture), parent, 0.0)


def test_of_a_network_of_another_task_only_what_states_do_is_inherited() -> None:
    foreign = replace(SIGNATURE, features=SIGNATURE.features + 2, outputs=SIGNATURE.outputs + 1)
    parent = network(of(Layer(LSTM, 4), Layer(LSTM, 4)), signature=foreign)
    made, fresh = (network(of(Layer(LSTM, 4), Layer(LSTM, 4)), seed=1) for _ in range(2))
    assert inherit_from_parent(ancestor_bytes(parent, steps=7), made) == 7
    old, begun = dict(parent.named_parameters()), dict(fresh.named_parameters())
    kept, read = 0, 0
    for name, tensor in made.named_parameters():
        if name.startswith("layers.1.") or (name.startswith("layers.0.") and tensor.dim() == 1):
            assert torch.equal(tensor, old[name]), name
            kept += 1
        elif name.startswith("layers.0.") and ".weight_" in name:
            states = tensor.shape[1] - SIGNATURE.features
            assert torch.equal(tensor[:, -states:], old[name][:, -states:])
            assert torch.equal(tensor[:, :-states], begun[name][:, :-states])
            read += 1
        else:
            assert torch.equal(tensor, begun[name]), name
    assert kept
    assert read


def test_the_weights_of_an_exported_network_are_those_of_a_parent() -> None:
    made = network(of(Layer(LSTM, 4)))
    exported = save({name: tensor.contiguous() for name, tensor in made.state_dict().items()})
    assert ancestor_of(made.architecture, SIGNATURE, exported, steps=3) == ancestor_bytes(made, steps=3)
    with pytest.raises(GenomeError, match="are not those of its architecture"):
        ancestor_of(of(Layer(LSTM, 5)), SIGNATURE, exported + b" " * 4096, steps=3)


def spoilt(content: bytes) -> list[tuple[bytes | None, str]]:
    empty = save({}, metadata=metadata(content))
    return [
        (None, "missing or damaged"),
        (content[:50], "cannot be read"),
        (save(load(content)), "cannot be read"),
        (empty, ""),
    ]


def test_weights_that_cannot_be_used_are_told_in_a_line_and_leave_the_network(caplog) -> None:
    content = ancestor_bytes(network(of(Layer(LSTM, 4))), steps=1)
    for bad, reason in spoilt(content):
        caplog.clear()
        made, untouched = (network(of(Layer(LSTM, 4)), seed=1) for _ in range(2))
        assert inherit_from_parent(bad, made) == 0
        for one, other in zip(made.parameters(), untouched.parameters(), strict=True):
            assert torch.equal(one, other)
        assert reason in caplog.text
        assert len(caplog.records) == (reason != "")


def test_the_bytes_hold_every_parameter() -> None:
    made = network(of(Layer(LSTM, 4)))
    tensors = load(ancestor_bytes(made, steps=3))
    assert sorted(tensors) == sorted(name for name, _ in made.named_parameters())
    for name, parameter in made.named_parameters():
        np.testing.assert_array_equal(tensors[name].numpy(), parameter.detach().numpy())
