"""What a network that forecasts segment by segment reads after the last step."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SegmentQueries(nn.Module):
    """What the top layer reads in its one more step for each segment of the horizon (SegRNN; Lin et al., 2023).

    A query says which segment is wanted, and of which target where these are read apart: half of it is the embedding
    of the segment's position, and half is that of the target. All segments are decoded at once from the same states, so
    that no forecast depends on another, and errors do not add up.

    Args:
        segments: Segments of the horizon.
        width: Features that the top layer reads.
        targets: Targets that are read apart; 0 if they are read together.
    """

    def __init__(self, segments: int, width: int, *, targets: int = 0) -> None:
        super().__init__()
        of_target = width // 2 if targets else 0
        self.positions = nn.Parameter(torch.empty(segments, width - of_target))
        self.targets = nn.Parameter(torch.empty(targets, of_target)) if of_target else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws embeddings with a mean of 0 and a standard deviation of 1."""
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, rows: int) -> Tensor:
        """Returns the queries ``(rows, segments, width)``; the targets of a sequence are rows next to each other."""
        if self.targets is None:
            return self.positions.expand(rows, -1, -1)
        count, segments = len(self.targets), len(self.positions)
        queries = torch.cat(
            [
                self.positions.expand(count, -1, -1),
                self.targets[:, None].expand(-1, segments, -1),
            ],
            dim=-1,
        )
        return queries.expand(rows // count, -1, -1, -1).flatten(0, 1)
