"""A whole network, built from an architecture for the shapes of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Forecast, Norm
from evo_nas.models.backends import backend_for
from evo_nas.models.head import OutputHead
from evo_nas.models.layers import LastValueResidual, SequenceDropout, TiedEmbedding, last_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.genome.architecture import Architecture, Layer, Signature

States = list[Tensor]
"""For each layer the states of its cell, ``(states, batch, width)``."""


class RecurrentLayer(nn.Module):
    """Dropout on the input, the recurrence, and a normalisation of its output."""

    def __init__(self, layer: Layer, inputs: int, *, device: str = "cpu") -> None:
        super().__init__()
        self.dropout = SequenceDropout(layer.dropout)
        self.recurrence = backend_for(layer.cell, device=device)(
            layer.cell, inputs, layer.width, bidirectional=layer.bidirectional
        )
        features = layer.width * (2 if layer.bidirectional else 1)
        self.norm = nn.LayerNorm(features) if layer.norm is Norm.LAYER else nn.Identity()

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, time, width * directions)``.

        Args:
            inputs: ``(batch, time, inputs)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        outputs: Tensor = self.norm(self.recurrence(self.dropout(inputs), lengths))
        return outputs

    def forward_from(self, inputs: Tensor, states: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns the outputs ``(batch, time, width)`` and the states after the last step ``(states, batch, width)``.

        Args:
            inputs: ``(batch, time, inputs)``, without padding.
            states: States before the first step, ``(states, batch, width)``; None for zeros.
        """
        before = self.recurrence.zero_states(inputs) if states is None else states
        outputs, after = self.recurrence.forward_from(self.dropout(inputs), before)
        return self.norm(outputs), after


class Network(nn.Module):
    """Embedding for tokens, recurrent layers with skip connections, and the head.

    It is built on the CPU; ``device`` is the type of device that it is meant for, such as ``cuda``.

    Attributes:
        backends: What runs each layer's recurrence, from the input up; see `backends.BACKENDS`.

    Raises:
        GenomeError: The input is tokens and the architecture has no embedding width; or outputs are tied to an
            embedding of other tokens; or the forecast is a change and the last values are not known.
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
        self.backends = tuple(layer.recurrence.backend_name for layer in layers)
        self.head = OutputHead(
            architecture.head,
            _joined(backward, architecture.head.skip),
            outputs=signature.outputs,
            per_step=signature.per_step,
            tied_to=self.embedding if isinstance(self.embedding, TiedEmbedding) else None,
        )
        self.residual = (
            None
            if architecture.forecast is Forecast.VALUE
            else LastValueResidual(architecture.forecast, signature)
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

        def run(_: int, layer: RecurrentLayer, values: Tensor) -> Tensor:
            outputs: Tensor = layer(values, lengths)
            return outputs

        if self.residual is None:
            return self._through_layers(inputs, run, lengths=lengths)
        last = last_step(inputs, lengths)
        outputs = self._through_layers(self.residual.enter(inputs, last), run, lengths=lengths)
        return self.residual.leave(outputs, last)

    def forward_from(self, inputs: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Returns the outputs for the next piece of long sequences, and the states after it.

        Args:
            inputs: As for `forward`, without padding.
            states: What the call for the piece before returned; None at the beginning.
        """
        after: States = []

        def run(index: int, layer: RecurrentLayer, values: Tensor) -> Tensor:
            outputs, state = layer.forward_from(values, None if states is None else states[index])
            after.append(state)
            return outputs

        return self._through_layers(inputs, run, lengths=None), after

    def _through_layers(
        self, inputs: Tensor, run: Callable[[int, RecurrentLayer, Tensor], Tensor], *, lengths: Tensor | None
    ) -> Tensor:
        """Returns the outputs for ``inputs``, where ``run`` gives the output of each layer by its position."""
        values = [inputs if self.embedding is None else self.embedding(inputs)]
        for index, (settings, layer) in enumerate(zip(self.architecture.layers, self.layers, strict=True)):
            assert isinstance(layer, RecurrentLayer)
            values.append(run(index, layer, _with_skip(values, settings.skip)))
        outputs: Tensor = self.head(_with_skip(values, self.architecture.head.skip), lengths)
        return outputs


def _embedding(architecture: Architecture, signature: Signature) -> nn.Embedding | None:
    """Returns the embedding of tokens; None if the inputs are numbers."""
    if not signature.vocabulary:
        return None
    if architecture.embedding is None:
        raise GenomeError(
            f"architecture.embedding is None; a vocabulary of {signature.vocabulary} tokens needs its width"
        )
    kind = TiedEmbedding if architecture.tied else nn.Embedding
    return kind(signature.vocabulary, architecture.embedding)


def _joined(values: list[list[bool]], skip: int | None) -> list[bool]:
    """Returns the marks of the features that a layer reads; `_with_skip` joins the features in the same order."""
    return values[-1] if skip is None else values[-1] + values[skip]


def _with_skip(values: list[Tensor], skip: int | None) -> Tensor:
    """Returns the last of ``values``, each ``(batch, time, features)``, joined with that which ``skip`` names."""
    return values[-1] if skip is None else torch.cat([values[-1], values[skip]], dim=-1)
