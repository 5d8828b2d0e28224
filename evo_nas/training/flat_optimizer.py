"""Adam, RMSProp and SGD on all parameters of a network at once."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from evo_nas.genome.architecture import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evo_nas.genome.architecture import Training

MOMENTUM = 0.9
"""Momentum of plain gradient descent, which evolution does not choose."""


class FlatOptimizer:
    """Updates all parameters of a network in one buffer; their gradients are in another.

    A step over one buffer is many times faster than over the small tensors of a cell. Torch's optimizer classes are
    avoided because their first use imports a compiler, which takes more than a second. Weight decay is decoupled from
    the gradient (Loshchilov and Hutter, 2019) for every rule.

    Args:
        network: The network whose parameters are moved into the buffer.
        settings: The training settings of its architecture.
        capturable: Whether a step may be part of a CUDA graph. Then nothing in it waits for the device, and the
            learning rate is a tensor there, which costs some microseconds.
        rate_factors: For each parameter its learning rate as a multiple of that of the settings; None for 1.

    Attributes:
        weights: All parameters, ``(parameters,)``.
        gradient: Their gradients, ``(parameters,)``.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: Training,
        *,
        capturable: bool = False,
        rate_factors: Sequence[float] | None = None,
    ) -> None:
        parameters = list(network.parameters())
        self._settings = settings
        self._parameters = parameters
        self.weights = torch.cat([parameter.detach().ravel() for parameter in parameters])
        self.gradient = torch.zeros_like(self.weights)
        self._groups = [
            _Group(factor, self.weights[place], self.gradient[place], RULES[settings.optimizer])
            for factor, place in _runs(parameters, rate_factors)
        ]
        self._rate: float | Tensor = settings.learning_rate
        if capturable:
            # Torch's fused Adam reads a rate on a GPU in single precision.
            self._rate = torch.full((), settings.learning_rate, device=self.weights.device)
        for parameter, weights, gradient in zip(
            parameters, self._pieces(self.weights), self._pieces(self.gradient), strict=True
        ):
            parameter.data = weights
            parameter.grad = gradient

    def scale_rate(self, factor: float) -> None:
        """Sets the learning rate of the next steps to ``factor`` times that of the settings."""
        rate = factor * self._settings.learning_rate
        if isinstance(self._rate, Tensor):
            self._rate.fill_(rate)
        else:
            self._rate = rate

    def step(self) -> Tensor:
        """Clips the gradient, updates the weights, and returns the norm ``()`` of the gradient before clipping."""
        norm: Tensor = self.gradient.norm()
        self._clip(norm)
        for group in self._groups:
            group.update(self._rate, self._settings.weight_decay)
        return norm

    def _clip(self, norm: Tensor) -> None:
        """Scales the gradient so that its norm, now ``norm`` ``()``, is at most the limit."""
        limit = self._settings.clip
        if isinstance(self._rate, Tensor):
            # Without a branch, which would have to wait for the norm.
            self.gradient.mul_((limit / norm).clamp(max=1.0))
        elif norm.item() > limit:
            self.gradient.mul_(limit / norm.item())

    def state(self) -> dict[str, Tensor]:
        """Returns what the next step depends on besides weights and gradient, by name; the tensors stay its own."""
        return {
            f"{index}.{name}": tensor
            for index, group in enumerate(self._groups)
            for name, tensor in group.state().items()
        }

    def release(self) -> None:
        """Gives every parameter its own memory again and drops the gradients."""
        # Otherwise a saved or pickled parameter would take the whole buffer with it.
        for parameter in self._parameters:
            parameter.data = parameter.data.clone()
            parameter.grad = None

    def _pieces(self, buffer: Tensor) -> list[Tensor]:
        """Returns views of ``buffer`` ``(parameters,)`` in the shapes of the parameters."""
        sizes = [parameter.numel() for parameter in self._parameters]
        return [
            piece.view_as(parameter)
            for piece, parameter in zip(torch.split(buffer, sizes), self._parameters, strict=True)
        ]


class _Group:
    """A stretch of the buffer with a learning rate of its own."""

    def __init__(
        self, factor: float, weights: Tensor, gradient: Tensor, rule: type[_Adam | _RMSProp | _SGD]
    ) -> None:
        self._factor = factor
        self._weights = weights
        self._gradient = gradient
        self._rule = rule(weights)

    def update(self, rate: float | Tensor, decay: float) -> None:
        """Moves the weights with a learning rate of ``rate`` times the factor; a rate that is a tensor is ``()``."""
        if self._factor != 1.0:
            rate = rate * self._factor
        if decay:
            self._weights.mul_(1.0 - rate * decay)
        self._rule.update(self._gradient, rate)

    def state(self) -> dict[str, Tensor]:
        """Returns the tensors of the rule, by name."""
        return self._rule.state()


def _runs(
    parameters: Sequence[nn.Parameter], factors: Sequence[float] | None
) -> Iterator[tuple[float, slice]]:
    """Yields successive stretches of the buffer whose parameters have the same factor."""
    start = 0
    factors = [1.0] * len(parameters) if factors is None else factors
    for factor, run in groupby(zip(factors, parameters, strict=True), key=itemgetter(0)):
        size = sum(parameter.numel() for _, parameter in run)
        yield factor, slice(start, start + size)
        start += size


class _Adam:
    """Adam (Kingma and Ba, 2015) with torch's defaults."""

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._mean = torch.zeros_like(weights)
        self._square = torch.zeros_like(weights)
        self._step = torch.zeros((), device=weights.device)

    def state(self) -> dict[str, Tensor]:
        """Returns what is carried from step to step."""
        return {"mean": self._mean, "square": self._square, "step": self._step}

    def update(self, gradient: Tensor, learning_rate: float | Tensor) -> None:
        """Moves the weights by their ``gradient`` ``(parameters,)``; a rate that is a tensor is ``()``."""
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
    """RMSProp (Hinton, 2012), whose mean of squares counts only the gradients that there were, as Adam's does.

    Torch's mean starts at zero, so that its first steps are ten times as long as later ones.
    """

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._square = torch.zeros_like(weights)
        self._counted = torch.zeros((), device=weights.device)

    def state(self) -> dict[str, Tensor]:
        """Returns what is carried from step to step."""
        return {"square": self._square, "counted": self._counted}

    def update(self, gradient: Tensor, learning_rate: float | Tensor) -> None:
        """Moves the weights by their ``gradient`` ``(parameters,)``; a rate that is a tensor is ``()``."""
        # By hand, because torch's functional version takes no rate that is a tensor.
        self._square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
        self._counted.mul_(0.99).add_(0.01)  # the share of the mean that is no initial zero
        self._weights.sub_(learning_rate * (gradient / (self._square / self._counted).sqrt().add_(1e-8)))


class _SGD:
    """Gradient descent with momentum."""

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._momentum = torch.zeros_like(weights)

    def state(self) -> dict[str, Tensor]:
        """Returns what is carried from step to step."""
        return {"momentum": self._momentum}

    def update(self, gradient: Tensor, learning_rate: float | Tensor) -> None:
        """Moves the weights by their ``gradient`` ``(parameters,)``; a rate that is a tensor is ``()``."""
        self._momentum.mul_(MOMENTUM).add_(gradient)
        self._weights.sub_(learning_rate * self._momentum)


RULES: Mapping[Optimizer, type[_Adam | _RMSProp | _SGD]] = {
    Optimizer.ADAM: _Adam,
    Optimizer.RMSPROP: _RMSProp,
    Optimizer.SGD: _SGD,
}
