"""The small layers around a recurrence: last-value residual, tied embedding and output, dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Forecast
from evo_nas.genome.cell import X

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.architecture import Signature
    from evo_nas.models.recurrence import Recurrence


class LastValueResidual(nn.Module):
    """Lets a network forecast the change from the last observed values (NLinear; Zeng et al., 2023).

    `enter` subtracts the last step from the inputs where the forecast is relative; `leave` adds the last values
    of the targets to the outputs.

    Raises:
        GenomeError: The signature does not say which features are the last values of the targets.
    """

    columns: Tensor
    """For each output the feature that holds its last value, int64 ``(outputs,)``."""

    def __init__(self, forecast: Forecast, signature: Signature) -> None:
        super().__init__()
        targets = len(signature.last_values)
        if not targets or signature.outputs % targets:
            raise GenomeError(
                f"architecture.forecast is {forecast}; must be {Forecast.VALUE} for {signature.outputs} outputs, of "
                f"which the last values are the features {signature.last_values} of {signature.features}"
            )
        self.is_relative = forecast is Forecast.RELATIVE
        # Outputs are ordered by step, then by target, so the targets' columns repeat once for each step.
        columns = torch.tensor(signature.last_values).repeat(signature.outputs // targets)
        self.register_buffer("columns", columns, persistent=False)

    def enter(self, inputs: Tensor, last: Tensor) -> Tensor:
        """Returns the input of the network ``(batch, time, features)``.

        Args:
            inputs: ``(batch, time, features)``.
            last: The last step of the inputs ``(batch, features)``; see `last_step`.
        """
        return inputs - last[:, None] if self.is_relative else inputs

    def leave(self, outputs: Tensor, last: Tensor) -> Tensor:
        """Returns the forecast ``(batch, outputs)``.

        Args:
            outputs: Changes from the last values ``(batch, outputs)``.
            last: The last step of the inputs ``(batch, features)``.
        """
        return outputs + last[:, self.columns]


def last_step(sequences: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns the last valid step ``(batch, features)`` of each sequence.

    Args:
        sequences: ``(batch, time, features)``.
        lengths: int64 ``(batch,)``; None if no sequence is padded.
    """
    if lengths is None:
        return sequences[:, -1]
    return sequences[torch.arange(sequences.shape[0], device=sequences.device), lengths - 1]


class TiedEmbedding(nn.Embedding):
    """An embedding that shares its weights with the output layer (Press and Wolf, 2017).

    The weights are small enough to score tokens and are scaled up to about 1 where they are read (Vaswani et al.,
    2017).
    """

    def reset_parameters(self) -> None:
        """Draws weights whose products with features of about 1 are about 1."""
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Returns vectors ``(..., width)`` for int64 ``tokens`` ``(...)``."""
        scale: float = self.embedding_dim**0.5
        return super().forward(tokens) * scale


class TiedOutput(nn.Module):
    """Scores tokens by their embeddings; features of another width are projected first.

    The embedding owns the weights: they are trained, moved and stored with it.

    Raises:
        GenomeError: The number of outputs differs from the number of tokens of the embedding.
    """

    def __init__(self, features: int, embedding: TiedEmbedding, *, outputs: int) -> None:
        super().__init__()
        if outputs != embedding.num_embeddings:
            raise GenomeError(
                f"architecture.tied is True; must be False for {outputs} outputs and a vocabulary of "
                f"{embedding.num_embeddings} tokens"
            )
        self._embedding = (embedding,)  # in a tuple, so that torch does not register it twice
        width = embedding.embedding_dim
        self.projection = nn.Identity() if features == width else nn.Linear(features, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))

    @property
    def weight(self) -> Tensor:
        """The vector of each token ``(vocabulary, width)``, which is the embedding's."""
        return self._embedding[0].weight

    def forward(self, features: Tensor) -> Tensor:
        """Returns scores ``(..., vocabulary)`` for ``features`` ``(..., features)``."""
        return functional.linear(self.projection(features), self.weight, self.bias)


class Masking(nn.Module):
    """Zeroes numbers at random during training and scales the others up, so that their mean stays.

    Torch's own dropout draws from a generator that all threads share; this one can have its own.

    Attributes:
        generator: Generator of the masks, on the device of the inputs; None for torch's own.
    """

    generator: torch.Generator | None = None

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate

    @property
    def is_active(self) -> bool:
        """Whether anything is zeroed now."""
        return self.training and self._rate > 0.0

    def _mask(self, like: Tensor, shape: Sequence[int]) -> Tensor:
        """Returns factors of ``shape``, with the type and on the device of ``like``."""
        kept = 1.0 - self._rate
        return like.new_empty(shape).bernoulli_(kept, generator=self.generator).div_(kept)


class Dropout(Masking):
    """Zeroes values one by one (Hinton et al., 2012)."""

    def forward(self, values: Tensor) -> Tensor:
        """Returns ``values``, of any shape ``(batch, ...)``, with some of them zeroed."""
        return values * self._mask(values, self._mask_shape(values)) if self.is_active else values

    def _mask_shape(self, values: Tensor) -> torch.Size:
        return values.shape


class SequenceDropout(Dropout):
    """Zeroes the same features of ``(batch, time, features)`` at all steps (Gal and Ghahramani, 2016)."""

    def _mask_shape(self, values: Tensor) -> torch.Size:
        return values[:, :1].shape


class TokenDropout(Masking):
    """Zeroes whole tokens, wherever they occur in a batch (Gal and Ghahramani, 2016).

    One mask over the vocabulary serves the whole batch, as if rows of the embedding were zero (Merity et al., 2018).
    """

    def __init__(self, rate: float, vocabulary: int) -> None:
        super().__init__(rate)
        self._vocabulary = vocabulary

    def forward(self, vectors: Tensor, tokens: Tensor) -> Tensor:
        """Returns the ``vectors`` ``(..., width)`` of int64 ``tokens`` ``(...)`` with those of some tokens zeroed."""
        if not self.is_active:
            return vectors
        return vectors * self._mask(vectors, (self._vocabulary,))[tokens][..., None]


class StateWeightDropout(Masking):
    """Zeroes weights that multiply states, the same ones at all steps of a batch (DropConnect; Merity et al., 2018).

    Weights are dropped and not states, since all backends then run it as they are.
    """

    def forward(self, recurrence: Recurrence) -> dict[str, Tensor]:
        """Returns the weights ``(width, total input width)`` that replace those of ``recurrence``, by name."""
        if not self.is_active:
            return {}
        return {name: self._dropped(recurrence, index, name) for index, name in recurrence.matrices()}

    def _dropped(self, recurrence: Recurrence, index: int, name: str) -> Tensor:
        weight: Tensor = getattr(recurrence, name)
        blocks = torch.split(weight, recurrence.input_widths(index), dim=1)
        sources = recurrence.cell.nodes[index].inputs
        return torch.cat(
            [
                block if source == X else block * self._mask(block, block.shape)
                for source, block in zip(sources, blocks, strict=True)
            ],
            dim=1,
        )


def set_dropout_generator(network: nn.Module, generator: torch.Generator | None) -> None:
    """Makes every dropout layer of ``network`` draw from ``generator``; None is torch's own."""
    for module in network.modules():
        if isinstance(module, Masking):
            module.generator = generator


def dropout_generator(network: nn.Module) -> torch.Generator:
    """Returns the generator that the dropout layers of ``network`` draw from."""
    own = (module.generator for module in network.modules() if isinstance(module, Masking))
    return next(own, None) or torch.default_generator
