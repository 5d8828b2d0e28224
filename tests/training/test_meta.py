"""Initial weights that are learnt so that a network adapts in a few steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.config.schema import AdaptationOptions
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Status
from evo_nas.genome.architecture import Architecture, Layer, Signature, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.family import Episode, family_dataset
from evo_nas.tasks.metrics import MSE
from evo_nas.training.adaptation import (
    Adaptation,
    TaskFamily,
    adapted_network,
    adapted_test_scores,
    divided,
)
from evo_nas.training.batches import Batch, prepare
from evo_nas.training.course import Course
from evo_nas.training.evaluator import CandidateEvaluator
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.meta import MetaStep, make_twice_differentiable
from evo_nas.training.trainer import train

LOSS = TrainingLoss(Objective.MSE)
SHOTS, QUERIES = 4, 3


def episode(rng: np.random.Generator) -> Episode:
    """A task is to give the mean of a sequence, or its negative: only the examples tell which."""
    inputs = rng.normal(size=(SHOTS + QUERIES, 4, 2)).astype(np.float32)
    sign = rng.choice([-2.0, 2.0])
    targets = (sign * inputs.mean(axis=(1, 2)))[:, None].astype(np.float32)
    whole = Sequences(inputs, targets)
    return Episode(*(whole.chosen(which) for which in np.split(np.arange(len(inputs)), [SHOTS])))


@pytest.fixture(scope="module")
def family() -> Dataset:
    counts = {"train": 60, "validation": 20, "test": 20}
    return family_dataset(
        {
            part: [episode(rng) for _ in range(count)]
            for (part, count), rng in zip(counts.items(), map(np.random.default_rng, range(3)), strict=True)
        },
        name="signs",
        signature=Signature(features=2, outputs=1),
        objective=Objective.MSE,
        metric=MSE,
    )


@pytest.fixture
def architecture() -> Architecture:
    return Architecture(
        layers=(Layer(NAMED_CELLS["mgu"], 4),), training=Training(learning_rate=0.02, batch_size=4, clip=1e9)
    )


def settings(algorithm: str, **options: object) -> TrainingConfig:
    adaptation = {"steps": 2, "learning_rate": 0.2, "algorithm": algorithm} | options
    return TrainingConfig.model_validate({"adaptation": adaptation, "time_limit_s": 1e6})


def built(architecture: Architecture, *, seed: int = 0) -> Network:
    with SeededInit(torch.Generator().manual_seed(seed)):
        return Network(architecture, Signature(features=2, outputs=1))


def in_double(batch: Batch) -> Batch:
    return batch._replace(inputs=batch.inputs.double(), targets=batch.targets.double())


def direction(network: Network, dataset: Dataset, options: AdaptationOptions, batch: Batch) -> torch.Tensor:
    """The gradient that a step hands to the optimizer, which moves the weights afterwards."""
    step_family = TaskFamily.of(prepare(dataset), options)
    optimizer = FlatOptimizer(network, network.architecture.training)
    MetaStep(network, optimizer, LOSS, step_family, generator=torch.Generator().manual_seed(0))(batch)
    return optimizer.gradient.clone()


def batch_of(dataset: Dataset, options: AdaptationOptions, episodes: int = 2) -> Batch:
    return next(TaskFamily.of(prepare(dataset), options).train.in_order(episodes))


@pytest.mark.parametrize("clip", [10.0, 0.3])
def test_the_meta_gradient_of_maml_is_that_of_finite_differences(clip, family, architecture) -> None:
    options = AdaptationOptions(steps=2, learning_rate=0.3, clip=clip, algorithm="maml")
    batch = in_double(batch_of(family, options))
    network = built(architecture)
    make_twice_differentiable(network)
    network.double()
    parameters = dict(network.named_parameters())

    def after_adaptation() -> float:
        adaptation = Adaptation(network, LOSS, options)
        losses = []
        for number in range(len(batch.targets)):
            support, query = divided(batch.chosen(number), family.episodes)
            weights, _ = adaptation.adapted([support] * options.steps)
            losses.append(adaptation.loss(weights, query).item())
        return float(np.mean(losses))

    numeric = []
    for parameter in parameters.values():
        flat = parameter.data.view(-1)
        for place in range(len(flat)):
            found = []
            for shift in (1e-5, -2e-5):
                flat[place] += shift
                found.append(after_adaptation())
            flat[place] += 1e-5
            numeric.append((found[0] - found[1]) / 2e-5)
    analytic = direction(network, family, options, batch)
    torch.testing.assert_close(analytic, torch.tensor(numeric, dtype=torch.float64), rtol=1e-5, atol=1e-8)
    first_order = options.model_copy(update={"algorithm": "fomaml"})
    reset = built(architecture)
    make_twice_differentiable(reset)
    other = direction(reset.double(), family, first_order, batch)
    assert (analytic - other).norm() > 0.01 * analytic.norm()


def test_first_order_maml_takes_the_gradient_at_the_adapted_weights(family, architecture) -> None:
    options = AdaptationOptions(steps=2, learning_rate=0.3, algorithm="fomaml")
    batch = batch_of(family, options, episodes=1)
    support, query = divided(batch.chosen(0), family.episodes)
    adapted = adapted_network(built(architecture), support, options, loss=LOSS)
    LOSS(Adaptation(adapted, LOSS, options).predictions(dict(adapted.named_parameters()), query)).backward()
    wanted = torch.cat([parameter.grad.ravel() for parameter in adapted.parameters()])
    torch.testing.assert_close(direction(built(architecture), family, options, batch), wanted)


def test_the_direction_of_reptile_leads_from_the_adapted_weights_to_the_first_ones(
    family, architecture
) -> None:
    options = AdaptationOptions(steps=3, learning_rate=0.1, algorithm="reptile")
    batch = batch_of(family, options, episodes=1)
    network = built(architecture)
    generator = torch.Generator().manual_seed(0)
    order = torch.cat([torch.randperm(SHOTS + QUERIES, generator=generator) for _ in range(2)])
    parts = [batch.chosen(0).chosen(which) for which in order.split(SHOTS)[:3]]
    adapted, _ = Adaptation(network, LOSS, options).adapted(parts)
    walked = [(start - adapted[name]) / 0.3 for name, start in network.named_parameters()]
    wanted = torch.cat([each.detach().ravel() for each in walked])
    torch.testing.assert_close(direction(built(architecture), family, options, batch), wanted)


def test_maml_refuses_backends_that_would_leave_out_second_derivatives(family, architecture) -> None:
    options = AdaptationOptions(steps=1, algorithm="maml")
    batch = batch_of(family, options)
    network = built(architecture)
    assert network.backends != ("eager",)
    with pytest.raises(ValueError, match="maml needs second derivatives, which the backend .* leaves out"):
        direction(network, family, options, batch)
    make_twice_differentiable(network)
    assert network.backends == ("eager",)
    assert direction(network, family, options, batch).isfinite().all()


@pytest.mark.parametrize("algorithm", ["reptile", "fomaml", "maml"])
def test_learnt_weights_adapt_better_than_random_ones(algorithm, family, architecture) -> None:
    training = (
        settings(algorithm, steps=4, learning_rate=0.5) if algorithm == "reptile" else settings(algorithm)
    )
    steps = training.adaptation.steps
    trained = train(
        architecture, prepare(family), training, epochs=6 if algorithm == "reptile" else 4, seed=3
    )
    assert trained.outcome.status is Status.OK
    assert trained.outcome.backends == (("eager",) if algorithm == "maml" else built(architecture).backends)
    learnt, random = (
        adapted_test_scores(network, family, training.adaptation, steps=[0, steps])
        for network in (trained.network, built(architecture, seed=3))
    )
    assert learnt[1].metric < 0.8 * random[1].metric
    assert learnt[1].metric < 0.8 * learnt[0].metric


@pytest.mark.parametrize("algorithm", ["reptile", "fomaml"])
@pytest.mark.parametrize("steps_per_epoch", [None, 4])
def test_meta_learning_that_was_paused_gives_the_same_weights(
    algorithm, steps_per_epoch, family, architecture
) -> None:
    dropped = replace(architecture, layers=(replace(architecture.layers[0], dropout=0.2),))
    training = settings(algorithm).model_copy(update={"steps_per_epoch": steps_per_epoch})
    data = prepare(family)
    whole = train(dropped, data, training, epochs=3, seed=5)
    content = None
    for epoch in (1, 2, 3):
        course = Course({epoch: float("inf")}, checkpoint=content)
        paused = train(dropped, data, training, epochs=3, seed=5, course=course)
        content = paused.checkpoint
    assert paused.outcome.curve == whole.outcome.curve
    for one, other in zip(paused.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_candidate_is_scored_by_how_it_adapts_and_may_be_pruned(family) -> None:
    space = SearchSpace(SpaceOptions(widths=(4,), batch_sizes=(4,)), family.signature, 3)
    evaluator = CandidateEvaluator(space, prepare(family), settings("fomaml"))
    genome = dict(space.seeds())["lstm"]
    candidate = Candidate(
        0, genome, space.canonical_hash(genome), (), "seed", seed=1, budget=3, asked_after=0
    )
    outcome = evaluator(candidate)
    assert outcome.status is Status.OK
    assert outcome.fitness == -min(outcome.curve)
    assert outcome.metrics["validation_mse"] == min(outcome.curve)
    pruned = evaluator(replace(candidate, rungs=(2,), thresholds=(float("inf"),)))
    assert pruned.status is Status.PRUNED
    assert pruned.curve == outcome.curve[:2]


def test_data_of_one_task_cannot_be_adapted_to(dataset, architecture) -> None:
    with pytest.raises(
        ConfigError, match="training.adaptation is given, but the data are of one task; leave"
    ):
        train(architecture, prepare(dataset), settings("reptile"), epochs=1, seed=0)


def test_no_step_of_adaptation_is_longer_than_its_rate_times_the_clip(family, architecture) -> None:
    options = AdaptationOptions(steps=1, learning_rate=0.5, clip=0.01)
    support, _ = divided(batch_of(family, options).chosen(0), family.episodes)
    network = built(architecture)
    adapted, _ = Adaptation(network, LOSS, options).adapted([support])
    moved = torch.cat([(adapted[name] - each).ravel() for name, each in network.named_parameters()])
    assert moved.norm().item() == pytest.approx(0.5 * 0.01, rel=1e-4)
