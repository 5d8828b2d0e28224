"""Meta-learning: initial weights from which a network adapts to a new task in a few steps.

* ``reptile`` (Nichol, Achiam and Schulman, 2018) adapts to a task and moves the initial weights towards the result.
* ``maml`` (Finn, Abbeel and Levine, 2017) follows the gradient of the loss after adaptation, through its steps. That
  takes second derivatives, which the hand-written backward passes of the fast backends do not have, so it runs on the
  eager reference backend.
* ``fomaml``, its first-order form, takes the gradient at the adapted weights instead, on any backend.

All three give a direction for the initial weights, which is handed to the optimizer of the architecture as a gradient
is: its learning rate is that of the initial weights, and its batch size is a number of tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.recurrent_layer import RecurrentLayer
from evo_nas.training.adaptation import Adaptation, divided
from evo_nas.training.step import RunningLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from evo_nas.config.schema import MetaAlgorithm
    from evo_nas.models.network import Network
    from evo_nas.training.adaptation import TaskFamily, Weights
    from evo_nas.training.batches import Batch
    from evo_nas.training.flat_optimizer import FlatOptimizer
    from evo_nas.training.losses import TrainingLoss


class MetaStep:
    """One step of the initial weights, from a batch of episodes.

    Args:
        network: The network whose parameters are the initial weights.
        optimizer: Its optimizer.
        loss: The loss of a task.
        family: The tasks, and how networks adapt to them.
        generator: Draws the batches of a task for Reptile, on the CPU.

    Attributes:
        running: The losses of all steps: those after adaptation, or before the last of its steps for Reptile.
    """

    def __init__(
        self,
        network: Network,
        optimizer: FlatOptimizer,
        loss: TrainingLoss,
        family: TaskFamily,
        *,
        generator: torch.Generator,
    ) -> None:
        options = family.options
        fast = [name for name in network.backends if name != EagerRecurrence.backend_name]
        if options.algorithm == "maml" and fast:
            # Autograd would take what they give for constant, without a word.
            raise ValueError(
                f"maml needs second derivatives, which the backend {fast[0]} leaves out; call "
                "make_twice_differentiable first"
            )
        self._adaptation = Adaptation(
            network,
            loss,
            options,
            is_differentiable=options.algorithm == "maml",
        )
        self._optimizer = optimizer
        self._options = options
        self._size = family.size
        self._generator = generator
        self._direction = _DIRECTIONS[options.algorithm]
        self.running = RunningLoss()

    def __call__(self, batch: Batch) -> None:
        """Moves the initial weights; tensors of ``batch`` are ``(episodes, examples, ...)``."""
        self._optimizer.gradient.zero_()
        episodes, losses = len(batch.targets), []
        for number in range(episodes):
            direction, loss = self._direction(self, batch.chosen(number))
            losses.append(loss.detach())
            for name, parameter in self._adaptation.start.items():
                assert parameter.grad is not None, "the optimizer has given it a place"
                parameter.grad.add_(direction[name].detach(), alpha=1 / episodes)
        norm = self._optimizer.step()
        self.running.add(torch.stack(losses).mean(), norm, episodes)

    def _reptile(self, episode: Batch) -> tuple[Weights, Tensor]:
        """Returns the mean gradient of the steps on batches of the whole task."""
        adapted, loss = self._adaptation.adapted(self._batches(episode))
        assert loss is not None, "there is at least one step"
        walked = self._options.steps * self._options.learning_rate
        start = self._adaptation.start
        return {name: (weight - adapted[name]) / walked for name, weight in start.items()}, loss

    def _maml(self, episode: Batch) -> tuple[Weights, Tensor]:
        """Returns the gradient of the loss after adaptation, at the initial weights."""
        _, loss = self._after_adaptation(episode)
        return self._adaptation.gradients(loss, self._adaptation.start), loss

    def _first_order_maml(self, episode: Batch) -> tuple[Weights, Tensor]:
        """Returns the gradient of the loss after adaptation, at the adapted weights."""
        adapted, loss = self._after_adaptation(episode)
        return self._adaptation.gradients(loss, adapted), loss

    def _after_adaptation(self, episode: Batch) -> tuple[Weights, Tensor]:
        support, query = divided(episode, self._size)
        adapted, _ = self._adaptation.adapted([support] * self._options.steps)
        return adapted, self._adaptation.loss(adapted, query)

    def _batches(self, episode: Batch) -> Iterator[Batch]:
        """Yields for each step as many examples as a task shows, all of the episode before any comes again.

        Different ones in each step: what they have in common is what Reptile learns.
        """
        order: list[int] = []
        for _ in range(self._options.steps):
            while len(order) < self._size.support:
                order += torch.randperm(self._size.examples, generator=self._generator).tolist()
            taken, order = order[: self._size.support], order[self._size.support :]
            yield episode.chosen(torch.tensor(taken, device=episode.targets.device))


_DIRECTIONS: Mapping[MetaAlgorithm, Callable[[MetaStep, Batch], tuple[Weights, Tensor]]] = {
    "reptile": MetaStep._reptile,
    "fomaml": MetaStep._first_order_maml,
    "maml": MetaStep._maml,
}


def make_twice_differentiable(network: Network) -> None:
    """Lets the reference backend run every recurrent layer of ``network``, with the same weights."""
    for layer in network.layers:
        assert isinstance(layer, RecurrentLayer)
        fast = layer.recurrence
        reference = EagerRecurrence(fast.cell, fast.inputs, fast.width, bidirectional=fast.bidirectional)
        reference.load_state_dict(fast.state_dict())
        layer.recurrence = reference
    network.backends = (EagerRecurrence.backend_name,) * len(network.layers)
