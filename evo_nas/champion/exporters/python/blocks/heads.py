"""What leads from the last cell to the outputs, and around the cells."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from evo_nas.champion.exporters.python.blocks.fronts import ngram_rows
from evo_nas.champion.exporters.python.blocks.recurrence import (
    last_step,
    valid_steps,
    zero_padding,
)


def mean_over_time(steps: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns the mean of the steps of each sequence, `(batch, features)`."""
    if lengths is None:
        return steps.mean(dim=1)
    return zero_padding(steps, lengths).sum(dim=1) / lengths[:, None]


def max_over_time(steps: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns the largest value of each feature of a sequence, `(batch, features)`."""
    if lengths is not None:
        valid = valid_steps(lengths, steps.shape[1])[..., None]
        steps = steps.masked_fill(~valid, -torch.inf)
    return steps.amax(dim=1)


class AttentionPooling(nn.Module):
    """A mean over time, weighted by the softmax of a learnt score a step."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1, bias=False)

    def forward(self, steps: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns `(batch, features)` of `steps`, `(batch, time, features)`."""
        scores = self.score(steps)[..., 0]
        if lengths is not None:
            valid = valid_steps(lengths, steps.shape[1])
            scores = scores.masked_fill(~valid, -torch.inf)
        return torch.einsum("bt,btf->bf", scores.softmax(dim=1), steps)


class Line(nn.Module):
    """A linear map; zero until it is trained."""

    def __init__(self, width: int, lines: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(lines, width))
        self.bias = nn.Parameter(torch.zeros(outputs))


class SharedLine(Line):
    """One map from the window of each target to its horizon, the same for all."""

    def forward(self, inputs: Tensor, columns: list[int], levels: int) -> Tensor:
        """Returns `(batch, outputs)` for the last steps, `(batch, steps, features)`."""
        windows = inputs[:, :, columns].transpose(1, 2)
        lines = F.linear(windows, self.weight).transpose(1, 2)
        return lines.repeat_interleave(levels, dim=2).flatten(1) + self.bias


class FlatLine(Line):
    """A map from all values of the steps to the outputs."""

    def forward(self, steps: Tensor) -> Tensor:
        """Returns `(batch, outputs)` for `steps`, `(batch, steps, features)`."""
        return F.linear(steps.flatten(1), self.weight) + self.bias


class PooledLine(Line):
    """A map from mean and maximum over the steps to the outputs."""

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns `(batch, outputs)` for inputs `(batch, time, features)`."""
        mean, most = mean_over_time(inputs, lengths), max_over_time(inputs, lengths)
        return F.linear(torch.cat([mean, most], dim=1), self.weight) + self.bias


class NgramTable(nn.Module):
    """A table of what each hashed n-gram of tokens adds to the outputs.

    Args:
        rows: Rows of the table.
        outputs: Outputs.
        shortest: Fewest tokens of an n-gram.
        longest: Most tokens of an n-gram.
        per_step: Whether every step has an output.
    """

    def __init__(
        self, rows: int, outputs: int, shortest: int, longest: int, *, per_step: bool
    ) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(rows, outputs))
        self.shortest, self.longest, self.per_step = shortest, longest, per_step

    def forward(self, tokens: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns `(batch, outputs)`, or `(batch, time, outputs)`."""
        count = len(self.table)
        rows = ngram_rows(tokens, lengths, self.shortest, self.longest, count)
        rows = rows if self.per_step else rows.flatten(1)
        sums = F.embedding(rows, self.table, padding_idx=0).sum(dim=-2)
        if self.per_step:
            return sums
        found = (rows != 0).sum(dim=1, keepdim=True).clamp(min=1)
        return sums / found.sqrt()


def first_steps(inputs: Tensor, lengths: Tensor | None, steps: int) -> Tensor:
    """Returns the first `steps` of each sequence, zeros after a shorter one."""
    inputs = zero_padding(inputs, lengths)
    return F.pad(inputs, (0, 0, 0, steps - inputs.shape[1]))


def last_steps(inputs: Tensor, lengths: Tensor | None, steps: int) -> Tensor:
    """Returns the last `steps` of each sequence, zeros before a shorter one."""
    time = inputs.shape[1]
    if lengths is None:
        return F.pad(inputs, (0, 0, steps - time, 0))
    at = lengths[:, None] + torch.arange(-steps, 0)
    taken = inputs.gather(1, at.clamp(min=0)[..., None].expand(-1, -1, inputs.shape[2]))
    return taken.masked_fill((at < 0)[..., None], 0.0)


def less_last_step(inputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns sequences less their last step, so that only changes are left."""
    return inputs - last_step(inputs, lengths)[:, None]


def mean_of_values(outputs: list[Tensor], shares: list[float]) -> Tensor:
    """Returns the mean of the outputs of several networks, weighted by `shares`."""
    parts = [share * each for share, each in zip(shares, outputs, strict=True)]
    return torch.stack(parts).sum(0)


def mean_of_classes(outputs: list[Tensor], shares: list[float]) -> Tensor:
    """Returns the logarithms of the mean probabilities of classes."""
    logs = [
        each.log_softmax(-1) + math.log(share)
        for share, each in zip(shares, outputs, strict=True)
    ]
    return torch.stack(logs).logsumexp(0)


def mean_of_labels(outputs: list[Tensor], shares: list[float]) -> Tensor:
    """Returns the logits of the mean probability of each label."""
    logs = torch.tensor(shares).log().view(-1, *[1] * outputs[0].dim())
    stacked = torch.stack(outputs)
    likely = (F.logsigmoid(stacked) + logs).logsumexp(0)
    unlikely = (F.logsigmoid(-stacked) + logs).logsumexp(0)
    return likely - unlikely
