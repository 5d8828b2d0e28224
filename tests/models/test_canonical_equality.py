"""Cells with the same canonical form compute the same function of the same weights."""

from __future__ import annotations

from random import Random

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph
from evo_nas.genome.cgp import OP_CHOICES, CellCode
from evo_nas.genome.ops import WITH_WEIGHTS, Op
from evo_nas.models.eager import EagerRecurrence
from tests.genome.origins import origins_of_weights

CODE = CellCode(nodes=8, states=2, ops=tuple(OP_CHOICES))


def random_cell(seed: int) -> CellGraph:
    rng = Random(seed)
    return CODE.decode([rng.randrange(gene.size) for gene in CODE.genes()])


def carry_over(original: EagerRecurrence, cell: CellGraph) -> EagerRecurrence:
    """Returns the canonical form of ``cell`` with the weights of ``original``."""
    carried = EagerRecurrence(canonical(cell), original.inputs, original.width).double()
    with torch.no_grad():
        for index, origin in origins_of_weights(cell).items():
            if cell.nodes[origin.node].op is not Op.LINEAR:
                carried.get_parameter(f"weight_{index}").copy_(
                    original.get_parameter(f"weight_{origin.node}")
                )
                continue
            source = original.linear(origin.node, "")
            blocks = source.weight.split(original.input_widths(origin.node), dim=1)
            joined = [sum(blocks[position] for position in positions) for positions in origin.blocks]
            carried.get_parameter(f"weight_{index}").copy_(torch.cat(joined, dim=1))
            if source.bias is not None:
                carried.get_parameter(f"bias_{index}").copy_(source.bias)
    return carried


@given(seed=st.integers(0, 2**32))
def test_a_cell_and_its_canonical_form_give_equal_outputs(seed) -> None:
    cell = random_cell(seed)
    assume(any(node.op in WITH_WEIGHTS for node in cell.nodes))
    torch.manual_seed(seed)
    original = EagerRecurrence(cell, 3, 4).double()
    inputs = torch.randn(2, 4, 3, dtype=torch.float64)

    torch.testing.assert_close(carry_over(original, cell)(inputs), original(inputs), equal_nan=True)
