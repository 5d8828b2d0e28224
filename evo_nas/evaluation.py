"""What crosses a process boundary: a `Candidate` that was asked for, and the `Evaluation` that comes back.

Each stage has its own type. The loop asks a strategy for candidates; a worker turns a candidate into an
`Outcome`; the executor adds the worker and the times, which makes it an `Evaluation`; only evaluations can be told to
the strategy. All three are frozen and made of plain values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from functools import total_ordering
from heapq import nlargest
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

    from evo_nas.genome.space import Genome


Result = TypeVar("Result")
VALIDATION_LOSS = "validation_loss"
"""Name of the entry of `Outcome.metrics` that breaks ties of fitness."""


class Status(StrEnum):
    """Why an evaluation ended; the loop, the strategy and the archive treat each cause differently."""

    OK = "ok"
    PRUNED = "pruned"
    """Training was stopped early at a rung and scored there."""
    TOO_BIG = "too_big"
    """The network exceeds the parameter limit or the memory; it is never retried and never enters a population."""
    DIVERGED = "diverged"
    """The loss or an output became infinite or NaN."""
    TIMED_OUT = "timed_out"
    """Training exceeded its time limit."""
    FAILED = "failed"
    """Training raised any other error; the outcome carries its message."""
    POISONED = "poisoned"
    """Every permitted attempt lost its worker."""
    TRAINED = "trained"
    """A long training, or a stretch of one, came to its end: it has findings and no score, since it is no network."""

    @property
    def scored(self) -> bool:
        """Whether an outcome with this status has a fitness."""
        return self in (Status.OK, Status.PRUNED)

    @property
    def failed(self) -> bool:
        """Whether an outcome with this status came to nothing."""
        return not self.scored and self is not Status.TRAINED

    @property
    def complete(self) -> bool:
        """Whether an outcome with this status has a fitness that may be compared with others.

        The score at a rung comes from a shorter training, so that comparing it with a full one would be unfair.
        """
        return self is Status.OK


@dataclass(frozen=True, slots=True)
class Candidate:
    """A genome that a strategy has proposed and that has no score yet.

    Attributes:
        id: Position in the order of asking, from 0; a run never uses an id twice.
        genome: The genome to evaluate.
        canonical_hash: Identity of the architecture that the genome encodes.
        parents: Ids of its parents; empty for a founder.
        operator: Name of the operator that made it, such as ``random``, ``seed:lstm``, ``mutation``, ``crossover``.
        seed: Seed of its training, derived from (run seed, canonical hash, budget).
        budget: Training epochs, also if the training may be pruned before.
        asked_after: How many evaluations had been told when it was asked.
        rungs: Epochs, ascending and below ``budget``, after which its training may be pruned.
        thresholds: For each rung the fitness below which it is pruned there, as known when it was asked: minus infinity
            where nothing is known, infinity where every training is paused.
        cut: Which cut of the training and validation rows it learns from; 0 is the one of the data set.
        repeats: Id of the candidate whose architecture it trains again with another seed; None for a new one.
        continues: Id of the pruned candidate whose training it continues; None for a training of its own.
        starts_from: Digest of the kept weights that its training starts from, or `weights.BANK` for those of the bank;
            empty to start from scratch.
        trains: The long training that it is a stretch of, such as ``supernet {"order":1}``, whose first word names it;
            its genome then says what surrounds that. Empty for a candidate like any other, which trains the network of
            its genome. What a long training gives is findings for its strategy, and never a score.
    """

    id: int
    genome: Genome
    canonical_hash: str
    parents: tuple[int, ...]
    operator: str
    seed: int
    budget: int
    asked_after: int
    rungs: tuple[int, ...] = ()
    thresholds: tuple[float, ...] = ()
    cut: int = 0
    repeats: int | None = None
    continues: int | None = None
    starts_from: str = ""
    trains: str = ""


@total_ordering
@dataclass(frozen=True, slots=True)
class Standing:
    """What ranks results of training; the larger the better.

    A training that went further stands above one that was pruned before, whatever their fitness. Among those that went
    equally far the fitness decides, then the lower validation loss, which tells networks apart that are right about
    equally many examples. The number of parameters does not break ties: of networks that a small validation part cannot
    tell apart, the smallest is rarely the best on other data.

    Attributes:
        level: Epochs after which it was pruned; infinity for a complete training.
        fitness: Validation score, higher is better.
        loss: Validation loss; infinity if it is not known.
        is_inherited: Whether the training started from weights of another network.
    """

    level: float
    fitness: float
    loss: float = math.inf
    is_inherited: bool = False

    @classmethod
    def of(
        cls,
        status: Status,
        *,
        fitness: float | None,
        epochs: int,
        metrics: Mapping[str, float],
        inherited_steps: int,
    ) -> Self | None:
        """Returns what ranks a result, given by its fields or by its columns in the ledger; None without a fitness."""
        if fitness is None:
            return None
        return cls(
            level=math.inf if status.complete else epochs,
            fitness=fitness,
            loss=metrics.get(VALIDATION_LOSS, math.inf),
            is_inherited=inherited_steps > 0,
        )

    def is_comparable(self, other: Standing) -> bool:
        """Whether the difference of the two scores means something: both went equally far from the same start."""
        return (self.level, self.is_inherited) == (other.level, other.is_inherited)

    def __lt__(self, other: object) -> bool:
        """Whether this stands below ``other``.

        Raises:
            ValueError: One started from inherited weights and the other from scratch, which no score can make up for.
        """
        if not isinstance(other, Standing):
            return NotImplemented
        if self.is_inherited != other.is_inherited:
            raise ValueError("a fitness from inherited weights cannot be compared with one from scratch")
        return (self.level, self.fitness, -self.loss) < (other.level, other.fitness, -other.loss)


def best_first(
    results: Iterable[Result], standing_of: Callable[[Result], Standing | None], *, count: int | None = None
) -> list[Result]:
    """Returns the results with a score, best first; of equals the earlier one is first.

    All rankings are made here. What started from inherited weights is ranked apart from what started from scratch: the
    two rankings follow each other, first the one that went further, then the one from scratch: an inherited score does
    not say what a network is worth that is trained from scratch, as the champion is.

    Args:
        results: Any results, in the order of telling.
        standing_of: Returns what ranks a result; None if it has no score.
        count: How many are wanted; all of them if None.
    """
    apart: dict[bool, list[tuple[Standing, Result]]] = {False: [], True: []}
    for result in results:
        standing = standing_of(result)
        if standing is not None:
            apart[standing.is_inherited].append((standing, result))
    rankings = [
        # Both keep the order of equals.
        sorted(group, key=_first, reverse=True) if count is None else nlargest(count, group, key=_first)
        for group in apart.values()
        if group
    ]
    rankings.sort(key=lambda ranking: ranking[0][0].level if ranking else -math.inf, reverse=True)
    return [result for ranking in rankings for _, result in ranking][:count]


def _first(pair: tuple[Standing, object]) -> Standing:
    return pair[0]


def is_negated(value: float, fitness: float) -> bool:
    """Whether ``value``, of a metric, was negated to become ``fitness``, as that of a loss is."""
    # Not by comparing them, since a loss of 0 equals its fitness of -0.
    return math.copysign(1.0, value) != math.copysign(1.0, fitness)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of training a candidate.

    Attributes:
        status: Why it ended.
        fitness: Validation score, higher is better (a loss is negated); set if and only if ``status.scored``.
        metrics: Values by name in their own units, such as ``validation_accuracy``.
        metric: Name of the entry of ``metrics`` that the fitness is made from; empty without a fitness.
        curve: Validation metric after each epoch, in the metric's own units.
        parameters: Trainable parameters of the network; 0 if it was never built.
        epochs: Epochs that were completed.
        train_s: Seconds of training and validation; of a training that went on after a rung only those since.
        backends: The implementation that ran each layer, such as ``native``, in the order of the layers; empty if no
            network was built.
        error: Class and message of the error; empty if there was none.
        table_parameters: How many of the parameters are in tables of hashed n-grams.
        cpu_s: The same in seconds of the processor; on a GPU those of the clock.
        steps: Optimizer steps of this training, those before a rung included.
        inherited_steps: Optimizer steps behind the weights that it inherited, those of all ancestors together; 0 from
            scratch.
        weights: Digest of what was kept of it: the checkpoint of a pruned training, or the weights of a parent; empty
            if nothing was.
        source: Where the result comes from if it was not trained in this run, such as the place of an earlier run.
        findings: Genomes that a long training hands back to its strategy, those to be tried first first.
        finding_scores: For each of them what the long training thinks of it, higher is better; such scores compare
            findings of one outcome with one another and with nothing else.
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
    table_parameters: int = 0
    cpu_s: float = 0.0
    steps: int = 0
    inherited_steps: int = 0
    weights: str = ""
    source: str = ""
    findings: tuple[Genome, ...] = ()
    finding_scores: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        # A stand-in score for failures would sooner or later be compared with a real one.
        if self.status.scored != (self.fitness is not None):
            raise ValueError(f"outcome with status {self.status} has fitness {self.fitness}")
        if self.findings and self.status is not Status.TRAINED:
            raise ValueError(f"outcome with status {self.status} has findings; must be {Status.TRAINED}")
        if len(self.findings) != len(self.finding_scores):
            raise ValueError(
                f"outcome has {len(self.findings)} findings and {len(self.finding_scores)} scores of them"
            )

    @property
    def diverged_at_once(self) -> bool:
        """Whether it diverged before the end of its first epoch, which costs little and teaches little."""
        return self.status is Status.DIVERGED and self.epochs == 0

    @property
    def standing(self) -> Standing | None:
        """What ranks it; None without a fitness."""
        return Standing.of(
            self.status,
            fitness=self.fitness,
            epochs=self.epochs,
            metrics=self.metrics,
            inherited_steps=self.inherited_steps,
        )

    def fitness_after(self, epochs: int) -> float | None:
        """Returns the best fitness of the first ``epochs`` epochs; None if it was not trained for so many."""
        curve = self.fitness_curve
        return max(curve[:epochs]) if 1 <= epochs <= len(curve) else None

    @property
    def fitness_curve(self) -> tuple[float, ...]:
        """The fitness after each epoch; empty without a score or a curve."""
        if self.fitness is None or not self.curve:
            return ()
        # The curve is in the metric's own units.
        is_loss = is_negated(self.metrics[self.metric], self.fitness)
        return tuple(-value for value in self.curve) if is_loss else self.curve


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A candidate, its outcome, and which worker produced it when.

    Attributes:
        candidate: The candidate.
        outcome: The result of its training.
        attempt: 1 for the first dispatch; each lost worker adds 1.
        worker: Name of the worker that produced it.
        node: Name of the machine of that worker.
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

    def __post_init__(self) -> None:
        # A score of it would be ranked with those of networks.
        if self.candidate.trains and self.outcome.status.scored:
            raise ValueError(
                f"candidate {self.candidate.id} is a long training and has the status {self.outcome.status}; must be "
                f"{Status.TRAINED} or a failure"
            )

    @property
    def fitness(self) -> float | None:
        """Fitness of the outcome; higher is better."""
        return self.outcome.fitness

    @property
    def status(self) -> Status:
        """Status of the outcome."""
        return self.outcome.status

    @property
    def standing(self) -> Standing | None:
        """What ranks it; None without a fitness."""
        return self.outcome.standing

    @property
    def is_complete(self) -> bool:
        """Whether it has the score of a full training."""
        return self.outcome.status.complete

    @property
    def is_paused(self) -> bool:
        """Whether it was pruned at a rung where all trainings were, because none goes further yet."""
        limits = dict(zip(self.candidate.rungs, self.candidate.thresholds, strict=True))
        return self.status is Status.PRUNED and limits.get(self.outcome.epochs) == math.inf
