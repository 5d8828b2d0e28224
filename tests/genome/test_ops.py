"""The table of ops, and that no other table of the product lacks one of them."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cgp import DEFAULT_OPS, OP_CHOICES
from evo_nas.genome.notation import text_lines
from evo_nas.genome.op_row import MAX_LINEAR_INPUTS, Sign
from evo_nas.genome.ops import DELAYS, MAX_DELAY, Op
from evo_nas.models import bptt_ops, eager
from evo_nas.models.native import NativeRecurrence, native_status
from evo_nas.models.program import assemble
from tests.genome.conftest import COMPUTE, unit_weight

NUMBERS = {
    Op.LINEAR: 0,
    Op.BLEND: 1,
    Op.ADD: 2,
    Op.MUL: 3,
    Op.MEAN: 4,
    Op.TANH: 5,
    Op.SIGMOID: 6,
    Op.RELU: 7,
    Op.LEAKY_RELU: 8,
    Op.IDENTITY: 9,
    Op.SCALE: 10,
    Op.BOUNDED_SCALE: 11,
    Op.CONSTANT: 12,
    Op.BOUNDED_CONSTANT: 13,
    Op.EXP: 14,
    Op.SOFTPLUS: 15,
    Op.SUBTRACT: 16,
    Op.ONE_MINUS: 17,
    Op.SILU: 18,
    Op.MAX: 19,
    Op.DIVIDE: 20,
    Op.SQRT: 21,
    **{DELAYS[steps]: 20 + steps for steps in range(2, MAX_DELAY + 1)},
}
"""Hashes of recorded architectures hang on these numbers: a new op gets the next one, and none ever changes."""
every_op = pytest.mark.parametrize("op", Op)
every_elementwise_op = pytest.mark.parametrize("op", [op for op in Op if op is not Op.LINEAR])
WITHOUT_INSTRUCTION = {
    Op.MEAN: Op.ADD,
    Op.IDENTITY: None,
    Op.SCALE: Op.MUL,
    Op.BOUNDED_SCALE: Op.MUL,
    Op.CONSTANT: None,
    Op.BOUNDED_CONSTANT: None,
    **dict.fromkeys(DELAYS.values()),
}
"""What the assembler makes of ops that have no instruction of their own."""


def cell_with(op: Op) -> CellGraph:
    """A cell whose new state is ``op`` of ``h`` or of affine functions, plus another such function."""
    count = 0 if op.row.delay else min(MAX_LINEAR_INPUTS, op.row.arity[1])
    affine = tuple(Node(Op.LINEAR, (X, H), bias=True) for _ in range(count + 1))
    result = Node(op, (H,) if op.row.delay else tuple(range(2, 2 + count)))
    total = Node(Op.ADD, (2 + count, 3 + count))
    return CellGraph(1, (*affine, result, total, Node(Op.TANH, (4 + count,))), (5 + count,))


def instructions(op: Op) -> set[Op]:
    """Operations of the instructions that run ``op``."""
    if op in WITHOUT_INSTRUCTION:
        return {WITHOUT_INSTRUCTION[op]} - {None}
    return {op}


def test_numbers_are_those_that_hashes_hang_on() -> None:
    assert {op: op.row.number for op in Op} == NUMBERS


@every_elementwise_op
def test_op_has_a_row_in_the_eager_reference(op) -> None:
    assert op in eager.OPERATIONS


@every_op
def test_program_of_an_op_has_its_instructions(op) -> None:
    assert {i.op for i in assemble(cell_with(op)).instructions} >= instructions(op)


@every_op
def test_instructions_of_an_op_run_in_python_in_both_directions(op) -> None:
    needed = instructions(op) - {Op.LINEAR, Op.ADD}  # these two have parameters, so they are no rows
    assert bptt_ops.OPERATIONS.keys() >= needed
    assert bptt_ops.CONTRIBUTIONS.keys() >= needed
    assert all(len(bptt_ops.CONTRIBUTIONS[code]) >= op.row.arity[0] for code in needed)


@pytest.mark.skipif(not native_status().available, reason=native_status().explanation)
@every_op
def test_interpreter_computes_an_op_and_its_gradients_as_the_reference_does(op) -> None:
    torch.manual_seed(1)
    native = NativeRecurrence(cell_with(op), 3, 5)
    reference = eager.EagerRecurrence(cell_with(op), 3, 5)
    reference.load_state_dict(native.state_dict())
    inputs = torch.randn(2, 20, 3)
    results = []
    for recurrence in (native, reference):
        given = inputs.clone().requires_grad_()
        outputs = recurrence(given)
        (outputs * torch.linspace(-1, 1, outputs.numel()).view_as(outputs)).sum().backward()
        results.append([outputs, given.grad, *(parameter.grad for parameter in recurrence.parameters())])
    for actual, expected in zip(*results, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=3e-5)  # a divisor may be near zero
        assert expected.abs().max() > 0


@every_elementwise_op
def test_op_is_computed_by_the_independent_interpreter_of_the_tests(op) -> None:
    assert op in COMPUTE


COSTS = {
    "add": (1, 0),
    "clamp": (1, 0),
    "div": (0, 1),
    "exp": (0, 1),
    "leaky_relu": (2, 0),
    "lerp": (3, 0),
    "maximum": (1, 0),
    "mul": (1, 0),
    "relu": (1, 0),
    "rsub": (1, 0),
    "sigmoid": (0, 1),
    "silu": (1, 1),
    "softplus": (1, 2),
    "sqrt": (0, 1),
    "sub": (1, 0),
    "tanh": (0, 1),
}
"""Operations and functions of each of torch's functions, an element."""
MEASURED = [op for op in Op if op not in (Op.LINEAR, Op.MEAN, Op.DIVIDE)]
"""A mean is a product in the table and a division in torch; torch guards a divisor by several comparisons."""


class Counting(TorchDispatchMode):
    """Adds up the cost of what torch does."""

    def __init__(self) -> None:
        super().__init__()
        self.cost = (0, 0)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        cost = COSTS[function.overloadpacket.__name__]
        self.cost = tuple(map(sum, zip(self.cost, cost, strict=True)))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("op", MEASURED)
def test_cost_of_an_op_is_that_of_what_the_eager_reference_does(op) -> None:
    most = min(op.row.arity[1], 4)
    for inputs in range(op.row.arity[0], most + 1):
        operands = [torch.ones(3) for _ in range(inputs + (op.row.unit_weight is not None))]
        with Counting() as counting:
            eager.OPERATIONS[op](operands)
        assert op.row.work(inputs) == counting.cost


def test_cost_of_a_mean_is_its_sum_and_a_product_and_of_a_quotient_a_division_and_its_guard() -> None:
    assert Op.MEAN.row.work(3) == (3, 0)
    assert Op.DIVIDE.row.work(2) == (1, 1)


def fewest_inputs(op: Op) -> int:
    return max(op.row.arity[0], 2) if op.row.arity[1] > 1 else op.row.arity[1]


def computed(op: Op, *values: np.ndarray) -> np.ndarray:
    """The value of ``op``, whose weights, if it has some, are not zero."""
    weights = np.linspace(-2, 2, 50)
    return COMPUTE[op](*values, *([] if op.row.unit_weight is None else [unit_weight(op, weights)]))


@every_elementwise_op
def test_zero_rule_says_zero_only_where_every_input_makes_it_zero(op) -> None:
    rng = np.random.default_rng(0)
    for zeros in product([False, True], repeat=fewest_inputs(op)):
        values = [np.zeros(50) if zero else rng.normal(size=50) for zero in zeros]
        assert op.row.zero(zeros) == (not computed(op, *values).any())


@every_elementwise_op
def test_sign_rule_promises_only_what_holds(op) -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(size=50) for _ in range(fewest_inputs(op))]
    if op.row.sign is Sign.NON_NEGATIVE:
        assert (computed(op, *values) >= 0).all()
    if op.row.sign is Sign.NON_NEGATIVE_IF_INPUTS_ARE:
        assert (computed(op, *map(np.abs, values)) >= 0).all()
    if op.row.rectifies:
        np.testing.assert_array_equal(computed(op, np.abs(values[0])), np.abs(values[0]))


@every_elementwise_op
def test_commutative_ops_are_those_whose_inputs_may_change_places(op) -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(size=50) for _ in range(fewest_inputs(op))]
    same = all(np.allclose(computed(op, *ordered), computed(op, *values)) for ordered in permutations(values))
    assert same == (op.row.commutative or len(values) < 2)


@every_elementwise_op
def test_an_op_equals_the_input_that_it_is_said_to_equal(op) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 50))
    for inputs in product(range(3), repeat=fewest_inputs(op)):
        same = op.row.same_as and op.row.same_as(inputs)
        if same is not None:
            np.testing.assert_allclose(computed(op, *values[list(inputs)]), values[same])


@every_elementwise_op
def test_an_op_is_said_to_cancel_where_equal_inputs_give_zero(op) -> None:
    value = np.random.default_rng(0).normal(size=50)
    inputs = [value] * fewest_inputs(op)
    assert op.row.cancels == (len(inputs) > 1 and not computed(op, *inputs).any())


@every_op
def test_equations_of_an_op_can_be_written(op) -> None:
    assert text_lines(cell_with(op))[-1].startswith("h' = tanh(")


@every_op
def test_op_can_be_chosen_for_a_space_by_its_name(op) -> None:
    assert OP_CHOICES[op.value].op is op


def test_only_ops_that_say_so_are_in_a_space_by_default() -> None:
    assert {OP_CHOICES[name].op for name in DEFAULT_OPS} == {op for op in Op if op.row.by_default}
    assert "identity" not in DEFAULT_OPS
