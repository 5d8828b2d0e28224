"""A Gaussian process over genomes, and the logarithm of the expected improvement on it.

The kernel is mixed: a Matern-5/2 kernel of the ordered genes times an exponential Hamming kernel of the others (as in
Wan et al., "Think Global and Act Local: Bayesian Optimisation over High-Dimensional Categorical and Mixed Search
Spaces", ICML 2021), plus a kernel of the cells as graphs (the sum that NASBOT and NAS-BOWL propose: Kandasamy et al.,
NeurIPS 2018; Ru et al., ICLR 2021). Each kind of genes has a weight of its own.

It is a model of BoTorch, whose acquisition function and optimizer are used. BoTorch's own exact GP computes the kernel
anew for every candidate together with all data; here the distances of all blocks are computed once, which makes an ask
some ten times as fast. Everything is float64 on one thread of the processor, so that equal data give equal proposals.

It imports torch, so it is imported when a strategy that needs it is built.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.models.model import Model
from botorch.optim.closures import ForwardBackwardClosure
from botorch.optim.core import scipy_minimize
from botorch.posteriors import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from torch import Tensor

from evo_nas.models.threads import one_thread
from evo_nas.strategies.encoding import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.strategies.encoding import Block, Rows

JITTER = 1e-6
FIT = {"maxiter": 50, "ftol": 1e-5}
"""When a fit ends; further digits would be rounded away."""
SPREADS = {"weight": 1.5, "scale": 1.0, "noise": 1.0}
"""Standard deviations of the priors, which are normal for the logarithms."""
LEAST_NOISE, MOST_NOISE = 1e-4, 1.0
DIGITS, PROMISE_DIGITS = 2, 6
"""Decimal places of hyperparameters and promises that are kept, so that machines whose linear algebra differs in the
last bits ask for the same."""

Hyperparameters = tuple[float, ...]
"""Logarithms of a weight for each block, of the scales of genes and graphs, and of the variance of the noise."""


class MixedKernel:
    """The covariance of genomes that are given as rows.

    Args:
        blocks: What the columns of a row mean.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = tuple(blocks)
        self._at = {
            metric: [at for at, block in enumerate(blocks) if block.metric is metric] for metric in Metric
        }

    def distances(self, one: Tensor, other: Tensor) -> Tensor:
        """Returns the squared distances in each block.

        Args:
            one: ``(n, columns)``.
            other: ``(m, columns)``.

        Returns:
            ``(blocks, n, m)``.
        """
        norms = -len(self._blocks)
        found = one[:, norms:].T[:, :, None] + other[:, norms:].T[:, None, :]
        for at, block in enumerate(self._blocks):
            found[at] -= 2 * one[:, block.columns] @ other[:, block.columns].T
        return found.clamp_min_(0.0)

    def covariance(self, distances: Tensor, logarithms: Tensor) -> Tensor:
        """Returns the covariances, without noise, that belong to squared distances."""
        weights, scales = logarithms[: len(self._blocks)].exp(), logarithms[len(self._blocks) : -1].exp()
        parts: list[Tensor] = [
            torch.tensordot(weights[at], distances[at], dims=1) for at in map(self._at.__getitem__, Metric)
        ]
        ordered, categorical, graph = parts
        # The root has no gradient at 0.
        lengths = (5 * ordered + 1e-12).sqrt()
        genes = (1 + lengths + lengths.square() / 3) * (-lengths - categorical).exp()
        return scales[0] * genes + scales[1] * (-graph).exp() if self._at[Metric.GRAPH] else scales[0] * genes

    def variance(self, logarithms: Tensor) -> Tensor:
        """Returns the variance of any genome, without noise."""
        scales = logarithms[len(self._blocks) : -1].exp()
        return scales.sum() if self._at[Metric.GRAPH] else scales[0]

    def prior(self) -> tuple[Tensor, Tensor]:
        """Returns mean and standard deviation of the logarithms of the hyperparameters.

        Two genomes drawn at random have a correlation of about 1/e in each part of the kernel. A kind of genes has a
        share between that of a single gene and one by their number.
        """
        means = []
        for block in self._blocks:
            alike = (each.genes for each in self._blocks if each.metric is block.metric)
            means.append(-0.5 * math.log(block.genes) - math.log(sum(map(math.sqrt, alike))))
        means += [math.log(0.5), math.log(0.5), math.log(0.1)]
        spreads = [SPREADS["weight"]] * len(self._blocks) + [SPREADS["scale"]] * 2 + [SPREADS["noise"]]
        return torch.tensor(means, dtype=torch.float64), torch.tensor(spreads, dtype=torch.float64)


def fitted(blocks: Sequence[Block], rows: Rows, targets: Sequence[float]) -> Hyperparameters:
    """Returns the hyperparameters that are most likely given the data and the priors.

    The fit begins with the means of the priors, whatever was fitted before, so that it is a function of its arguments.

    Args:
        blocks: What the columns of ``rows`` mean.
        rows: ``(n, columns)``.
        targets: ``n`` values with a mean of about 0 and a variance of about 1.
    """
    with one_thread():
        kernel, x, y = MixedKernel(blocks), torch.as_tensor(rows), torch.tensor(targets, dtype=torch.float64)
        distances = kernel.distances(x, x)
        means, spreads = kernel.prior()
        # Steps of the optimizer in units of the priors' standard deviations.
        steps = torch.zeros_like(means, requires_grad=True)

        def loss() -> Tensor:
            logarithms = means + spreads * steps
            root, whitened = _solved(kernel.covariance(distances, logarithms), logarithms[-1], y)
            return whitened.square().sum() / 2 + root.diagonal().log().sum() + steps.square().sum() / 2

        scipy_minimize(ForwardBackwardClosure(loss, {"steps": steps}), {"steps": steps}, options=FIT)
        return tuple(round(each, DIGITS) for each in (means + spreads * steps.detach()).tolist())


class GaussianProcess(Model):  # type: ignore[misc]  # mypy does not follow BoTorch
    """What is believed of genomes, given the targets of some.

    Args:
        blocks: What the columns of a row mean.
        hyperparameters: Those of `fitted`.
        rows: ``(n, columns)``, the genomes with a target.
        targets: ``n`` values with a mean of about 0.
        pending: ``(m, columns)``, genomes whose targets are awaited: believed to be what is expected of them, so that
            nothing is to be learnt beside them (Ginsbourger, Le Riche and Carraro, "Kriging Is Well-Suited to
            Parallelize Optimization", 2010).
    """

    num_outputs = 1

    def __init__(
        self,
        blocks: Sequence[Block],
        hyperparameters: Hyperparameters,
        *,
        rows: Rows,
        targets: Sequence[float],
        pending: Rows,
    ) -> None:
        super().__init__()
        self._kernel = MixedKernel(blocks)
        self._logarithms = torch.tensor(hyperparameters, dtype=torch.float64)
        self._noise = self._logarithms[-1]
        with one_thread(), torch.no_grad():
            self._rows = torch.cat([torch.as_tensor(rows), torch.as_tensor(pending)])
            # Distances take longest, so those of all pairs are computed once.
            distances = self._kernel.distances(self._rows, self._rows)
            covariance = self._kernel.covariance(distances, self._logarithms)
            told, known = torch.tensor(targets, dtype=torch.float64), len(targets)
            root, whitened = _solved(covariance[:known, :known], self._noise, told)
            reduced = torch.linalg.solve_triangular(root, covariance[:known, known:], upper=False)
            believed = torch.cat([told, reduced.T @ whitened])
            self._root, self._whitened = _solved(covariance, self._noise, believed)
            # What is expected of those that are known is what was told of them, less what counts as noise.
            weights = torch.linalg.solve_triangular(self._root.T, self._whitened[:, None], upper=True)[:, 0]
            self._best = (believed - _variance_of(self._noise) * weights).max()

    def log_improvement(self, rows: Rows) -> list[float]:
        """Returns the logarithm of the expected improvement of each of ``n`` genomes.

        Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian Optimization", NeurIPS 2023. What is
        to be improved is the best expectation, since the best target may be luck.

        Args:
            rows: ``(n, columns)``.
        """
        with one_thread(), torch.no_grad():
            acquisition = LogExpectedImprovement(self, best_f=self._best)
            values = acquisition(torch.as_tensor(rows)[:, None, :])
        return [round(value, PROMISE_DIGITS) for value in values.tolist()]

    def predict(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Returns expectation and variance of the targets, without noise, of ``n`` rows: each ``(n,)``."""
        cross = self._kernel.covariance(self._kernel.distances(self._rows, rows), self._logarithms)
        reduced = torch.linalg.solve_triangular(self._root, cross, upper=False)
        variance = self._kernel.variance(self._logarithms) - reduced.square().sum(dim=0)
        return reduced.T @ self._whitened, variance.clamp_min(1e-10)

    def posterior(self, X: Tensor, *_: object, **__: object) -> GPyTorchPosterior:  # noqa: N803 - BoTorch's name
        """Returns what is believed of single genomes, as BoTorch wants it.

        Args:
            X: ``(n, 1, columns)``.
        """
        mean, variance = self.predict(X[:, 0])
        return GPyTorchPosterior(MultivariateNormal(mean[:, None], variance[:, None, None]))


def _solved(covariance: Tensor, noise: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the lower root of the covariance with noise, and the targets divided by it."""
    diagonal = _variance_of(noise) * torch.eye(len(covariance), dtype=covariance.dtype)
    root = torch.linalg.cholesky(covariance + diagonal)
    return root, torch.linalg.solve_triangular(root, targets[:, None], upper=False)[:, 0]


def _variance_of(noise: Tensor) -> Tensor:
    """Returns the variance of the noise within its bounds, by its logarithm."""
    return noise.exp().clamp(LEAST_NOISE, MOST_NOISE) + JITTER
