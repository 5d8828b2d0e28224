"""`MixedRecurrence` and `Relaxation`: a mixture of one cell is that cell, and single cells share weights."""

from __future__ import annotations

import math
import random

import pytest
import torch

from evo_nas.genome.architecture import Signature
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cgp import OP_CHOICES, CellCode
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.mixed import LARGEST, MixedRecurrence, SingleCell
from evo_nas.models.relaxation import Mixture, Relaxation

CODE = CellCode(6, 2, tuple(OP_CHOICES))
INPUTS, WIDTH = 3, 4


@pytest.fixture
def mixed() -> MixedRecurrence:
    torch.manual_seed(0)
    return MixedRecurrence(CODE, INPUTS, WIDTH)


def some_genes(seed: int) -> tuple[int, ...]:
    rng = random.Random(seed)
    return tuple(rng.randrange(gene.size) for gene in CODE.genes())


def sequences(steps: int = 7) -> torch.Tensor:
    return torch.randn(5, steps, INPUTS, generator=torch.Generator().manual_seed(1))


def mixture_of(genes: tuple[int, ...]) -> Mixture:
    relaxation = Relaxation(CODE)
    with torch.no_grad():
        # So far apart that the softmax is exactly 1 for one choice and 0 for the others.
        choices = zip(CODE.genes(), genes, strict=True)
        relaxation.logits.copy_(torch.cat([1e3 * torch.eye(gene.size)[value] for gene, value in choices]))
        return relaxation.mixture()


@pytest.mark.parametrize("seed", range(30))
def test_a_mixture_with_one_choice_a_gene_is_that_cell(mixed, seed, monkeypatch) -> None:
    monkeypatch.setattr("evo_nas.models.mixed.LARGEST", math.inf)
    genes, xs = some_genes(seed), sequences()
    lengths = torch.tensor([7, 3, 1, 7, 5])
    mixed.choose(mixture_of(genes))
    outputs, states = mixed.encode(xs, lengths)
    mixed.choose(SingleCell.of(CODE, genes))
    alone, alone_states = mixed.encode(xs, lengths)
    assert torch.allclose(outputs, alone, atol=1e-5, rtol=1e-4)
    # States that nothing reads are dropped by a single cell, which keeps them as they were.
    assert torch.allclose(states[0], alone_states[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_a_single_cell_computes_what_its_genes_mean(mixed: MixedRecurrence, seed: int) -> None:
    genes = some_genes(100 + seed)
    single = SingleCell.of(CODE, genes)
    mixed.choose(single)
    decoded = CODE.decode(genes)
    alone = EagerRecurrence(single.graph, INPUTS, WIDTH)
    for index in range(len(single.nodes)):
        node = single.graph.nodes[index]
        with torch.no_grad():
            if node.op.row.unit_weight is not None:
                shared = getattr(mixed, f"unit_{single.nodes[index]}_{node.op.row.number}")
                getattr(alone, f"weight_{index}").copy_(shared)
            elif node.op.value == "linear":
                weight, bias = (getattr(mixed.linear(index, ""), name) for name in ("weight", "bias"))
                getattr(alone, f"weight_{index}").copy_(weight)
                if bias is not None:
                    getattr(alone, f"bias_{index}").copy_(bias)
    assert torch.equal(mixed(sequences()), alone(sequences()))
    live = canonical(decoded)
    trimmed = canonical(
        type(single.graph)(single.graph.states, single.graph.nodes[: len(single.nodes)], single.graph.outputs)
    )
    assert trimmed == live


def test_pieces_give_what_the_whole_does_in_a_mixture(mixed: MixedRecurrence) -> None:
    mixed.choose(Relaxation(CODE).mixture())
    xs = sequences(8)
    whole, after = mixed.forward_from(xs, mixed.zero_states(xs))
    first, between = mixed.forward_from(xs[:, :3], mixed.zero_states(xs))
    second, at_end = mixed.forward_from(xs[:, 3:], between)
    assert torch.allclose(torch.cat([first, second], dim=1), whole, atol=1e-6)
    assert torch.allclose(at_end, after, atol=1e-6)


def test_a_mixture_stays_bounded(mixed: MixedRecurrence) -> None:
    with torch.no_grad():
        for parameter in mixed.parameters():
            parameter.mul_(30.0)
    mixed.choose(Relaxation(CODE).mixture())
    assert mixed(sequences(200)).abs().max() <= LARGEST


def test_all_cells_of_a_space_carry_the_same_values(mixed: MixedRecurrence) -> None:
    mixed.choose(Relaxation(CODE).mixture())
    shape = mixed.zero_states(sequences()).shape
    for seed in range(20):
        mixed.choose(SingleCell.of(CODE, some_genes(seed)))
        assert mixed.zero_states(sequences()).shape == shape


def test_the_gradient_of_a_mixture_reaches_every_choice() -> None:
    torch.manual_seed(0)
    relaxation = Relaxation(CODE)
    mixed = MixedRecurrence(CODE, INPUTS, WIDTH, bidirectional=True)
    mixed.choose(relaxation.mixture())
    mixed(sequences()).square().sum().backward()
    assert relaxation.logits.grad is not None
    assert (relaxation.logits.grad != 0).float().mean() > 0.95
    assert all(parameter.grad is not None for parameter in mixed.parameters())


def test_the_gradient_of_the_logits_is_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    code = CellCode(3, 2, ("linear", "tanh", "mul", "blend", "mean", "delay_2", "scale"))
    relaxation = Relaxation(code).double()
    mixed = MixedRecurrence(code, INPUTS, WIDTH).double()
    xs = sequences(4).double()

    def loss(logits: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(relaxation, {"logits": logits}, (), {})

    relaxation.forward = lambda: _run(mixed, relaxation, xs)  # type: ignore[method-assign]
    assert torch.autograd.gradcheck(loss, (relaxation.logits.detach().requires_grad_(),), atol=1e-6)


def _run(mixed: MixedRecurrence, relaxation: Relaxation, xs: torch.Tensor) -> torch.Tensor:
    mixed.choose(relaxation.mixture())
    return mixed(xs).square().sum()


def test_entropy_is_one_where_nothing_is_preferred_and_falls_with_a_preference() -> None:
    relaxation = Relaxation(CODE)
    assert relaxation.entropy() == pytest.approx(1.0, abs=1e-3)
    with torch.no_grad():
        relaxation.logits.mul_(1e4)
    assert relaxation.entropy() < 0.9


def test_the_default_ops_are_all_computed() -> None:
    space = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), 4)
    assert space.cell_code is not None
    torch.manual_seed(0)
    mixed = MixedRecurrence(space.cell_code, INPUTS, WIDTH)
    mixed.choose(Relaxation(space.cell_code).mixture())
    assert mixed(sequences()).isfinite().all()
