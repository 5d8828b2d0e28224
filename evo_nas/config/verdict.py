"""The section ``verdict``: how the champion is chosen among finalists, and compared with its opponents."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

OpponentName = Literal["lstm", "gru", "mingru", "rnn_tanh", "rnn_sigmoid", "random"]
Opponents = Annotated[tuple[OpponentName, ...], Field(strict=False, min_length=1)]
MOST_TRIALS = 12


class VerdictOptions(BaseModel):
    """What is trained for the verdict that ends a search; ``evo-nas champion`` makes a longer one.

    Attributes:
        at_end: Whether a search ends with it; otherwise ``evo-nas champion`` makes it later.
        finalists: The best networks of the search that are judged again, to choose the champion among them; 1 takes
            the one that leads.
        cuts: Trainings that judge each finalist, each with another cut of training and validation and another seed.
        trials: Settings of training, size and regularisation that are tried for the champion and each opponent alike;
            the best on validation is kept.
        seeds: Trainings of each contestant with its best setting, which answer together afterwards.
        most_seeds: So many where fewer cannot tell champion and opponents apart on validation.
        opponents: The published cells that take the place of the champion's: ``lstm``, ``gru``, ``mingru``,
            ``rnn_tanh``, ``rnn_sigmoid``; and ``random``, the best network of a search at random with as many
            evaluations, which takes as long as the search did.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    at_end: bool = True
    finalists: int = Field(default=3, ge=1, le=100)
    cuts: int = Field(default=2, ge=1, le=100)
    trials: int = Field(default=3, ge=1, le=MOST_TRIALS)
    seeds: int = Field(default=3, ge=1, le=100)
    most_seeds: int = Field(default=5, ge=1, le=100)
    opponents: Opponents = ("lstm", "gru")

    @model_validator(mode="after")
    def _seeds_are_at_most_the_most(self) -> Self:
        if self.seeds > self.most_seeds:
            raise ValueError(
                f"seeds is {self.seeds} and most_seeds is {self.most_seeds}; seeds must be at most most_seeds"
            )
        return self
