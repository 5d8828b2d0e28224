"""The head of a network: pooling over time, hidden layer, outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn

from evo_nas.genome.architecture import Pooling
from evo_nas.models.layers import Dropout, TiedOutput, last_step
from evo_nas.models.recurrence import valid_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evo_nas.genome.architecture import Head
    from evo_nas.genome.decoder import DecoderShape
    from evo_nas.models.layers import TiedEmbedding
    from evo_nas.models.recurrent_layer import States


class LastStep(nn.Module):
    """The output after the whole sequence was read; that of a backward cell is at the first step.

    Args:
        backward: For each feature, whether it comes from a cell that reads backwards.
    """

    backward: Tensor

    def __init__(self, backward: Sequence[bool]) -> None:
        super().__init__()
        self.register_buffer("backward", torch.tensor(backward), persistent=False)

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, features)`` of ``steps`` ``(batch, time, features)``."""
        return torch.where(self.backward, steps[:, 0], last_step(steps, lengths))

    def step(self, values: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns the last of the steps so far, and the states; see `RunningPooling`."""
        return values, states

    def zero_states(self, values: Tensor) -> States:  # noqa: ARG002
        """Returns nothing, since the present step is the last one."""
        return {}


class MeanOverTime(nn.Module):
    """The mean of the steps within each sequence."""

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, features)`` of ``steps`` ``(batch, time, features)``."""
        if lengths is None:
            return steps.mean(dim=1)
        valid = valid_steps(lengths, steps.shape[1])[..., None]
        return steps.masked_fill(~valid, 0.0).sum(dim=1) / lengths[:, None]

    def step(self, values: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns the mean of the steps so far, and the states after this one; see `RunningPooling`."""
        total, count = states["sum"] + values, states["count"] + 1.0
        return (total / count)[0], {"sum": total, "count": count}

    def zero_states(self, values: Tensor) -> States:
        """Returns the states before the first step; see `RunningPooling`."""
        return {"sum": torch.zeros_like(values)[None], "count": torch.zeros_like(values[None, :, :1])}


class MaxOverTime(nn.Module):
    """The largest value of each feature within each sequence."""

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, features)`` of ``steps`` ``(batch, time, features)``."""
        if lengths is not None:
            valid = valid_steps(lengths, steps.shape[1])[..., None]
            # Zero would win over negative features of a short sequence.
            steps = steps.masked_fill(~valid, -torch.inf)
        return steps.amax(dim=1)

    def step(self, values: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns the largest values of the steps so far, and the states after this one; see `RunningPooling`."""
        largest = torch.maximum(states["largest"], values)
        return largest[0], {"largest": largest}

    def zero_states(self, values: Tensor) -> States:
        """Returns the states before the first step; see `RunningPooling`."""
        return {"largest": torch.full_like(values, -torch.inf)[None]}


class Attention(nn.Module):
    """A mean over time, weighted by the softmax of a learnt score per step."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1, bias=False)

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, features)`` of ``steps`` ``(batch, time, features)``."""
        scores = self.score(steps).squeeze(-1)  # (batch, time)
        if lengths is not None:
            scores = scores.masked_fill(~valid_steps(lengths, steps.shape[1]), -torch.inf)
        return torch.einsum("bt,btf->bf", scores.softmax(dim=1), steps)

    def step(self, values: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns the weighted mean of the steps so far, and the states after this one; see `RunningPooling`.

        What was summed is scaled down whenever a score is larger than all before (Milakov and Gimelshein, 2018).
        """
        scores = self.score(values)[None]  # (1, batch, 1)
        largest = torch.maximum(states["largest"], scores)
        kept, weight = (states["largest"] - largest).exp(), (scores - largest).exp()
        weights = kept * states["weights"] + weight
        weighted = kept * states["weighted"] + weight * values
        return (weighted / weights)[0], {"largest": largest, "weights": weights, "weighted": weighted}

    def zero_states(self, values: Tensor) -> States:
        """Returns the states before the first step; see `RunningPooling`."""
        nothing = torch.zeros_like(values[None])
        return {
            "largest": torch.full_like(nothing[..., :1], -torch.inf),
            "weights": nothing[..., :1],
            "weighted": nothing,
        }


class RunningPooling(Protocol):
    """A pooling that also reads one step after the other."""

    def step(self, values: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns what the steps so far are pooled to, ``(batch, features)``, and the states after this one.

        Args:
            values: The present step, ``(batch, features)``.
            states: Those after the step before, each ``(1, batch, ...)``; see `zero_states`.
        """

    def zero_states(self, values: Tensor) -> States:
        """Returns the states before the first step.

        Args:
            values: Any step, ``(batch, features)``, for its shape.
        """


POOLINGS: Mapping[Pooling, Callable[[Sequence[bool]], nn.Module]] = {
    Pooling.LAST: LastStep,
    Pooling.MEAN: lambda _: MeanOverTime(),
    Pooling.MAX: lambda _: MaxOverTime(),
    Pooling.ATTENTION: lambda backward: Attention(len(backward)),
}
"""Builds each pooling from one flag per feature: whether it comes from a cell that reads backwards."""


class OutputHead(nn.Module):
    """Pooling unless every step has an output, an optional tanh layer, dropout, and the output layer.

    Where a forecast is decoded in segments, the output layer is applied to each of them.
    """

    def __init__(
        self,
        head: Head,
        backward: Sequence[bool],
        *,
        outputs: int,
        per_step: bool,
        tied_to: TiedEmbedding | None = None,
        decoder: DecoderShape | None = None,
    ) -> None:
        """Builds the head.

        Args:
            head: Settings.
            backward: For each feature of the input, whether it comes from a cell that reads backwards.
            outputs: Width of the output.
            per_step: Whether every step has an output.
            tied_to: The embedding whose weights the output layer shares; None if it has its own.
            decoder: Sizes of segments in which a forecast is decoded; None if it is not.

        Raises:
            GenomeError: The number of outputs differs from the number of tokens of the embedding.
        """
        super().__init__()
        self._outputs = outputs
        features = len(backward)
        if decoder is not None:
            features, outputs = decoder.features, decoder.outputs
        is_pooled = not per_step and (decoder is None or decoder.reads_pooled)
        self.pooling = POOLINGS[head.pooling](backward) if is_pooled else None
        self.hidden = nn.Linear(features, head.hidden) if head.hidden else None
        self.dropout = Dropout(head.dropout)
        read = head.hidden or features
        self.output = (
            nn.Linear(read, outputs) if tied_to is None else TiedOutput(read, tied_to, outputs=outputs)
        )

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has an output.

        Args:
            steps: Output of the layers below, ``(batch, time, features)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        return self._outputs_of(steps if self.pooling is None else self.pooling(steps, lengths))

    def step(self, values: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns the outputs ``(batch, outputs)`` for the steps so far, and the states after this one.

        Args:
            values: Output of the layers below at the present step, ``(batch, features)``.
            states: Those after the step before; see `zero_states`.
        """
        if self.pooling is None:
            return self._outputs_of(values), states
        pooled, after = cast("RunningPooling", self.pooling).step(values, states)
        return self._outputs_of(pooled), after

    def zero_states(self, values: Tensor) -> States:
        """Returns the states before the first step, for any step ``values`` ``(batch, features)``."""
        return {} if self.pooling is None else cast("RunningPooling", self.pooling).zero_states(values)

    def of_segments(self, decoded: Tensor, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, outputs)`` from what was decoded for each segment, and for `forward` besides.

        Args:
            decoded: ``(batch, segments, width)``.
            steps: Output of the layers below, ``(batch, time, features)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        if self.pooling is not None:
            pooled = self.pooling(steps, lengths)[:, None].expand(-1, decoded.shape[1], -1)
            decoded = torch.cat([decoded, pooled], dim=-1)
        # The last segment may reach beyond the horizon.
        return self._outputs_of(decoded).flatten(1)[:, : self._outputs]

    def _outputs_of(self, features: Tensor) -> Tensor:
        if self.hidden is not None:
            features = torch.tanh(self.hidden(features))
        outputs: Tensor = self.output(self.dropout(features))
        return outputs
