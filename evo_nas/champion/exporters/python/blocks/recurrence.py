"""Running cells over sequences."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class RecurrentCell(nn.Module):
    """The equations of one step, from an input and the states to new states.

    Attributes:
        states: How many states there are; the first one is the output.
        width: Units of each state.
    """

    states: int
    width: int


def run(cell: RecurrentCell, steps: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns the output of a cell at every step, zero at padded ones.

    Args:
        cell: A cell with `width` units, whose first state is its output.
        steps: `(batch, time, features)`.
        lengths: Steps of each sequence `(batch,)`; None if no sequence is padded.

    Returns:
        `(batch, time, width)`.
    """
    return run_to_states(cell, steps, lengths)[0]


def run_backwards(cell: RecurrentCell, steps: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns what `run` does for a cell that reads each sequence from its end."""
    outputs = run(cell, reverse(steps, lengths), lengths)
    return reverse(outputs, lengths)


def run_to_states(
    cell: RecurrentCell, steps: Tensor, lengths: Tensor | None
) -> tuple[Tensor, list[Tensor]]:
    """Returns what `run` does, and the states after the last step of each sequence."""
    states = [steps.new_zeros(len(steps), cell.width) for _ in range(cell.states)]
    outputs = steps.new_zeros(*steps.shape[:2], cell.width)
    for time, x in enumerate(steps.unbind(1)):
        new = cell(x, *states)
        if lengths is not None:
            valid = (time < lengths)[:, None]
            new = [torch.where(valid, a, b) for a, b in zip(new, states, strict=True)]
        states = list(new)
        outputs[:, time] = states[0]
    return zero_padding(outputs, lengths), states


def reverse(steps: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns sequences backwards in time; padding stays at the end."""
    if lengths is None:
        return steps.flip(1)
    at = torch.arange(steps.shape[1])
    source = torch.where(at < lengths[:, None], lengths[:, None] - 1 - at, at)
    return steps.gather(1, source[..., None].expand_as(steps))


def zero_padding(steps: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns `steps`, `(batch, time, features)`, with zeros after the sequences."""
    if lengths is None:
        return steps
    return steps.masked_fill(~valid_steps(lengths, steps.shape[1])[..., None], 0.0)


def valid_steps(lengths: Tensor, time: int) -> Tensor:
    """Returns whether each step lies within its sequence, `(batch, time)`."""
    return torch.arange(time) < lengths[:, None]


def last_step(steps: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns the last step of each sequence, `(batch, features)`."""
    if lengths is None:
        return steps[:, -1]
    return steps[torch.arange(len(steps)), lengths - 1]


def away_from_zero(divisor: Tensor) -> Tensor:
    """Returns `divisor`, or a millionth with its sign where it is nearer to zero."""
    guard = torch.where(divisor < 0, -1e-6, 1e-6).to(divisor.dtype)
    return torch.where(divisor.abs() < 1e-6, guard, divisor)


def chunk_means(
    steps: Tensor, lengths: Tensor | None, period: int
) -> tuple[Tensor, Tensor | None]:
    """Returns the mean of every `period` steps, and how many whole ones there are.

    Returns:
        `(batch, time // period, features)`, and `(batch,)` or None.
    """
    chunks = steps.shape[1] // period
    whole = torch.unflatten(steps[:, : chunks * period], 1, (chunks, period))
    return whole.mean(dim=2), None if lengths is None else lengths // period


def hold(chunks: Tensor, time: int, period: int) -> Tensor:
    """Returns `(batch, time, width)`: the output of the last chunk that has ended."""
    at = (torch.arange(time) + 1) // period
    return F.pad(chunks, (0, 0, 1, 0))[:, at]


def hold_ahead(chunks: Tensor, time: int, period: int) -> Tensor:
    """Returns `(batch, time, width)`: the output of the chunk that a step is in."""
    return F.pad(chunks, (0, 0, 0, 1))[:, torch.arange(time) // period]


def decode(cell: RecurrentCell, queries: Tensor, states: list[Tensor]) -> Tensor:
    """Returns the output of one more step for each query, all of them from `states`.

    Args:
        cell: The cell.
        queries: `(batch, segments, features)`.
        states: States after each sequence, `(batch, width)`; none for zeros.

    Returns:
        `(batch, segments, width)`.
    """
    batch, segments, _ = queries.shape
    before = states or [queries.new_zeros(batch, cell.width)] * cell.states
    rows = [state.repeat_interleave(segments, dim=0) for state in before]
    decoded: Tensor = cell(queries.flatten(0, 1), *rows)[0]
    return decoded.view(batch, segments, -1)


class Queries(nn.Module):
    """Tells the top cell which segment of the horizon is wanted, and of which target.

    Args:
        segments: Segments of the horizon.
        width: Features that the top cell reads.
        targets: Targets that are read one at a time; 0 if they are read together.
    """

    def __init__(self, segments: int, width: int, targets: int = 0) -> None:
        super().__init__()
        half = width // 2 if targets else 0
        self.positions = nn.Parameter(torch.empty(segments, width - half))
        self.targets = nn.Parameter(torch.empty(targets, half)) if half else None

    def forward(self, rows: int) -> Tensor:
        """Returns `(rows, segments, width)`."""
        if self.targets is None:
            return self.positions.expand(rows, -1, -1)
        count, segments = len(self.targets), len(self.positions)
        positions = self.positions.expand(count, -1, -1)
        targets = self.targets[:, None].expand(-1, segments, -1)
        queries = torch.cat([positions, targets], dim=-1)
        return queries.repeat(rows // count, 1, 1)
