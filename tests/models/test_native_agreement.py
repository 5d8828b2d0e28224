"""Random and published cells give the same outputs and gradients on every backend."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
import torch

from evo_nas.genome.cell import MAX_STATES, CellGraph, Node, X
from evo_nas.genome.ops import Op
from evo_nas.genome.published import read_recipe
from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import NativeRecurrence, native_status
from evo_nas.models.native.recurrence import _scratch, _values
from evo_nas.models.recurrence import Recurrence
from evo_nas.models.torch_kernels import TorchRecurrence

RECIPES = Path(__file__).parents[2] / "../shared/nas_bench_nlp/wikitext2_runs.parquet"
BACKENDS = [
    backend
    for backend in (BpttRecurrence, NativeRecurrence)
    if backend is BpttRecurrence or native_status().available
]
H = 1


OPS = [op for op in Op if op.row.delay <= 4]
"""Sequences of the random cells are short, so most long delays would read nothing but zeros."""


def random_node(rng: Random, earlier: int, states: int) -> Node:
    """A node that reads some of the references 0 to ``earlier - 1``, mostly a linear one."""
    op = rng.choice([Op.LINEAR] * 4 + OPS)
    if op.row.delay:
        return Node(op, (rng.randint(H, states),))
    fewest, most = op.row.arity
    if op is Op.LINEAR:
        count = rng.randint(1, min(most, earlier))
        return Node(op, tuple(rng.sample(range(earlier), count)), bias=rng.random() < 0.6)
    count = rng.randint(fewest, min(most, max(fewest, 4)))
    return Node(op, tuple(rng.randrange(H, earlier) for _ in range(count)))


def random_cell(rng: Random) -> CellGraph:
    """Two to fifteen nodes, one to four states, all kinds of wiring; the last node is the output."""
    states = rng.randint(1, MAX_STATES)
    nodes = [Node(Op.LINEAR, (X, H), bias=True)]
    for _ in range(rng.randint(1, 14)):
        nodes.append(random_node(rng, 1 + states + len(nodes), states))
    last = states + len(nodes)
    return CellGraph(states, tuple(nodes), (last, *(rng.randint(H, last) for _ in range(states - 1))))


def results(recurrence: Recurrence, inputs: torch.Tensor, lengths: torch.Tensor | None) -> list[torch.Tensor]:
    """Outputs, and gradients of the inputs and of every parameter, zero for those that do not matter."""
    inputs = inputs.to(next(recurrence.parameters()).dtype).detach().requires_grad_()
    outputs = recurrence(inputs, lengths)
    wanted = [inputs, *recurrence.parameters()]
    weights = torch.linspace(-1, 1, outputs.numel()).view_as(outputs)
    if not outputs.requires_grad:
        return [outputs.detach(), *(torch.zeros_like(tensor) for tensor in wanted)]
    gradients = torch.autograd.grad((outputs * weights).sum(), wanted, allow_unused=True)
    return [
        outputs.detach(),
        *(torch.zeros_like(t) if g is None else g for t, g in zip(wanted, gradients, strict=True)),
    ]


def error(actual: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """The largest deviation of any tensor, relative to its largest number, or to 1e-4; NaN if one is NaN.

    Gradients of two sequences may cancel exactly, which a sum in another order turns into the error of one rounding.
    """
    assert [tensor.shape for tensor in actual] == [tensor.shape for tensor in expected]
    deviations = [
        (a.double() - e).abs().max() / e.abs().max().clamp(min=1e-4)
        for a, e in zip(actual, expected, strict=True)
    ]
    return float(torch.stack(deviations).max())  # Python's max passes over NaN


@pytest.mark.parametrize("position", range(3))
def test_an_error_is_not_small_where_anything_is_not_a_number(position) -> None:
    expected = [torch.ones(2, dtype=torch.float64) for _ in range(3)]
    actual = [tensor.clone() for tensor in expected]
    assert error(actual, expected) == 0.0
    actual[position][1] = torch.nan
    assert not error(actual, expected) < 1e9


@pytest.mark.parametrize("seed", range(200))
def test_random_cells_agree_on_every_path(seed) -> None:
    """Single precision may err by 1e-5, and by more only where the plain loop in single precision does, too.

    Of 2,000 such cells five err by more than 1e-5 (6e-5 at most), all where gradients of thousands of terms cancel:
    the plain loop errs by up to 2e-4 there, and in double precision both differ 100 times more than elsewhere.
    """
    rng = Random(seed)
    cell = random_cell(rng)
    inputs, width, batch, steps = (
        rng.choice([1, 4]),
        rng.choice([1, 3, 16, 20]),
        rng.randint(1, 5),
        rng.randint(1, 8),
    )
    lengths = torch.tensor([rng.randint(1, steps) for _ in range(batch)]) if rng.random() < 0.6 else None
    bidirectional = rng.random() < 0.4
    reference = EagerRecurrence(cell, inputs, width, bidirectional=bidirectional).double()
    x = torch.randn(batch, steps, inputs, dtype=torch.float64)
    expected = results(reference, x, lengths)

    def error_of(backend: type[Recurrence], dtype: torch.dtype) -> float:
        recurrence = backend(cell, inputs, width, bidirectional=bidirectional).to(dtype)
        recurrence.load_state_dict(reference.state_dict())
        return error(results(recurrence, x, lengths), expected)

    if not all(tensor.abs().max() < 1e9 for tensor in expected):
        return  # products that feed themselves and divisors at the guard: single precision overflows everywhere
    assert error_of(BpttRecurrence, torch.float64) < 1e-11
    tolerance = 1e-5 + 20 * error_of(EagerRecurrence, torch.float32)
    for backend in BACKENDS:
        assert error_of(backend, torch.float32) < tolerance


@pytest.mark.skipif(not native_status().available, reason=native_status().explanation)
@pytest.mark.parametrize("seed", range(40))
def test_random_cells_agree_over_several_blocks_of_steps(seed) -> None:
    """The interpreter takes some 64 or 512 rows of steps at once: batches here have as many, or many steps."""
    rng = Random(seed)
    cell = random_cell(rng)
    batch, steps = rng.choice([(9, 70), (33, 20), (300, 7)])
    reference, native = EagerRecurrence(cell, 2, 3).double(), NativeRecurrence(cell, 2, 3)
    native.load_state_dict(reference.state_dict())
    x = torch.randn(batch, steps, 2, dtype=torch.float64)
    lengths = torch.tensor([rng.randint(0, steps) for _ in range(batch)])
    for padded in (None, lengths):
        expected = results(reference, x, padded)
        if not max(tensor.abs().max() for tensor in expected) < 1e9:
            continue  # as above
        single = EagerRecurrence(cell, 2, 3)
        single.load_state_dict(reference.state_dict())
        tolerance = 1e-5 + 20 * error(results(single, x, padded), expected)
        assert error(results(native, x, padded), expected) < tolerance


@pytest.mark.skipif(not native_status().available, reason=native_status().explanation)
@pytest.mark.parametrize("seed", range(10))
def test_gradients_of_states_that_are_carried_on_agree_over_several_blocks(seed) -> None:
    cell = random_cell(Random(seed))
    x = torch.randn(33, 20, 2, dtype=torch.float64)
    reference, native = EagerRecurrence(cell, 2, 3).double(), NativeRecurrence(cell, 2, 3)
    native.load_state_dict(reference.state_dict())
    initial = torch.rand_like(reference.zero_states(x))
    seen = []
    for recurrence, dtype in ((native, torch.float32), (reference, torch.float64)):
        states = initial.to(dtype).requires_grad_()
        outputs, final = recurrence.forward_from(x.to(dtype), states)
        [gradient] = torch.autograd.grad(outputs.mean() + final.mean(), states, materialize_grads=True)
        seen.append([outputs.detach(), final.detach(), gradient])
    if max(tensor.abs().max() for tensor in seen[1]) < 1e6:
        assert error(*seen) < 1e-3


@pytest.mark.skipif(not native_status().available, reason=native_status().explanation)
def test_the_interpreter_reads_no_memory_that_it_has_not_written() -> None:
    for seed in range(30):
        rng = Random(seed)
        recurrence = NativeRecurrence(random_cell(rng), 3, rng.choice([5, 16]))
        for pool in (_values, _scratch):
            pool.spare[:] = [torch.full((1_000_000,), torch.nan)]
        outcome = results(recurrence, torch.randn(4, 6, 3), torch.tensor([2, 6, 1, 5]))
        assert all(tensor.isfinite().all() for tensor in outcome)


@pytest.mark.skipif(
    not RECIPES.exists(), reason="the published NAS-Bench-NLP runs are not beside the repository"
)
@pytest.mark.parametrize("backend", [*BACKENDS, TorchRecurrence], ids=lambda backend: backend.backend_name)
def test_every_published_recipe_trains_a_step_like_the_plain_loop(backend) -> None:
    recipes = sorted(set(pq.read_table(RECIPES, columns=["recipe"])["recipe"].to_pylist()))
    cells = [(recipe, cell) for recipe in recipes if backend.supports(cell := read_recipe(recipe))]
    assert len(cells) == len(recipes) or backend is TorchRecurrence
    assert cells
    inputs, lengths = torch.randn(2, 3, 2), torch.tensor([3, 2])
    for recipe, cell in cells:
        recurrence, reference = backend(cell, 2, 4), EagerRecurrence(cell, 2, 4).double()
        reference.load_state_dict(recurrence.state_dict())
        for _ in range(2):  # as built, and after a step
            actual, expected = results(recurrence, inputs, lengths), results(reference, inputs, lengths)
            assert error(actual, expected) < 1e-4, recipe
            with torch.no_grad():
                for parameter, gradient in zip(recurrence.parameters(), actual[2:], strict=True):
                    parameter.sub_(gradient, alpha=0.1)
            reference.load_state_dict(recurrence.state_dict())
