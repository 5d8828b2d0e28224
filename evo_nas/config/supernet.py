"""`SupernetSettings`: how a super-network is trained, as a strategy asks for it and a worker reads it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SUPERNET = "supernet"
"""Name of this long training."""


class SupernetSettings(BaseModel):
    """How a super-network is trained, and what it hands back.

    Attributes:
        order: 1 takes the weights as they are when an architecture is judged; 2 looks one step of training ahead, by
            finite differences, which takes three times as long.
        steps: Steps of an epoch, each one for the architecture and one for the weights.
        rate: Learning rate of the architecture.
        paths: Share of the steps for the weights that train a single random cell in place of the mixture, so that
            single cells can be judged with the shared weights, 0 to 1.
        drawn: Cells that are drawn from the softmax at the end of a stretch, to be ranked.
        ranked: Random cells that are ranked beside them.
        findings: How many genomes are handed back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    order: Literal[1, 2] = 1
    steps: int = Field(default=25, ge=1)
    rate: float = Field(default=0.01, gt=0.0)
    paths: float = Field(default=0.5, ge=0.0, le=1.0)
    drawn: int = Field(default=32, ge=0)
    ranked: int = Field(default=32, ge=0)
    findings: int = Field(default=16, ge=1)

    @property
    def text(self) -> str:
        """What a candidate names as its long training."""
        return f"{SUPERNET} {self.model_dump_json()}"
