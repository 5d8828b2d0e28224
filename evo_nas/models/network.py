"""A whole network, built from an architecture for the shapes of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Forecast, Norm
from evo_nas.models.anchor import Anchor, last_step
from evo_nas.models.carried import read_on, zero_states
from evo_nas.models.dropout import SequenceDropout
from evo_nas.models.head import OutputHead
from evo_nas.models.paths import path_for
from evo_nas.models.tied import TiedEmbedding

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Layer, Signature

States = list[Tensor]
"""For each layer the states of its cell, ``(states, batch, width)``."""


class RecurrentLayer(nn.Module):
    """Dropout on the input, the recurrence, and a normalisation of its output."""

    def __init__(self, layer: Layer, inputs: int, *, device: str = "cpu") -> None:
        super().__init__()
        self.dropout = SequenceDropout(layer.dropout)
        self.recurrence = path_for(layer.cell, device=device)(
            layer.cell, inputs, layer.width, bidirectional=layer.bidirectional
        )
        features = layer.width * (2 if layer.bidirectional else 1)
        self.norm = nn.LayerNorm(features) if layer.norm is Norm.LAYER else nn.Identity()

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, time, width * directions)`` for inputs ``(batch, time, inputs)``."""
        outputs: Tensor = self.norm(self.recurrence(self.dropout(inputs), lengths))
        return outputs

    def read_on(self, inputs: Tensor, states: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns what `forward` does, from ``states`` on, and the states after it; None are zero."""
        if states is None:
            states = zero_states(self.recurrence, inputs)
        outputs, after = read_on(self.recurrence, self.dropout(inputs), states)
        return self.norm(outputs), after


class Network(nn.Module):
    """Embedding for tokens, recurrent layers with skip connections, and the head.

    It is built on the CPU; ``device`` is the type of device that it is meant for, such as ``cuda``.

    Attributes:
        backends: What runs each layer's recurrence, from the input up; see `paths.PATHS`.

    Raises:
        GenomeError: The input is tokens and the architecture has no embedding width; or outputs are tied to an
            embedding of other tokens; or a forecast is one of changes and the last values are not known.
    """

    def __init__(self, architecture: Architecture, signature: Signature, *, device: str = "cpu") -> None:
        super().__init__()
        self.architecture = architecture
        self.signature = signature
        self.embedding = _embedding(architecture, signature)
        features = signature.features if self.embedding is None else self.embedding.embedding_dim
        # For each value of the network (its input, then each layer's output), whether a backward cell made
        # each of its features.
        backward = [[False] * features]
        layers = []
        for layer in architecture.layers:
            inputs = _joined(backward, layer.skip)
            layers.append(RecurrentLayer(layer, len(inputs), device=device))
            backward.append([False] * layer.width + [True] * layer.width * layer.bidirectional)
        self.layers = nn.ModuleList(layers)
        self.backends = tuple(layer.recurrence.path for layer in layers)
        self.head = OutputHead(
            architecture.head,
            _joined(backward, architecture.head.skip),
            outputs=signature.outputs,
            per_step=signature.per_step,
            tied_to=self.embedding if isinstance(self.embedding, TiedEmbedding) else None,
        )
        self.anchor = (
            None if architecture.forecast is Forecast.VALUE else Anchor(architecture.forecast, signature)
        )

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Returns the outputs.

        Args:
            inputs: float ``(batch, time, features)``, or int64 ``(batch, time)`` for tokens.
            lengths: int64 ``(batch,)``, each at least 1; None if no sequence is padded.

        Returns:
            ``(batch, outputs)``; ``(batch, time, outputs)`` if every step has an output, where padded steps
            mean nothing.
        """
        if self.anchor is None:
            return self._outputs(inputs, lengths)
        last = last_step(inputs, lengths)
        return self.anchor.told(self._outputs(self.anchor.read(inputs, last), lengths), last)

    def _outputs(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        values = [inputs if self.embedding is None else self.embedding(inputs)]
        for settings, layer in zip(self.architecture.layers, self.layers, strict=True):
            values.append(layer(_with_skip(values, settings.skip), lengths))
        outputs: Tensor = self.head(_with_skip(values, self.architecture.head.skip), lengths)
        return outputs

    def read_on(self, inputs: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Returns the outputs of the next piece of long sequences, and the states after it.

        Args:
            inputs: As of `forward`, without padding.
            states: What the call for the piece before returned; None at the beginning.
        """
        values = [inputs if self.embedding is None else self.embedding(inputs)]
        after = []
        for index, (settings, layer) in enumerate(zip(self.architecture.layers, self.layers, strict=True)):
            assert isinstance(layer, RecurrentLayer)
            before = None if states is None else states[index]
            outputs, state = layer.read_on(_with_skip(values, settings.skip), before)
            values.append(outputs)
            after.append(state)
        return self.head(_with_skip(values, self.architecture.head.skip), None), after


def _embedding(architecture: Architecture, signature: Signature) -> nn.Embedding | None:
    if not signature.vocabulary:
        return None
    if architecture.embedding is None:
        raise GenomeError(
            f"architecture.embedding is None; a vocabulary of {signature.vocabulary} tokens needs its width"
        )
    kind = TiedEmbedding if architecture.tied else nn.Embedding
    return kind(signature.vocabulary, architecture.embedding)


def _joined(values: list[list[bool]], skip: int | None) -> list[bool]:
    return values[-1] if skip is None else values[-1] + values[skip]


def _with_skip(values: list[Tensor], skip: int | None) -> Tensor:
    return values[-1] if skip is None else torch.cat([values[-1], values[skip]], dim=-1)
