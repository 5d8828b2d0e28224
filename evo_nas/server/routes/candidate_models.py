"""What the API says of candidates."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class CandidateRow(BaseModel):
    """One evaluation: a candidate and the result of its training."""

    model_config = ConfigDict(extra="ignore")

    id: int = Field(description="Id of the candidate, in the order of asking.")
    seq: int = Field(description="Its place in the order of telling, from 0.")
    status: str = Field(description="Why its training ended.")
    value: float | None = Field(
        description="Value of the metric, a mean where it was trained several times; null without a score."
    )
    fitness: float | None = Field(
        description="The score of this training, higher is better; null without one."
    )
    metric: str = Field(description="Name of the metric; empty without a score.")
    trainings: int = Field(default=1, description="How many trainings the value is the mean of.")
    mean_fitness: float | None = Field(default=None, description="The mean of their scores.")
    metrics: dict[str, float | None] = Field(description="Everything that was measured, in its own units.")
    curve: list[float | None] = Field(description="The validation metric after each epoch.")
    epochs: int = Field(description="Epochs that were completed.")
    budget: int = Field(description="Epochs of the full training.")
    rungs: list[int] = Field(description="Epochs after which the training may be pruned.")
    thresholds: list[float | None] = Field(
        description="The fitness that was needed at each rung; null where nothing was needed or everything is paused."
    )
    parameters: int = Field(description="Trainable parameters.")
    table_parameters: int = Field(description="How many of them are in tables of hashed n-grams.")
    operator: str = Field(description="What made it.")
    parents: list[int] = Field(description="Ids of its parents.")
    repeats: int | None = Field(description="Id of the candidate that it trains again with another seed.")
    continues: int | None = Field(description="Id of the pruned candidate whose training it continues.")
    starts_from: str = Field(description="What its training started from; empty for scratch.")
    inherited_steps: int = Field(description="Optimizer steps behind the weights that it inherited.")
    steps: int = Field(description="Optimizer steps of this training.")
    train_s: float = Field(description="Seconds of training.")
    cpu_s: float = Field(description="Seconds of computing.")
    queue_s: float = Field(description="Seconds that it waited for a worker.")
    finished_at: str = Field(description="When its result came, in ISO 8601.")
    worker: str = Field(description="Name of its worker.")
    node: str = Field(description="Name of the machine.")
    attempt: int = Field(description="1 for the first dispatch; each lost worker adds 1.")
    error: str = Field(description="Class and message of the error; empty without one.")
    backends: list[str] = Field(description="What ran each layer.")
    source: str = Field(
        description="Where a remembered result comes from; empty if it was trained in this run."
    )
    trains: str = Field(description="The long training that it is a stretch of; empty for a network.")
    canonical_hash: str = Field(description="Identity of its architecture.")
    seed: int = Field(description="Seed of its training.")
    words: str = Field(description="Its architecture in words.")
    architecture: dict[str, Any] | None = Field(description="Its architecture as the ledger has it.")


class FrontMember(BaseModel):
    """A candidate that no other beats in all objectives."""

    id: int
    value: float | None = Field(description="Value of the metric.")
    fitness: float | None = Field(description="Its fitness, higher is better.")
    metric: str = Field(description="Name of the metric.")
    costs: dict[str, float] = Field(description="Its costs by objective, lower is better.")
    words: str = Field(description="Its architecture in words.")
