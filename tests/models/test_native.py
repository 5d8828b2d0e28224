"""The interpreter: lengths, directions, states, saturation, memory."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import NativeRecurrence, native_status, scan
from evo_nas.models.native.recurrence import _Pool

pytestmark = pytest.mark.skipif(not native_status().available, reason=native_status().explanation)

H = 1
LENGTHS = torch.tensor([3, 7, 0, 5])


def layer(name: str, *, inputs: int = 5, width: int = 20) -> NativeRecurrence:
    return NativeRecurrence(NAMED_CELLS[name], inputs, width)


def run(recurrence: NativeRecurrence, inputs: torch.Tensor, **how):
    """Outputs and final states."""
    return scan(recurrence.bound, inputs, recurrence.live_parameters(""), **how)


def assert_trains_like(reference, backend, inputs, **tolerance) -> None:
    """Outputs and all gradients of ``backend`` with the reference's weights equal the reference's."""
    backend.load_state_dict(reference.state_dict())
    seen = []
    for module in (backend, reference):
        dtype = next(module.parameters()).dtype
        module_inputs = inputs.to(dtype).detach().requires_grad_()
        outputs = module(module_inputs)
        outputs.square().sum().backward()
        gradients = [parameter.grad for parameter in module.parameters()]
        seen.append([tensor.detach().double() for tensor in (outputs, module_inputs.grad, *gradients)])
    for actual, expected in zip(*seen, strict=True):
        torch.testing.assert_close(actual, expected, **tolerance)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_sequence_read_in_two_pieces_ends_in_the_same_states(reverse) -> None:
    recurrence, inputs = layer("lstm"), torch.randn(4, 7, 5)
    outputs, final = run(recurrence, inputs, reverse=reverse)
    pieces = [inputs[:, :3], inputs[:, 3:]]
    initial, joined = None, []
    for piece in reversed(pieces) if reverse else pieces:
        piece_outputs, initial = run(recurrence, piece, initial=initial, reverse=reverse)
        joined.append(piece_outputs)

    torch.testing.assert_close(torch.cat(joined[::-1] if reverse else joined, dim=1), outputs)
    torch.testing.assert_close(initial, final)


@pytest.mark.parametrize("reverse", [False, True])
def test_final_states_are_those_after_each_sequence_and_not_after_its_padding(reverse) -> None:
    recurrence, inputs = layer("lstm"), torch.randn(4, 7, 5)
    initial = torch.randn(2, 4, 20)
    _, final = run(recurrence, inputs, lengths=LENGTHS, initial=initial, reverse=reverse)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = run(
            recurrence, inputs[row : row + 1, :length], initial=initial[:, row : row + 1], reverse=reverse
        )
        torch.testing.assert_close(final[:, row : row + 1], alone[1])


def test_gradients_flow_from_final_states_into_initial_ones() -> None:
    recurrence, inputs = layer("lstm"), torch.randn(4, 7, 5)
    initial = torch.randn(2, 4, 20, requires_grad=True)
    _, whole = run(recurrence, inputs, initial=initial)
    _, middle = run(recurrence, inputs[:, :3], initial=initial)
    _, pieced = run(recurrence, inputs[:, 3:], initial=middle)
    wanted = [initial, *recurrence.parameters()]

    expected = torch.autograd.grad(whole.square().sum(), wanted)
    torch.testing.assert_close(torch.autograd.grad(pieced.square().sum(), wanted), expected)


def test_what_padding_holds_does_not_matter() -> None:
    recurrence, inputs = layer("gru"), torch.randn(4, 7, 5)
    padded = inputs.masked_fill((torch.arange(7) >= LENGTHS[:, None])[..., None], torch.nan)
    torch.testing.assert_close(recurrence(padded, LENGTHS), recurrence(inputs, LENGTHS))


def test_outputs_without_gradients_are_the_same() -> None:
    recurrence, inputs = layer("darts_v2"), torch.randn(40, 30, 5)
    with torch.no_grad():
        evaluated = recurrence(inputs)
    assert torch.equal(evaluated, recurrence(inputs).detach())


def test_gradients_can_be_asked_for_twice() -> None:
    recurrence = layer("mgu")
    outputs = recurrence(torch.randn(4, 7, 5)).sum()
    first = torch.autograd.grad(outputs, list(recurrence.parameters()), retain_graph=True)
    recurrence(torch.randn(4, 7, 5))
    second = torch.autograd.grad(outputs, list(recurrence.parameters()))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_two_layers_in_one_graph_keep_their_values_apart() -> None:
    below, above, inputs = layer("gru"), layer("ugrnn", inputs=20), torch.randn(4, 7, 5)
    reference = nn.Sequential(
        EagerRecurrence(below.cell, 5, 20), EagerRecurrence(above.cell, 20, 20)
    ).double()
    assert_trains_like(reference, nn.Sequential(below, above), inputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_equals_the_layers_of_torch(name) -> None:
    recurrence, inputs = layer(name), torch.randn(4, 7, 5)
    theirs = {"lstm": nn.LSTM, "gru": nn.GRU}[name](5, 20, batch_first=True)
    gates = {  # in torch's order, linear nodes and what each reads
        "lstm": [((0, X), (0, H)), ((5, X), (5, H)), ((2, X), (2, H)), ((9, X), (9, H))],
        "gru": [((0, X), (0, H)), ((2, X), (2, H)), ((6, X), (4, H))],
    }[name]
    with torch.no_grad():
        for reference, (weight, bias) in enumerate(
            [(theirs.weight_ih_l0, theirs.bias_ih_l0), (theirs.weight_hh_l0, theirs.bias_hh_l0)]
        ):
            for gate, sources in enumerate(gates):
                index, source = sources[reference]
                position = recurrence.cell.nodes[index].inputs.index(source)
                columns = recurrence.get_parameter(f"weight_{index}").split(recurrence.input_widths(index), 1)
                rows = slice(20 * gate, 20 * (gate + 1))
                weight[rows] = columns[position]
                shared = sources[0][0] == sources[1][0] and reference == 1
                bias[rows] = 0.0 if shared else recurrence.get_parameter(f"bias_{index}")
    for lengths in (torch.tensor([7, 7, 7, 7]), torch.tensor([3, 7, 1, 5])):
        packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        expected, states = theirs(packed)
        expected, _ = nn.utils.rnn.pad_packed_sequence(expected, batch_first=True)
        outputs, final = run(recurrence, inputs, lengths=lengths)
        torch.testing.assert_close(outputs, expected, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(
            final, torch.cat(states) if name == "lstm" else states, rtol=1e-5, atol=1e-6
        )


def unary(op: Op) -> CellGraph:
    """``h' = op(x)``, given the identity as weights."""
    return CellGraph(1, (Node(Op.LINEAR, (X,)), Node(op, (2,))), (3,))


EXTREMES = torch.tensor([0.0, 1e-30, 1e-4, 0.624, 0.626, 5.0, 9.0, 44.4, 88.7, 89.0, 104.0, 1e4, 1e30, 3e38])


@pytest.mark.parametrize(
    "op",
    [Op.TANH, Op.SIGMOID, Op.RELU, Op.LEAKY_RELU, Op.EXP, Op.SOFTPLUS, Op.ONE_MINUS, Op.SILU, Op.SQRT],
)
def test_activations_are_right_however_large_their_input(op) -> None:
    values = torch.cat([EXTREMES, -EXTREMES])
    recurrence = NativeRecurrence(unary(op), 1, 1)
    reference = EagerRecurrence(unary(op), 1, 1).double()
    for module in (recurrence, reference):
        module.load_state_dict({"weight_0": torch.ones(1, 1)})
    inputs = values[:, None, None]
    results = []
    for module, dtype in ((recurrence, torch.float32), (reference, torch.float64)):
        module_inputs = inputs.to(dtype).detach().requires_grad_()
        outputs = module(module_inputs)
        (gradient,) = torch.autograd.grad(outputs.sum(), module_inputs)
        results.append((outputs.flatten().float(), gradient.flatten().float()))

    outputs, gradients = zip(*results, strict=True)
    torch.testing.assert_close(*outputs, rtol=1e-6, atol=1e-36 if op is Op.SILU else 2e-38)
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1.2e-7)  # 1 - y is known to an ulp of 1


@pytest.mark.parametrize(
    "op", [op for op in Op if op.row.arity[1] and not op.row.delay and op not in (Op.LINEAR, Op.IDENTITY)]
)
def test_nan_stays_visible(op) -> None:
    count = max(op.row.arity[0], min(2, op.row.arity[1]))
    linears = tuple(Node(Op.LINEAR, (X,)) for _ in range(count))
    cell = CellGraph(1, (*linears, Node(op, tuple(range(2, 2 + count)))), (2 + count,))
    inputs = torch.zeros(3, 2, 4)
    inputs[1, 0, 2] = torch.nan
    outputs = NativeRecurrence(cell, 4, 5)(inputs)
    assert outputs[1, 0].isnan().all()
    assert outputs[0].isfinite().all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_outlives_the_original(copied) -> None:
    recurrence, inputs = layer("enas"), torch.randn(4, 7, 5)
    expected = recurrence(inputs).detach()
    twin = copied(recurrence)
    del recurrence
    torch.testing.assert_close(twin(inputs), expected, rtol=0, atol=0)


def test_double_precision_takes_the_backend_in_python() -> None:
    recurrence, inputs = layer("gru"), torch.randn(4, 7, 5)
    expected = recurrence(inputs)
    assert recurrence.double()(inputs.double()).dtype == torch.float64
    torch.testing.assert_close(recurrence(inputs.double()).float(), expected)


@pytest.mark.parametrize("shape", [(0, 7, 5), (4, 0, 5), (1, 1, 5)])
def test_empty_batches_and_single_steps_run(shape) -> None:
    recurrence = layer("gru")
    outputs = recurrence(torch.randn(shape))
    assert outputs.shape == (*shape[:2], 20)
    outputs.sum().backward()
    assert recurrence.weight_0.grad.isfinite().all()


def test_inputs_and_gradients_may_lie_anyhow_in_memory() -> None:
    recurrence, inputs = layer("gru"), torch.randn(7, 5, 4)
    outputs = recurrence(inputs.permute(2, 0, 1))
    torch.testing.assert_close(outputs, recurrence(inputs.permute(2, 0, 1).contiguous()))
    (first,) = torch.autograd.grad(outputs.sum(), recurrence.weight_0, retain_graph=True)  # expanded gradient
    (second,) = torch.autograd.grad(outputs, recurrence.weight_0, torch.ones_like(outputs))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(
    ("shape", "how", "complaint"),
    [
        ((4, 7, 6), {}, "inputs have 6 features; the layer was built for 5"),
        ((4, 7, 5), {"lengths": torch.tensor([7, 7, 7, 8])}, "each 0 to 7"),
        ((4, 7, 5), {"lengths": torch.tensor([7, 7, -1, 7])}, "each 0 to 7"),
        ((4, 7, 5), {"lengths": torch.tensor([7, 7])}, "must be 4 numbers"),
        ((4, 7, 5), {"initial": torch.zeros(1, 4, 19)}, r"must have \(1, 4, 20\)"),
    ],
)
def test_shapes_that_would_read_foreign_memory_are_refused(shape, how, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        run(layer("gru"), torch.zeros(shape), **how)


def test_the_layers_of_a_deep_network_use_the_same_memory_in_every_step(monkeypatch) -> None:
    pool = _Pool()
    monkeypatch.setattr("evo_nas.models.native.recurrence._values", pool)
    layers = [NativeRecurrence(NAMED_CELLS["gru"], 8, 8) for _ in range(5)]
    used = []
    for _ in range(2):
        outputs = torch.randn(3, 4, 8)
        for recurrence in layers:
            outputs = recurrence(outputs)
        assert not pool.spare
        outputs.sum().backward()
        del outputs
        used.append({tensor.data_ptr() for tensor in pool.spare})
    assert len(used[0]) == len(layers)
    assert used[0] == used[1]


def test_no_more_memory_is_kept_than_permitted() -> None:
    pool = _Pool(most=100)
    workspaces = [pool.lend(size) for size in (60, 30, 60)]
    workspaces.clear()
    assert [len(tensor) for tensor in pool.spare] == [30, 60]
    smallest = pool.lend(20)
    assert [len(tensor) for tensor in pool.spare] == [60]
    del smallest
    outgrown = pool.lend(61)
    assert [len(tensor) for tensor in pool.spare] == [30]
    del outgrown


def test_memory_that_cannot_be_had_costs_none_that_is_kept() -> None:
    pool = _Pool()
    pool.give_back(torch.empty(10))
    with pytest.raises(RuntimeError):
        pool.lend(2**60)
    assert len(pool.spare) == 1


def test_columns_that_fill_a_vector_of_the_processor_never_reach_the_units() -> None:
    # The weights of such columns are zero, so that their gate is wide open: 1.5 a step, where that of a unit is 0.4.
    memory = 2
    cell = CellGraph(
        2,
        (
            Node(Op.LINEAR, (X,), bias=True),
            Node(Op.SIGMOID, (3,)),
            Node(Op.ADD, (4, 4, 4)),
            Node(Op.MUL, (5, memory)),
            Node(Op.ADD, (4, 6)),
            Node(Op.LINEAR, (7,)),
        ),
        (8, 7),
    )
    recurrence, reference = NativeRecurrence(cell, 3, 5), EagerRecurrence(cell, 3, 5).double()
    nn.init.constant_(reference.bias_0, -2.0)
    assert_trains_like(reference, recurrence, torch.randn(2, 300, 3), rtol=1e-4, atol=1e-5)
