"""The training of a super-network: tasks of every kind, determinism, both orders, and failures as outcomes."""

from __future__ import annotations

import random
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.evaluation import Outcome, Status
from evo_nas.genome.architecture import Signature, Training
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.darts import Darts, DartsOptions
from evo_nas.tasks.registry import TASKS
from evo_nas.training.batches import prepare
from evo_nas.training.bilevel import Bilevel
from evo_nas.training.evaluator import CandidateEvaluator
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.halves import halves
from evo_nas.training.lineage import Lineage
from evo_nas.training.one_shot import CellDrawing
from evo_nas.weights import digest_of

if TYPE_CHECKING:
    from evo_nas.evaluation import Candidate
    from evo_nas.tasks.dataset import Dataset

OPTIONS = SpaceOptions.model_validate(
    {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 4, "layers": {"max": 1}}
)


class Kept(dict[str, bytes]):
    """A `WeightStore` in memory."""

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        self[digest] = content
        return digest


def sample(kind: str, tmp_path) -> Dataset:
    return TASKS[kind].sample(tmp_path).read().dataset


def first_stretch(space: SearchSpace, **options: object) -> tuple[Darts, Candidate]:
    chosen = {"epochs": 4, "steps": 3, "stretches": 2, "drawn": 3, "ranked": 3, "width": 4, **options}
    strategy = Darts(space, DartsOptions.model_validate(chosen), seed=1, epochs=2)
    return strategy, strategy.ask(1)[0]


def trained(dataset: Dataset, candidate: Candidate, space: SearchSpace, **training: float) -> Outcome:
    return CandidateEvaluator(space, prepare(dataset), TrainingConfig.model_validate(training))(candidate)


# One for each form of data and each loss.
@pytest.mark.parametrize(
    "kind", ["adding", "classification", "forecast", "language_model", "multi_label", "panel", "tagging"]
)
def test_a_super_network_learns_every_kind_of_task(kind: str, tmp_path) -> None:
    dataset = sample(kind, tmp_path)
    space = SearchSpace(OPTIONS, dataset.signature, 2)
    _, candidate = first_stretch(space)
    outcome = trained(dataset, candidate, space)
    assert outcome.status is Status.TRAINED, outcome.error
    assert outcome.epochs == len(outcome.curve) == 2
    assert outcome.fitness is None
    assert outcome.findings
    assert all(map(space.is_feasible, outcome.findings))
    assert len(set(map(space.canonical_hash, outcome.findings))) == len(outcome.findings)


def test_it_learns(tmp_path) -> None:
    dataset = sample("digits", tmp_path)
    space = SearchSpace(OPTIONS, dataset.signature, 2)
    _, candidate = first_stretch(space, epochs=5, steps=40, stretches=1)
    curve = trained(dataset, candidate, space).curve
    assert curve[-1] < 0.95 * curve[0]


@pytest.mark.parametrize("kind", ["digits", "language_model"])
@pytest.mark.parametrize("order", [1, 2])
def test_a_stretch_that_goes_on_gives_what_it_gives_from_the_beginning(
    kind: str, order: int, tmp_path
) -> None:
    dataset = sample(kind, tmp_path)
    space = SearchSpace(OPTIONS, dataset.signature, 2)
    _, first = first_stretch(space, order=order)
    store = Kept()
    evaluator = CandidateEvaluator(space, prepare(dataset), TrainingConfig(), lineage=Lineage(weights=store))
    begun = evaluator(first)
    second = replace(first, id=1, rungs=(), thresholds=(), continues=0, starts_from=begun.weights)
    on, anew = evaluator(second), evaluator(replace(second, starts_from="0" * 64))
    store[begun.weights] = store[begun.weights][:-1] + b"x"
    mended = evaluator(second)
    assert on.status is Status.TRAINED, on.error
    for other in (anew, mended):
        assert (on.curve, on.findings, on.finding_scores) == (
            other.curve,
            other.findings,
            other.finding_scores,
        )


def test_failures_are_outcomes(tmp_path) -> None:
    dataset = sample("digits", tmp_path)
    space = SearchSpace(OPTIONS, dataset.signature, 2)
    _, candidate = first_stretch(space)
    late = trained(dataset, candidate, space, time_limit_s=1e-6)
    assert (late.status, late.findings) == (Status.TIMED_OUT, ())
    assert "raise training.time_limit_s, or strategy.stretches" in late.error
    unread = trained(dataset, replace(candidate, trains='supernet {"order":3}'), space)
    assert unread.status is Status.FAILED


def test_the_second_order_gradient_is_that_through_a_step_of_the_weights() -> None:
    """On a loss whose gradients are known: weights w, architecture a, learnt (w - a)^2 / 2, held out w a."""
    relaxation = torch.nn.Module()
    relaxation.logits = torch.nn.Parameter(torch.tensor([0.3, -0.7]))
    relaxation.mixture = lambda: 1.0 * relaxation.logits
    network = torch.nn.Linear(2, 1, bias=False)
    weights = FlatOptimizer(network, Training(learning_rate=0.1))
    before = weights.weights.clone()

    def learnt(_: object) -> torch.Tensor:
        return (network.weight[0] - chosen[0]).square().sum() / 2

    def held_out(_: object) -> torch.Tensor:
        return (network.weight[0] * chosen[0]).sum()

    chosen: list[torch.Tensor] = []
    bilevel = Bilevel(
        relaxation,
        [SimpleNamespace(choose=lambda mixture: chosen.__setitem__(slice(None), [mixture]))],
        weights,
        FlatOptimizer(relaxation, Training(learning_rate=1e-9, clip=1e9)),
        _Passes(learnt),
        _Passes(held_out),
        lambda predictions: predictions,
        0.1,
    )
    bilevel.architecture_step(None, None, order=2)
    ahead = before - 0.1 * (before - relaxation.logits.detach())
    # d/da of ahead * a, where ahead depends on a by 0.1.
    expected = ahead + 0.1 * relaxation.logits.detach()
    assert torch.allclose(bilevel.architecture.gradient, expected, atol=1e-4)
    assert torch.equal(weights.weights, before)


class _Passes:
    def __init__(self, loss) -> None:
        self._loss = loss

    def __call__(self, batch: object) -> SimpleNamespace:
        loss = self._loss(batch)
        return SimpleNamespace(counted=lambda: loss)

    def advance(self) -> None:
        pass


@pytest.mark.parametrize("kind", ["digits", "language_model", "forecast"])
def test_halves_share_nothing(kind: str, tmp_path) -> None:
    split = prepare(sample(kind, tmp_path)).train
    first, second = halves(split, torch.Generator().manual_seed(0))
    if kind == "forecast":
        gap = int(second.origins.min()) - int(first.origins.max())
        assert gap >= split.window + split.horizon or len(first.origins) == len(split.origins) // 2
        assert set(first.origins.tolist()).isdisjoint(second.origins.tolist())
    elif kind == "language_model":
        assert torch.equal(torch.cat([first.tokens, second.tokens]), split.tokens)
    else:
        assert len(first) + len(second) == len(split)
        rows = torch.cat([first.sequences.inputs, second.sequences.inputs]).flatten(1)
        assert torch.equal(rows.sort(0).values, split.sequences.inputs.flatten(1).sort(0).values)


def test_the_likeliest_cell_is_the_nearest_live_one() -> None:
    space = SearchSpace(OPTIONS, Signature(features=3, outputs=2), 2)
    strategy = Darts(space, DartsOptions(width=4), seed=1, epochs=2)
    host = strategy.ask(1)[0].genome
    drawing = CellDrawing(space, host)
    rng = random.Random(0)
    for _ in range(20):
        genes = drawing.cell_of(drawing.by_chance(rng))
        sizes = [gene.size for gene in space.genes[space.cell_start :]]
        shares = [
            [0.0 if choice == value else -5.0 for choice in range(size)]
            for size, value in zip(sizes, genes, strict=True)
        ]
        assert drawing.likeliest(shares) == drawing.with_cell(genes)
    dead = [[-float(choice) for choice in range(size)] for size in sizes]
    found = drawing.likeliest(dead)
    assert not space.is_feasible(drawing.with_cell([0] * len(sizes)))
    assert found is not None
    assert space.is_feasible(found)
    assert 1 <= sum(gene > 0 for gene in drawing.cell_of(found)) <= 2
