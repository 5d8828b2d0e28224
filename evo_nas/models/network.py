"""A whole network, built from an architecture for the shapes of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Forecast
from evo_nas.genome.blocks import Columns
from evo_nas.genome.columns import network_signature
from evo_nas.genome.decoder import DecoderShape
from evo_nas.models.columns import ColumnsApart
from evo_nas.models.decoder import SegmentQueries
from evo_nas.models.fronts import FrontEnd
from evo_nas.models.head import OutputHead
from evo_nas.models.layers import LastValueResidual, TiedEmbedding, dropout_generator, last_step
from evo_nas.models.recurrence import valid_steps
from evo_nas.models.recurrent_layer import RecurrentLayer, States
from evo_nas.models.shortcuts import shortcut_for
from evo_nas.models.truncation import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.models.stems import Steps


class Network(nn.Module):
    """The front end, recurrent layers with skip connections, and the head; all three once for each column if apart.

    It is built on the CPU; ``device`` is the type of device that it is meant for, such as ``cuda``.

    Attributes:
        backends: What runs each layer's recurrence, from the input up; see `backends.BACKENDS`.

    Raises:
        GenomeError: The input is tokens and the architecture has no embedding width; or outputs are tied to an
            embedding of other tokens; or the forecast is a change, or of columns apart, and the last values are not
            known; or the task is no forecast and has segments to decode.
    """

    def __init__(self, architecture: Architecture, signature: Signature, *, device: str = "cpu") -> None:
        super().__init__()
        self.architecture = architecture
        self.signature = signature
        read = network_signature(architecture, signature)
        self.columns = ColumnsApart(signature) if architecture.columns is Columns.APART else None
        self.front = FrontEnd(architecture, read)
        # For each value of the network (its input, then each layer's output), whether a backward cell made
        # each of its features.
        backward = [[False] * self.front.width]
        layers = []
        for layer in architecture.layers:
            inputs = _joined(backward, layer.skip)
            layers.append(RecurrentLayer(layer, len(inputs), device=device))
            backward.append([False] * layer.width + [True] * layer.width * layer.bidirectional)
        self.layers = nn.ModuleList(layers)
        self.backends = tuple(layer.recurrence.backend_name for layer in layers)
        embedding, pooled = self.front.embedding, _joined(backward, architecture.head.skip)
        decoder = DecoderShape.of(architecture, read, pooled=len(pooled))
        self.queries: SegmentQueries | None = None
        if decoder is not None:
            targets = 0 if self.columns is None else self.columns.count
            self.queries = SegmentQueries(decoder.segments, layers[-1].recurrence.inputs, targets=targets)
        self.head = OutputHead(
            architecture.head,
            pooled,
            outputs=read.outputs,
            per_step=read.per_step,
            tied_to=embedding if isinstance(embedding, TiedEmbedding) else None,
            decoder=decoder,
        )
        self.residual = (
            None
            if architecture.forecast is Forecast.VALUE
            else LastValueResidual(architecture.forecast, signature)
        )
        self.shortcut = shortcut_for(architecture, signature)

    @property
    def rate_factors(self) -> list[float]:
        """For each of its `parameters` the learning rate as a multiple of that of the architecture."""
        factor = 1.0 if self.shortcut is None else self.shortcut.rate_factor
        return [factor if name.startswith("shortcut.") else 1.0 for name, _ in self.named_parameters()]

    def forward(
        self, inputs: Tensor, lengths: Tensor | None = None, *, truncation: int | None = None
    ) -> Tensor:
        """Returns the outputs.

        Args:
            inputs: float ``(batch, time, features)``, or int64 ``(batch, time)`` for tokens.
            lengths: int64 ``(batch,)``, each at least 1; None if no sequence is padded.
            truncation: Steps of the layers after which their gradients are cut; see `truncation.Pieces`. None for a
                gradient through whole sequences.

        Returns:
            ``(batch, outputs)``; ``(batch, time, outputs)`` if every step has an output, where padded steps
            mean nothing.

        Raises:
            GenomeError: Gradients are to be cut, and a part of the network needs the whole sequence.
        """
        if self.residual is None:
            return self._with_shortcut(self._whole(inputs, lengths, truncation), inputs, lengths)
        last = last_step(inputs, lengths)
        changes = self._whole(self.residual.enter(inputs, last), lengths, truncation)
        return self.residual.leave(self._with_shortcut(changes, inputs, lengths), last)

    def forward_from(
        self, inputs: Tensor, states: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, States]:
        """Returns the outputs for the next piece of long sequences, and the states after it.

        Args:
            inputs: As for `forward`, without padding.
            states: What the call for the piece before returned; None at the beginning.

        Raises:
            GenomeError: A part of the network needs the whole sequence.
        """
        self._check_reads_pieces()
        values, state = self.front.forward_from(inputs, _under("front", states))
        features, after = self._through_layers_from(values, states)
        after |= _named("front", state)
        outputs: Tensor = self.head(features, None)
        if self.shortcut is not None:
            added, state = self.shortcut.forward_from(inputs, _under("shortcut", states))
            after |= _named("shortcut", state)
            outputs = outputs + added
        return outputs, after

    def _check_reads_pieces(self) -> None:
        if self.columns is not None or self.queries is not None:
            raise GenomeError(
                f"architecture.columns is {self.architecture.columns} and head.segment is "
                f"{self.architecture.head.segment}; must be {Columns.TOGETHER} and 0 to read sequences piece by piece"
            )
        if any(layer.bidirectional for layer in self.architecture.layers):
            raise GenomeError(
                "a layer is bidirectional; none may be to read sequences piece by piece, since a backward cell begins "
                "at their end"
            )

    def _whole(self, inputs: Tensor, lengths: Tensor | None, truncation: int | None) -> Tensor:
        """Returns the outputs ``(batch, outputs)`` of front end, layers and head."""
        if self.columns is not None:
            inputs, lengths = self.columns.enter(inputs, lengths)
        steps = self.front(inputs, lengths)
        top, decoded = len(self.layers) - 1, []

        def run(index: int, layer: RecurrentLayer, values: Tensor) -> Tensor:
            if self.queries is None or index < top:
                outputs: Tensor = layer(values, steps.lengths)
                return outputs
            outputs, of_segments = layer.decode(values, steps.lengths, self.queries(values.shape[0]))
            decoded.append(of_segments)
            return outputs

        if truncation is None or steps.values.shape[1] <= truncation:
            features = self.through_layers(steps.values, run)
        else:
            features = self._truncated(steps, truncation)
        outputs: Tensor = (
            self.head.of_segments(decoded[0], features, steps.lengths)
            if decoded
            else self.head(features, steps.lengths)
        )
        return outputs if self.columns is None else self.columns.leave(outputs)

    def _with_shortcut(self, outputs: Tensor, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``outputs`` and what the shortcut makes of ``inputs``, as `forward` is given them."""
        return outputs if self.shortcut is None else outputs + self.shortcut(inputs, lengths)

    def _truncated(self, steps: Steps, truncation: int) -> Tensor:
        """Returns what the head reads, zero at padded steps, with gradients that are cut after so many steps."""
        self._check_reads_pieces()
        pieces = Pieces(
            self._through_layers_from, truncation, tuple(self.layers.parameters()), dropout_generator(self)
        )
        features = pieces.outputs(steps.values)
        if steps.lengths is None:
            return features
        # The layers go on through the padding, which comes last: no step of a sequence sees what they make of it.
        return features.masked_fill(~valid_steps(steps.lengths, features.shape[1])[..., None], 0.0)

    def _through_layers_from(
        self, values: Tensor, states: Mapping[str, Tensor] | None
    ) -> tuple[Tensor, States]:
        """Returns what the head reads of a piece, and the states after it; ``states`` are as in `forward_from`."""
        after: States = {}

        def run(index: int, layer: RecurrentLayer, values: Tensor) -> Tensor:
            outputs, state = layer.forward_from(values, _under(f"layer{index}", states))
            after.update(_named(f"layer{index}", state))
            return outputs

        return self.through_layers(values, run), after

    def through_layers(self, values: Tensor, run: Callable[[int, RecurrentLayer, Tensor], Tensor]) -> Tensor:
        """Returns what the head reads, where ``run`` gives the output of each layer by its position."""
        below = [values]
        for index, (settings, layer) in enumerate(zip(self.architecture.layers, self.layers, strict=True)):
            assert isinstance(layer, RecurrentLayer)
            below.append(run(index, layer, _with_skip(below, settings.skip)))
        return _with_skip(below, self.architecture.head.skip)


def _under(name: str, states: Mapping[str, Tensor] | None) -> States | None:
    """Returns those of ``states`` that belong to the part ``name``, by their names within it; None at the beginning."""
    if states is None:
        return None
    prefix = f"{name}."
    return {key.removeprefix(prefix): state for key, state in states.items() if key.startswith(prefix)}


def _named(name: str, states: States) -> States:
    """Returns ``states`` of the part ``name`` by their names within the network."""
    return {f"{name}.{key}": state for key, state in states.items()}


def _joined(values: list[list[bool]], skip: int | None) -> list[bool]:
    """Returns the marks of the features that a layer reads; `_with_skip` joins the features in the same order."""
    return values[-1] if skip is None else values[-1] + values[skip]


def _with_skip(values: list[Tensor], skip: int | None) -> Tensor:
    """Returns the last of ``values``, each ``(batch, time, features)``, joined with that which ``skip`` names."""
    return values[-1] if skip is None else torch.cat([values[-1], values[skip]], dim=-1)
