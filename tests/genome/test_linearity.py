"""Which cells are linear recurrences, said from the graph and seen in numbers."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.cgp import OP_CHOICES, CellCode
from evo_nas.genome.linearity import draw_linear, is_linear
from evo_nas.genome.liveness import is_live
from evo_nas.genome.ops import Op
from evo_nas.models.eager import EagerRecurrence

C = 2
LINEAR_BY_NAME = {"mingru", "minlstm", "gilr", "qrnn", "hgrn", "lru", "rg_lru"}
NOT_LINEAR_BY_NAME = set(NAMED_CELLS) - LINEAR_BY_NAME


def of_x(bias: bool = True) -> Node:
    return Node(Op.LINEAR, (X,), bias=bias)


def superposition_error(cell: CellGraph, seed: int) -> float:
    """How far a step is from affine, unit by unit, in the states that are read; relative to the new states.

    Windows of the latest inputs count as inputs, so they stay the same.
    """
    generator = torch.Generator().manual_seed(seed)
    width = 3
    recurrence = EagerRecurrence(cell, 2, width).double()
    for parameter in recurrence.parameters():
        parameter.requires_grad_(False).copy_(torch.randn(parameter.shape, generator=generator).double())
    x = torch.randn(1, 1, 2, generator=generator, dtype=torch.float64)
    first, second = 2 * torch.randn(2, len(cell.carried), 1, width, generator=generator, dtype=torch.float64)
    windows = [state for state in range(cell.states) if is_window(cell, state)]
    remembered = [place for place, (state, _) in enumerate(cell.carried) if state in windows]
    second[remembered] = first[remembered]
    # Each unit mixes the two states in its own share: a product with a matrix would mix them again.
    share = torch.randn(width, generator=generator, dtype=torch.float64)
    mixed = share * first + (1 - share) * second
    one, other, both = (recurrence.forward_from(x, states)[1] for states in (first, second, mixed))
    read = {reference for node in cell.nodes for reference in node.inputs} | set(cell.outputs)
    checked = [state for state in range(cell.states) if 1 + state in read and state not in windows]
    if not checked:
        return 0.0
    expected = (share * one + (1 - share) * other)[checked]
    return float(((both[checked] - expected).abs() / (1 + expected.abs())).max())


def is_window(cell: CellGraph, state: int) -> bool:
    """Whether a state forgets what it was after as many steps as values are carried, whatever the others were."""
    recurrence = EagerRecurrence(cell, 2, 3).double()
    carried = len(cell.carried)
    x = torch.randn(1, carried, 2, dtype=torch.float64)
    ends = [
        recurrence.forward_from(x, scale * torch.ones(carried, 1, 3, dtype=torch.float64))[1][state]
        for scale in (0.3, -0.7, 0.9)
    ]
    return all(torch.equal(ends[0], end) for end in ends[1:])


@pytest.mark.parametrize("name", sorted(LINEAR_BY_NAME))
def test_published_linear_recurrences_are_linear(name) -> None:
    assert is_linear(NAMED_CELLS[name])


@pytest.mark.parametrize("name", sorted(NOT_LINEAR_BY_NAME))
def test_other_published_cells_are_not_linear(name) -> None:
    assert not is_linear(NAMED_CELLS[name])


def test_every_published_cell_is_linear_exactly_if_superposition_holds() -> None:
    # The largest exponent of RWKV-4 looks like a window, since what it was hardly ever matters after some steps.
    for cell in (canonical(cell) for name, cell in NAMED_CELLS.items() if name != "rwkv4"):
        assert is_linear(cell) == (max(superposition_error(cell, seed) for seed in range(3)) < 1e-12)


def test_matrix_on_a_state_is_not_linear_unit_by_unit() -> None:
    assert not is_linear(CellGraph(1, (Node(Op.LINEAR, (X, H), bias=True),), (2,)))


def test_quotient_is_linear_in_its_dividend_alone() -> None:
    def divided(*inputs: int) -> CellGraph:
        return CellGraph(1, (of_x(), Node(Op.DIVIDE, inputs), Node(Op.ADD, (2, 3))), (4,))

    assert is_linear(divided(H, 2))
    assert not is_linear(divided(2, H))


def test_product_of_a_state_with_itself_is_not_linear() -> None:
    cell = CellGraph(1, (of_x(), Node(Op.MUL, (H, H)), Node(Op.ADD, (2, 3))), (4,))
    assert not is_linear(cell)


def test_blend_is_linear_by_its_gate_or_by_its_sides_and_not_by_both() -> None:
    def blended(*inputs: int) -> CellGraph:
        return CellGraph(1, (of_x(), Node(Op.TANH, (2,)), Node(Op.BLEND, inputs)), (4,))

    assert is_linear(blended(H, 2, 3))
    assert is_linear(blended(2, H, 3))
    assert is_linear(blended(2, 3, H))
    assert not is_linear(blended(H, H, 3))
    assert not is_linear(blended(H, 3, H))


def test_output_that_nothing_reads_may_be_any_function_of_the_states() -> None:
    memory = (of_x(), Node(Op.SIGMOID, (3,)), of_x(), Node(Op.BLEND, (4, 5, C)))
    readout = (Node(Op.LINEAR, (X, 6), bias=True), Node(Op.TANH, (6,)), Node(Op.MUL, (7, 8)))
    assert is_linear(CellGraph(2, (*memory, *readout), (9, 6)))
    fed_back = Node(Op.LINEAR, (X, H))
    assert not is_linear(CellGraph(2, (fed_back, *memory[1:], *readout), (9, 6)))


def test_window_of_the_latest_inputs_counts_as_input() -> None:
    window = of_x(bias=False)
    gate = (Node(Op.LINEAR, (X, C), bias=True), Node(Op.SIGMOID, (4,)))
    proposal = (Node(Op.LINEAR, (X, C), bias=True), Node(Op.TANH, (6,)))
    cell = CellGraph(2, (window, *gate, *proposal, Node(Op.BLEND, (5, H, 7))), (8, 3))
    assert is_linear(cell)
    assert superposition_error(cell, 0) < 1e-12


def test_dead_parts_do_not_matter() -> None:
    linear = NAMED_CELLS["mingru"]
    idle = CellGraph(2, (Node(Op.TANH, (C,)), *shifted(linear.nodes)), (linear.outputs[0] + 2, 3))
    assert is_linear(idle)


def shifted(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes behind one more state and one more node."""
    return tuple(Node(n.op, tuple(r + 2 * (r > H) for r in n.inputs), n.bias) for n in nodes)


@given(cell=st.from_type(CellGraph), seed=st.integers(0, 1000))
def test_superposition_holds_for_every_cell_that_is_said_to_be_linear(cell, seed) -> None:
    cell = canonical(cell)
    if is_linear(cell):
        assert superposition_error(cell, seed) < 1e-9


def random_live_cells(count: int, *, linear: bool) -> list[CellGraph]:
    """Different live cells that are linear or not, in canonical form."""
    ops = tuple(name for name, choice in OP_CHOICES.items() if choice.op.row.delay <= 3)
    code, rng = CellCode(nodes=12, states=2, ops=ops), random.Random(0)
    sizes = [gene.size for gene in code.genes()]
    cells: dict[CellGraph, None] = {}
    while len(cells) < count:
        genes = draw_linear(code, rng) if linear else [rng.randrange(size) for size in sizes]
        cell = canonical(code.decode(genes))
        if is_live(cell) and is_linear(cell) == linear:
            cells[cell] = None
    return list(cells)


def test_superposition_holds_for_live_linear_cells() -> None:
    assert all(superposition_error(cell, seed=1) < 1e-9 for cell in random_live_cells(30, linear=True))


def test_superposition_fails_for_nearly_every_live_cell_that_is_said_not_to_be_linear() -> None:
    # Nearly: a rectifier may see positive values only, and a cell may happen to multiply by nothing.
    cells = random_live_cells(200, linear=False)
    accidents = sum(max(superposition_error(cell, seed) for seed in range(4)) < 1e-9 for cell in cells)
    assert accidents <= 4


def test_no_gene_drawn_for_a_linear_cell_makes_a_node_of_it_more_than_affine() -> None:
    code, rng = CellCode(nodes=6, states=2, ops=("linear", "tanh", "mul", "blend")), random.Random(0)
    for _ in range(50):
        genes = draw_linear(code, rng)
        assert len(genes) == len(code.genes())
        # As an output that is read again, whatever the node computes must be affine.
        last = 2 + code.nodes
        cell = code.decode([*genes[:-2], last - 1, last - 1])
        assert is_linear(cell)


def test_ops_that_no_linear_recurrence_can_have_are_refused() -> None:
    code = CellCode(nodes=1, states=1, ops=("tanh",))
    with pytest.raises(GenomeError, match=r"space.ops is tanh: no node .* permit some of blend, add, mul"):
        draw_linear(code, random.Random(0))
