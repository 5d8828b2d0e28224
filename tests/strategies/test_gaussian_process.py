"""The Gaussian process: its kernel, its fit, its predictions and what promises most."""

from __future__ import annotations

import math
import random
from statistics import NormalDist

import numpy as np
import pytest

pytest.importorskip("botorch", reason="the extra bayes is not installed")

import torch

from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.encoding import Encoder
from evo_nas.strategies.gaussian_process import GaussianProcess, MixedKernel, fitted
from evo_nas.strategies.mutation import mutated, operators_of

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
RATE = next(at for at, gene in enumerate(SPACE.genes) if gene.name == "training.learning_rate")


def drawn(count: int) -> list[tuple[int, ...]]:
    rng = random.Random(3)
    operators = operators_of(SPACE)
    genomes = [genome for _, genome in SPACE.seeds()]
    while len(genomes) < count:
        genomes.append(mutated(rng.choice(genomes), rng.choice(operators), space=SPACE, rng=rng))
    return genomes


GENOMES = drawn(60)
ENCODER = Encoder(SPACE)
ROWS = ENCODER.rows(GENOMES)
KERNEL = MixedKernel(ENCODER.blocks)
MEANS, _ = KERNEL.prior()


def standardised(values: list[float]) -> list[float]:
    mean, deviation = np.mean(values), np.std(values)
    return [float((value - mean) / deviation) for value in values]


def process(targets: list[float], *, pending: int = 0, noise: float = 1e-3) -> GaussianProcess:
    """Returns a process that knows the first genomes, with the prior's hyperparameters."""
    known = len(targets)
    return GaussianProcess(
        ENCODER.blocks,
        (*MEANS.tolist()[:-1], math.log(noise)),
        rows=ROWS[:known],
        targets=targets,
        pending=ROWS[known : known + pending],
    )


def test_covariances_are_positive_and_their_diagonal_is_the_variance() -> None:
    rows = torch.as_tensor(ROWS)
    covariance = KERNEL.covariance(KERNEL.distances(rows, rows), MEANS)
    # The root that has no gradient at 0 costs a millionth.
    assert covariance.diagonal().tolist() == pytest.approx(
        [KERNEL.variance(MEANS).item()] * len(rows), rel=1e-5
    )
    assert torch.linalg.eigvalsh(covariance).min() > -1e-8


def test_the_further_two_genomes_are_apart_the_less_they_have_in_common() -> None:
    near = list(GENOMES[0])
    size = SPACE.genes[RATE].size
    rows = torch.as_tensor(ENCODER.rows([(*near[:RATE], value, *near[RATE + 1 :]) for value in range(size)]))
    falling = KERNEL.covariance(KERNEL.distances(rows[:1], rows), MEANS)[0].tolist()
    assert falling == sorted(falling, reverse=True)


def test_what_was_told_is_predicted_and_beside_it_more_than_far_away() -> None:
    targets = standardised([float(genome[RATE]) for genome in GENOMES[:30]])
    mean, variance = process(targets).predict(torch.as_tensor(ROWS))
    assert mean[:30].tolist() == pytest.approx(targets, abs=0.1)
    assert variance[:30].max() < variance[30:].mean()


def test_a_fit_finds_the_gene_that_matters() -> None:
    logarithms = fitted(ENCODER.blocks, ROWS, standardised([float(genome[RATE]) for genome in GENOMES]))
    shifts = {
        block.name: fit - prior
        for block, fit, prior in zip(ENCODER.blocks, logarithms, MEANS.tolist(), strict=False)
    }
    assert max(shifts, key=shifts.__getitem__) == "training.learning_rate"


def test_equal_data_give_an_equal_fit_and_leave_threads_and_generator_alone() -> None:
    targets = standardised([float(sum(genome)) for genome in GENOMES])
    torch.manual_seed(1)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    first = fitted(ENCODER.blocks, ROWS, targets)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    torch.manual_seed(2)
    assert fitted(ENCODER.blocks, ROWS, targets) == first


def test_the_promise_is_the_logarithm_of_the_expected_improvement() -> None:
    targets = standardised([float(sum(genome)) for genome in GENOMES[:30]])
    model = process(targets, noise=0.1)
    means, variances = model.predict(torch.as_tensor(ROWS))
    best, normal = max(means[:30].tolist()), NormalDist()
    for mean, variance, promise in zip(
        means.tolist(), variances.tolist(), model.log_improvement(ROWS), strict=True
    ):
        deviation = math.sqrt(variance)
        lead = (mean - best) / deviation
        expected = deviation * (normal.pdf(lead) + lead * normal.cdf(lead))
        # Further away the textbook's formula loses all its digits, which is why there is another one.
        assert lead < -4 or promise == pytest.approx(math.log(expected), abs=1e-3)
        assert math.isfinite(promise)


def test_what_is_pending_promises_less_and_moves_no_expectation() -> None:
    targets = standardised([float(sum(genome)) for genome in GENOMES[:30]])
    free, busy = process(targets), process(targets, pending=3)
    everywhere = torch.as_tensor(ROWS)
    assert torch.allclose(free.predict(everywhere)[0], busy.predict(everywhere)[0], atol=1e-6)
    before, after = free.log_improvement(ROWS[30:33]), busy.log_improvement(ROWS[30:33])
    assert all(late < early for early, late in zip(before, after, strict=True))
