"""Adam, RMSProp and SGD on all parameters of a network at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from evo_nas.genome.architecture import Optimizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.genome.architecture import Training

MOMENTUM = 0.9
"""Of plain gradient descent."""


class FlatOptimizer:
    """Updates the parameters of a network that live in one buffer, as do their gradients.

    A step over one buffer is many times faster than over the small tensors of a cell, and torch's functional
    updates avoid the optimizer classes, whose first use imports a compiler for more than a second. Weight
    decay is decoupled from the gradient (Loshchilov and Hutter, 2019) for every rule.

    Attributes:
        weights: All parameters, ``(parameters,)``.
        gradient: Their gradients, ``(parameters,)``.
    """

    def __init__(self, network: nn.Module, settings: Training) -> None:
        parameters = list(network.parameters())
        self._settings = settings
        self._parameters = parameters
        self.weights = torch.cat([parameter.detach().ravel() for parameter in parameters])
        self.gradient = torch.zeros_like(self.weights)
        self._rule = RULES[settings.optimizer](self.weights)
        for parameter, weights, gradient in zip(
            parameters, self._pieces(self.weights), self._pieces(self.gradient), strict=True
        ):
            parameter.data = weights
            parameter.grad = gradient

    def step(self, factor: float = 1.0) -> float:
        """Clips the gradient, updates the weights, and returns the norm that the gradient had.

        Args:
            factor: Of the learning rate.
        """
        rate = factor * self._settings.learning_rate
        norm = float(self.gradient.norm())
        if norm > self._settings.clip:
            self.gradient.mul_(self._settings.clip / norm)
        self.weights.mul_(1.0 - rate * self._settings.weight_decay)
        self._rule.update(self.gradient, rate)
        return norm

    def release(self) -> None:
        """Gives every parameter memory of its own again, and no gradient."""
        for parameter in self._parameters:
            parameter.data = parameter.data.clone()
            parameter.grad = None

    def _pieces(self, buffer: Tensor) -> list[Tensor]:
        sizes = [parameter.numel() for parameter in self._parameters]
        return [
            piece.view_as(parameter)
            for piece, parameter in zip(torch.split(buffer, sizes), self._parameters, strict=True)
        ]


class _Adam:
    """Adam (Kingma and Ba, 2015) with torch's defaults."""

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._mean = torch.zeros_like(weights)
        self._square = torch.zeros_like(weights)
        self._step = torch.zeros((), device=weights.device)

    def update(self, gradient: Tensor, learning_rate: float) -> None:
        adam(
            [self._weights],
            [gradient],
            [self._mean],
            [self._square],
            [],
            [self._step],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )


class _RMSProp:
    """RMSProp (Hinton, 2012) with torch's defaults."""

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._square = torch.zeros_like(weights)
        self._step = torch.zeros(())

    def update(self, gradient: Tensor, learning_rate: float) -> None:
        rmsprop(
            [self._weights],
            [gradient],
            [self._square],
            [],
            [],
            [self._step],
            foreach=False,
            lr=learning_rate,
            alpha=0.99,
            eps=1e-8,
            weight_decay=0.0,
            momentum=0.0,
            centered=False,
        )


class _SGD:
    """Gradient descent with momentum."""

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._momentum: list[Tensor | None] = [None]

    def update(self, gradient: Tensor, learning_rate: float) -> None:
        sgd(
            [self._weights],
            [gradient],
            self._momentum,
            foreach=False,
            weight_decay=0.0,
            momentum=MOMENTUM,
            lr=learning_rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )


RULES: Mapping[Optimizer, type[_Adam | _RMSProp | _SGD]] = {
    Optimizer.ADAM: _Adam,
    Optimizer.RMSPROP: _RMSProp,
    Optimizer.SGD: _SGD,
}
