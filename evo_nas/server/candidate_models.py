"""Answers of the API about candidates, as models of pydantic."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Plain(BaseModel):
    """A model that is filled from the attributes of another object."""

    model_config = ConfigDict(from_attributes=True)


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
    genome: list[int] = Field(description="Its genes.")
    operator: str = Field(description="What made it.")
    asked_after: int = Field(description="How many results the strategy knew when it was asked.")
    parents: list[int] = Field(description="Ids of its parents.")
    cut: int = Field(
        description="The cut of training and validation that it was trained on; 0 is the usual one."
    )
    repeats: int | None = Field(description="Id of the candidate that it trains again with another seed.")
    continues: int | None = Field(description="Id of the pruned candidate whose training it continues.")
    starts_from: str = Field(description="What its training started from; empty for scratch.")
    weights: str = Field(description="Digest of what was kept of its weights; empty if nothing was.")
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


class KinView(Plain):
    """The published cell that a cell is closest to."""

    name: str = Field(description="Its name, as people write it.")
    likeness: float = Field(description="1 for the same cell, 0 for nothing in common.")
    differences: list[str] = Field(description="How the cell differs from it; none if it is the same.")


class Cell(Plain):
    """One cell of a network."""

    layers: list[int] = Field(description="The layers that have it, from 1.")
    equations: list[str] = Field(description="Its equations in text, line by line.")
    latex: str = Field(description="The same in LaTeX.")
    mathml: str = Field(description="The same in MathML.")
    kin: KinView


class CellView(Cell):
    """One cell of a candidate, under a heading."""

    title: str = Field(description="Which layers have it.")


class LineageNode(Plain):
    """A network in a lineage."""

    id: int = Field(description="Id of its first training, which its children name as their parent.")
    result: int = Field(
        description="Id of the training that has its result, which may have continued the first."
    )
    seq: int = Field(description="Place of that in the order of telling.")
    operator: str = Field(description="What made it.")
    status: str = Field(description="Why the training of `result` ended.")
    value: float | None = Field(description="Value of the metric; null without a score.")
    epochs: int = Field(description="Epochs of that training.")
    parameters: int = Field(description="Trainable parameters.")
    parents: list[int] = Field(description="Ids of its parents, also of those that were lost.")


class LineageEdge(BaseModel):
    """A descent in a lineage."""

    parent: int
    child: int
    first: bool = Field(description="Whether it is the first parent, whose genome the child began with.")


class LineageData(BaseModel):
    """Networks and their ancestors as a graph."""

    candidate: int | None = Field(
        description="The candidate that was asked for; null before the first score."
    )
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    line: list[int] = Field(
        description="The candidate, its first parent, that one's first parent and so on, by id."
    )
    is_cut: bool = Field(description="Whether there are more ancestors than fit.")


class CandidateDetail(CandidateRow):
    """One candidate in full."""

    cells: list[CellView] = Field(description="Its different cells.")
    drawing: str = Field(description="Its cells as SVG, whose colours are variables of CSS; may be empty.")
    all_trainings: list[int] = Field(
        description="Ids of all trainings of the same network, itself among them."
    )
    parent_nodes: list[LineageNode] = Field(description="Its parents, but for those that were lost.")
    child_nodes: list[LineageNode] = Field(description="Its first 200 children.")
    children: int = Field(description="How many children it has.")


class ObjectiveView(BaseModel):
    """One thing that is optimised."""

    name: str = Field(description="Its name in a configuration.")
    heading: str = Field(description="What it is called in tables, with its unit.")
    constant: bool = Field(description="Whether all candidates are equal in it, so that it decides nothing.")


class DominatedPoint(BaseModel):
    """A network that another one beats."""

    id: int
    value: float | None = Field(description="Value of the metric.")
    costs: dict[str, float | None] = Field(description="Its costs by objective.")


class FrontData(BaseModel):
    """The networks that no other beats in all objectives."""

    metric: str = Field(description="Name of the metric; empty before the first score.")
    higher_is_better: bool | None = Field(description="Its direction; null before the first score.")
    objectives: list[ObjectiveView] = Field(description="What is optimised, the fitness first.")
    members: list[FrontMember] = Field(description="The front, the fittest first; empty with one objective.")
    dominated: list[DominatedPoint] = Field(description="A sample of the others.")
