"""The upper end of a network: pooling over time, hidden layer, outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.genome.architecture import Pooling
from evo_nas.models.dropout import Dropout
from evo_nas.models.recurrence import valid_steps
from evo_nas.models.tied import TiedOutput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.genome.architecture import Head
    from evo_nas.models.tied import TiedEmbedding


class LastStep(nn.Module):
    """The output after the whole sequence was read: a backward cell's is at the first step."""

    backward: Tensor

    def __init__(self, backward: Sequence[bool]) -> None:
        super().__init__()
        self.register_buffer("backward", torch.tensor(backward), persistent=False)

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, features)`` of ``steps`` ``(batch, time, features)``."""
        every = torch.arange(len(steps), device=steps.device)
        last = steps[:, -1] if lengths is None else steps[every, lengths - 1]
        return torch.where(self.backward, steps[:, 0], last)


class MeanOverTime(nn.Module):
    """The mean of the steps within each sequence."""

    def __init__(self, backward: Sequence[bool]) -> None:  # noqa: ARG002 - directions do not matter here
        super().__init__()

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, features)`` of ``steps`` ``(batch, time, features)``."""
        if lengths is None:
            return steps.mean(dim=1)
        valid = valid_steps(lengths, steps.shape[1])[..., None]
        return steps.masked_fill(~valid, 0.0).sum(dim=1) / lengths[:, None]


class MaxOverTime(nn.Module):
    """The largest value of each feature within each sequence."""

    def __init__(self, backward: Sequence[bool]) -> None:  # noqa: ARG002 - directions do not matter here
        super().__init__()

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, features)`` of ``steps`` ``(batch, time, features)``."""
        if lengths is not None:
            valid = valid_steps(lengths, steps.shape[1])[..., None]
            steps = steps.masked_fill(~valid, -torch.inf)
        return steps.amax(dim=1)


class Attention(nn.Module):
    """A mean over time, weighted by the softmax of a learnt score per step."""

    def __init__(self, backward: Sequence[bool]) -> None:
        super().__init__()
        self.score = nn.Linear(len(backward), 1, bias=False)

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, features)`` of ``steps`` ``(batch, time, features)``."""
        scores = self.score(steps).squeeze(-1)  # (batch, time)
        if lengths is not None:
            scores = scores.masked_fill(~valid_steps(lengths, steps.shape[1]), -torch.inf)
        return torch.einsum("bt,btf->bf", scores.softmax(dim=1), steps)


POOLINGS: Mapping[Pooling, type[LastStep | MeanOverTime | MaxOverTime | Attention]] = {
    Pooling.LAST: LastStep,
    Pooling.MEAN: MeanOverTime,
    Pooling.MAX: MaxOverTime,
    Pooling.ATTENTION: Attention,
}


class OutputHead(nn.Module):
    """Pooling unless every step has an output, an optional tanh layer, dropout, and the output layer."""

    def __init__(
        self,
        head: Head,
        backward: Sequence[bool],
        *,
        outputs: int,
        per_step: bool,
        tied_to: TiedEmbedding | None = None,
    ) -> None:
        """Builds the head.

        Args:
            head: Settings.
            backward: For each feature of the input, whether it comes from a cell that reads backwards.
            outputs: Width of the output.
            per_step: Whether every step has an output.
            tied_to: The embedding whose weights are the output's, too; None if it has its own.

        Raises:
            GenomeError: Outputs are not as many as the tokens of the embedding.
        """
        super().__init__()
        features = len(backward)
        self.pooling = None if per_step else POOLINGS[head.pooling](backward)
        self.hidden = nn.Linear(features, head.hidden) if head.hidden else None
        self.dropout = Dropout(head.dropout)
        read = head.hidden or features
        self.output = (
            nn.Linear(read, outputs) if tied_to is None else TiedOutput(read, tied_to, outputs=outputs)
        )

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has one."""
        features = steps if self.pooling is None else self.pooling(steps, lengths)
        if self.hidden is not None:
            features = torch.tanh(self.hidden(features))
        outputs: Tensor = self.output(self.dropout(features))
        return outputs
