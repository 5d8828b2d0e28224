"""Adaptation: a few steps of gradient descent on the examples of one task, and how good a network is after them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch.func import functional_call

from evo_nas.errors import ConfigError
from evo_nas.training.batches import SequenceSplit, prepare
from evo_nas.training.forward import scores_of
from evo_nas.training.losses import Predictions, TrainingLoss

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

    from torch import Tensor

    from evo_nas.config.schema import AdaptationOptions
    from evo_nas.models.network import Network
    from evo_nas.tasks.dataset import Dataset, EpisodeSize
    from evo_nas.tasks.metrics import Metric
    from evo_nas.training.batches import Batch, BatchShape, PreparedDataset
    from evo_nas.training.forward import Scores

Weights = dict[str, torch.Tensor]
"""The parameters of a network by name."""


class EpisodeSplit:
    """The episodes of a part; a batch holds some of them, so that its tensors are ``(episodes, examples, ...)``.

    Args:
        split: Their examples, one episode after the other.
        size: How many of them an episode has.
    """

    is_stream = False

    def __init__(self, split: SequenceSplit, size: EpisodeSize) -> None:
        self._split = split
        self._size = size
        self._episodes = split.sequences.each(
            lambda tensor: tensor.reshape(-1, size.examples, *tensor.shape[1:])
        )

    def __len__(self) -> int:
        return len(self._split) // self._size.examples

    def least_batch(self, size: int) -> BatchShape:  # noqa: ARG002 - episodes are run one after the other
        """Returns the shape of what is run at once, the examples that are adapted to."""
        return self._split.least_batch(self._size.support)

    def in_order(self, size: int) -> Iterator[Batch]:
        """Yields batches of at most ``size`` episodes."""
        for which in torch.split(torch.arange(len(self), device=self._device), size):
            yield self._take(which)

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yields the episodes in an order that ``generator`` decides."""
        for which in torch.split(torch.randperm(len(self), generator=generator).to(self._device), size):
            yield self._take(which)

    @property
    def _device(self) -> torch.device:
        return self._episodes.targets.device

    def _take(self, which: Tensor) -> Batch:
        return self._episodes.chosen(which)


def divided(episode: Batch, size: EpisodeSize) -> tuple[Batch, Batch]:
    """Returns the examples of an episode that a network adapts to, and those that it is measured on."""
    return episode.chosen(slice(size.support)), episode.chosen(slice(size.support, None))


class Adaptation:
    """Gradient descent from given weights of a network, whose own parameters stay as they are.

    Args:
        network: The network.
        loss: What is minimised.
        options: How it adapts.
        is_differentiable: Whether a gradient of the result with respect to the weights that it began with is wanted:
            a second derivative, for which the network needs layers that can be differentiated twice.
    """

    def __init__(
        self,
        network: Network,
        loss: TrainingLoss,
        options: AdaptationOptions,
        *,
        is_differentiable: bool = False,
    ) -> None:
        self._network = network
        self._loss = loss
        self._options = options
        self._is_differentiable = is_differentiable

    @property
    def start(self) -> Weights:
        """The parameters of the network."""
        return dict(self._network.named_parameters())

    def adapted(self, batches: Iterable[Batch]) -> tuple[Weights, Tensor | None]:
        """Returns the weights after a step on each of ``batches``, and the loss ``()`` before the last step."""
        weights, loss = self.start, None
        for batch in batches:
            loss = self.loss(weights, batch)
            gradients = self.gradients(loss, weights, create_graph=self._is_differentiable)
            rate = self._rate(gradients)
            moved = {name: weight - rate * gradients[name] for name, weight in weights.items()}
            weights = (
                moved
                if self._is_differentiable
                else {name: weight.detach().requires_grad_() for name, weight in moved.items()}
            )
        return weights, loss

    def _rate(self, gradients: Weights) -> float | Tensor:
        """Returns the size of a step along ``gradients``, lower where they are longer than permitted."""
        norm = torch.cat([gradient.ravel() for gradient in gradients.values()]).norm()
        rate, limit = self._options.learning_rate, self._options.clip
        # A branch, since the derivative of a minimum is no number where the gradient is zero.
        return rate * limit / norm if norm.item() > limit else rate

    def gradients(self, loss: Tensor, weights: Weights, *, create_graph: bool = False) -> Weights:
        """Returns the gradient of ``loss`` for each of ``weights``, zero where the loss does not depend on it."""
        found = torch.autograd.grad(
            loss,
            list(weights.values()),
            create_graph=create_graph,
            allow_unused=True,
            materialize_grads=True,
        )
        return dict(zip(weights, found, strict=True))

    def loss(self, weights: Weights, batch: Batch) -> Tensor:
        """Returns the mean loss ``()`` of the network with ``weights`` on ``batch``."""
        return self._loss(self.predictions(weights, batch).counted())

    def predictions(self, weights: Weights, batch: Batch) -> Predictions:
        """Returns what the network with ``weights`` predicts of ``batch``."""
        outputs: Tensor = functional_call(self._network, weights, (batch.inputs, batch.lengths))
        return Predictions.of(outputs, batch, per_step=self._network.signature.per_step)


@dataclass(frozen=True, slots=True)
class TaskFamily:
    """The episodes of a data set, and how a network adapts to each.

    Attributes:
        train: The episodes to learn initial weights from.
        validation: Those that initial weights are measured on.
        size: What an episode consists of.
        options: How networks adapt.
    """

    train: EpisodeSplit
    validation: EpisodeSplit
    size: EpisodeSize
    options: AdaptationOptions

    @classmethod
    def of(cls, data: PreparedDataset, options: AdaptationOptions) -> Self:
        """Returns the family that ``data`` hold.

        Raises:
            ConfigError: They are of one task.
        """
        train, validation = data.train, data.validation
        if (
            data.episodes is None
            or not isinstance(train, SequenceSplit)
            or not isinstance(validation, SequenceSplit)
        ):
            raise ConfigError(
                "training.adaptation is given, but the data are of one task; leave it out, or give data of episodes"
            )
        size = data.episodes
        return cls(EpisodeSplit(train, size), EpisodeSplit(validation, size), size, options)


def adapted_scores(network: Network, family: TaskFamily, *, loss: TrainingLoss, metric: Metric) -> Scores:
    """Returns the scores of ``network`` on the validation queries, after it has adapted to the shots of each task.

    Dropout is off, and the network stays as it is.
    """
    was_training = network.training
    network.eval()
    scores = scores_of(_adapted_predictions(network, family, loss), loss=loss, metric=metric)
    network.train(was_training)
    return scores


def _adapted_predictions(network: Network, family: TaskFamily, loss: TrainingLoss) -> Iterator[Predictions]:
    adaptation = Adaptation(network, loss, family.options)
    for batch in family.validation.in_order(1):
        support, query = divided(batch.chosen(0), family.size)
        adapted, _ = adaptation.adapted([support] * family.options.steps)
        with torch.no_grad():
            predictions = adaptation.predictions(adapted, query)
        # After the block, since a generator that waits within it would turn gradients off for its caller.
        yield predictions


def adapted_test_scores(
    network: Network, dataset: Dataset, options: AdaptationOptions, *, steps: Iterable[int]
) -> list[Scores]:
    """Returns the scores of ``network`` on the test queries of ``dataset`` after each number of ``steps``."""
    device = next(network.parameters()).device
    loss = TrainingLoss(dataset.objective, has_holes=dataset.has_target_holes)
    data = prepare(replace(dataset, validation=dataset.test), device)
    return [
        adapted_scores(
            network,
            TaskFamily.of(data, options.model_copy(update={"steps": number})),
            loss=loss,
            metric=dataset.metric,
        )
        for number in steps
    ]


def adapted_network(
    network: Network, examples: Batch, options: AdaptationOptions, *, loss: TrainingLoss
) -> Network:
    """Returns a copy of ``network`` that has adapted to the few ``examples`` of a task."""
    adaptation = Adaptation(network, loss, options)
    weights, _ = adaptation.adapted([examples] * options.steps)
    copied = copy.deepcopy(network)
    with torch.no_grad():
        for name, parameter in copied.named_parameters():
            parameter.copy_(weights[name])
    return copied.eval()
