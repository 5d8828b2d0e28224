"""What crosses a process boundary: a `Candidate` that was asked for, and the `Evaluation` that comes back.

Each stage has its own type. The loop asks a strategy for candidates; a worker turns a candidate into an
`Outcome`; the executor adds which worker did it and when, which makes it an `Evaluation`; only evaluations can
be told to the strategy. All are frozen and made of plain values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.genome.space import Genome


class Status(StrEnum):
    """Why an evaluation ended; the cause decides what may follow."""

    OK = "ok"
    PRUNED = "pruned"
    """Stopped early at a rung; scored there."""
    TOO_BIG = "too_big"
    """Does not fit the parameter limit or the memory; never retried, never in a population."""
    DIVERGED = "diverged"
    """The loss or an output became infinite or not a number."""
    TIMED_OUT = "timed_out"
    """Passed its time limit."""
    FAILED = "failed"
    """Training raised an error that is none of the above; the evaluation carries it."""
    POISONED = "poisoned"
    """Its worker was lost on every permitted attempt."""

    @property
    def scored(self) -> bool:
        """Whether a fitness comes with this status."""
        return self in (Status.OK, Status.PRUNED)

    @property
    def complete(self) -> bool:
        """Whether a fitness comes with this status that may be compared with that of others.

        The score at a rung comes from a shorter training: it would win or lose for the wrong reason.
        """
        return self is Status.OK


@dataclass(frozen=True, slots=True)
class Candidate:
    """A genome that was asked for and has no score yet.

    Attributes:
        id: Position in the order of asking, from 0; a run never uses an id twice.
        genome: What is to be evaluated.
        canonical_hash: Identity of the architecture that the genome means.
        parents: Ids of the candidates it was bred from; empty for a founder.
        operator: Name of what made it, such as ``random``, ``seed:lstm``, ``mutation``, ``crossover``.
        seed: Seed of its training, from (run seed, canonical hash, budget).
        budget: Epochs of training.
        asked_after: How many evaluations had been told when it was asked.
    """

    id: int
    genome: Genome
    canonical_hash: str
    parents: tuple[int, ...]
    operator: str
    seed: int
    budget: int
    asked_after: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training a candidate gave.

    Attributes:
        status: Why it ended.
        fitness: Validation score, higher is better (a loss is negated); set if and only if ``status.scored``.
        metrics: Named figures in their own units, such as ``validation_accuracy``.
        metric: Name of the entry of ``metrics`` that fitness stands for; empty if there is none.
        curve: Validation metric after each epoch, in the metric's own units.
        parameters: Trainable parameters of the network; 0 when it was never built.
        epochs: Epochs that were trained.
        train_s: Seconds of training and validation.
        backends: What ran each layer, from the input up, such as ``native``; empty if no network was built.
        error: Class and message of what went wrong; empty if nothing did.
    """

    status: Status
    fitness: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    metric: str = ""
    curve: tuple[float, ...] = ()
    parameters: int = 0
    epochs: int = 0
    train_s: float = 0.0
    backends: tuple[str, ...] = ()
    error: str = ""

    def __post_init__(self) -> None:
        if self.status.scored != (self.fitness is not None):
            raise ValueError(f"outcome with status {self.status} has fitness {self.fitness}")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A candidate, its outcome, and which worker produced it when.

    Attributes:
        candidate: What was asked.
        outcome: What came back.
        attempt: 1 for the first dispatch, and 1 more for each worker that was lost with it.
        worker: Name of the worker that produced it.
        node: Name of the machine that it ran on.
        queue_s: Seconds between submission and start of training.
        finished_at: Unix time at which the result reached the executor, in seconds.
    """

    candidate: Candidate
    outcome: Outcome
    attempt: int = 1
    worker: str = ""
    node: str = ""
    queue_s: float = 0.0
    finished_at: float = 0.0

    @property
    def fitness(self) -> float | None:
        """Fitness of the outcome; higher is better."""
        return self.outcome.fitness

    @property
    def status(self) -> Status:
        """Status of the outcome."""
        return self.outcome.status

    @property
    def is_complete(self) -> bool:
        """Whether it carries the score of a whole training; only such evaluations compete with each other.

        Populations, the archive and the choice of a champion pass over all others.
        """
        return self.outcome.status.complete
