"""The events of a search: frozen values that convert to one line of JSON each, and back.

``--json``, the log of a Ray job and the manager in a cluster all carry the same types, so that a watcher needs neither
the data nor the machine of the search.
"""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations of what it checks
from dataclasses import asdict, dataclass, field
from functools import cache

from pydantic import TypeAdapter, ValidationError

from evo_nas.archive import NoiseReport
from evo_nas.budgets import Ending  # noqa: TC001
from evo_nas.champion.verdict import Verdict  # noqa: TC001
from evo_nas.errors import ExecutionError
from evo_nas.evaluation import Status  # noqa: TC001
from evo_nas.execution.executor import Occupancy  # noqa: TC001
from evo_nas.savings import Savings
from evo_nas.tasks.baselines.fitting import BaselineResult  # noqa: TC001


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """A longer step outside the search itself has begun.

    Attributes:
        doing: What is being done, such as ``loading the data``.
        done: Number of parts that are done; None if they are not counted.
        total: Number of parts; None if they are not counted.
        remaining_s: Seconds that the parts that are left take at this pace; None while it is unknown.
    """

    doing: str
    done: int | None = None
    total: int | None = None
    remaining_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The data were read.

    Attributes:
        remarks: How they were understood, what was left out and what is too small, one sentence each.
    """

    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """What simple baselines reach, known before the search starts.

    Attributes:
        metric: Name of the test metric.
        results: Test score, seconds and a note of each baseline by name.
    """

    metric: str
    results: Mapping[str, BaselineResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A new search begins with networks of earlier runs.

    Attributes:
        remarks: What was taken, changed and left out, one sentence each.
    """

    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The workers are ready and the search runs.

    Attributes:
        run: Where the run is kept.
        name: Name of the configuration.
        metric: Name of the metric that the search optimises.
        higher_is_better: Direction of the metric.
        told: Evaluations that the run already held.
    """

    run: str
    name: str
    metric: str
    higher_is_better: bool
    told: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What the budget buys, known once the first candidates were trained.

    Attributes:
        candidate_s: Mean seconds of training of a candidate.
        evaluations: Evaluations of the whole run.
        search_s: Seconds that the search still takes.
        verdict_s: Seconds that the verdict takes after it.
        hints: What is too small for a good search, and what to change, one sentence each.
    """

    candidate_s: float
    evaluations: int
    search_s: float
    verdict_s: float
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best candidate so far.

    Attributes:
        id: Id of the candidate.
        value: Its validation metric, in the metric's own units.
        fitness: The same value, negated if lower is better.
        parameters: Trainable parameters of its network.
        operator: Name of the operator that made it.
        parents: Ids of its parents.
        canonical_hash: Identity of its architecture.
        architecture: The architecture in words.
        table_parameters: How many of the parameters are in tables of hashed n-grams.
        trainings: How many trainings its fitness is the mean of.
        epochs: Epochs that it was trained for.
        budget: Epochs of its full training; the best was pruned only where none went further.
    """

    id: int
    value: float
    fitness: float
    parameters: int
    operator: str
    parents: tuple[int, ...]
    canonical_hash: str
    architecture: str
    table_parameters: int = 0
    trainings: int = 1
    epochs: int = 0
    budget: int = 0

    @property
    def is_pruned(self) -> bool:
        """Whether its fitness is that at a rung."""
        return self.epochs < self.budget


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMember:
    """A candidate that no other beats in all objectives.

    Attributes:
        id: Id of the candidate.
        value: Its validation metric, in the metric's own units.
        costs: Its costs by objective; see `config.objectives`.
    """

    id: int
    value: float
    costs: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """The state of the search after one turn of its loop.

    Attributes:
        told: Evaluations committed, over the whole run.
        told_at_start: Evaluations that were committed when this process started.
        asked: Candidates asked, over the whole run.
        evaluations: Budget of evaluations, or how many of them the other limits are expected to allow.
        train_s: Seconds of training, over the whole run.
        train_s_budget: Budget of training, in seconds; None for no limit.
        elapsed_s: Seconds since this process started to search.
        per_minute: Evaluations per minute, over the last minute.
        remaining_s: Seconds that the rest of the budget takes at this pace; None while it is unknown.
        by_status: Number of evaluations by status.
        best: The best candidate so far; None before the first score.
        population: Size, mean, std, min and max of the fitness of the current population, and what the strategy tells
            beside these; empty without any.
        workers: The state of the workers.
        finished: Whether the run is complete.
        interrupted: Whether the search was asked to stop before that.
        commit_s: Seconds that the last commit took.
        remembered: Evaluations whose results come from earlier runs, over the whole run.
        noise: What repeated trainings say about the scores.
        savings: What rungs have pruned, promoted and spared.
        front: The candidates that no other beats in all objectives, the fittest first; empty with one objective.
        constant: The objectives in which all candidates are equal so far, so that they decide nothing.
        wall_s: Seconds in which the run was searched, over all its resumes.
        wall_s_budget: Budget of the run with its verdict, in seconds; None for no limit.
        uncounted: Evaluations that diverged at once and take no place of the budget that was given.
    """

    told: int
    told_at_start: int
    asked: int
    evaluations: int
    train_s: float
    train_s_budget: float | None
    elapsed_s: float
    per_minute: float
    remaining_s: float | None
    by_status: Mapping[Status, int]
    best: Best | None
    population: Mapping[str, float]
    workers: Occupancy
    finished: bool = False
    interrupted: bool = False
    commit_s: float = 0.0
    remembered: int = 0
    noise: NoiseReport = field(default_factory=NoiseReport)
    savings: Savings = field(default_factory=Savings)
    front: tuple[FrontMember, ...] = ()
    constant: tuple[str, ...] = ()
    wall_s: float = 0.0
    wall_s_budget: float | None = None
    uncounted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The search was stopped; all told evaluations are committed.

    Attributes:
        run: Where the run is kept.
        told: Evaluations that are committed.
        evaluations: Budget of evaluations.
        complete: Whether only the verdict is missing.
    """

    run: str
    told: int
    evaluations: int
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The budget is spent; the verdict follows.

    Attributes:
        run: Where the run is kept.
        ending: What ended it before its number of evaluations did; None otherwise.
        told: Number of evaluations at such an end; 0 otherwise.
        noise: What repeated trainings say about the scores.
    """

    run: str
    ending: Ending | None = None
    told: int = 0
    noise: NoiseReport = field(default_factory=NoiseReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The search cannot go on; nothing committed is lost.

    Attributes:
        error: The reason and what to do, one line for each problem.
    """

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The champion was compared with its opponents and the baselines.

    Attributes:
        verdict: The comparison.
    """

    verdict: Verdict


Event = (
    Working
    | Loaded
    | Baselines
    | Founded
    | Started
    | Planned
    | Progressed
    | Stopped
    | Completed
    | Failed
    | Judged
)
KINDS: Mapping[str, type[Event]] = {
    "working": Working,
    "loaded": Loaded,
    "baselines": Baselines,
    "founded": Founded,
    "started": Started,
    "planned": Planned,
    "progressed": Progressed,
    "stopped": Stopped,
    "completed": Completed,
    "failed": Failed,
    "judged": Judged,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_PREFIX = '{"event": '


def event_to_json(event: Event) -> str:
    """Returns ``event`` as one line of JSON; its key ``event`` names the kind."""
    # NaN is no JSON, and other readers would refuse the whole line.
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)}, allow_nan=False)


def event_from_json(line: str) -> Event | None:
    """Returns the event that `event_to_json` wrote; None if ``line`` is not an event.

    Raises:
        ExecutionError: The event was written by another version.
    """
    # The log of a job also holds lines of Ray and of libraries.
    if not line.startswith(_PREFIX):
        return None
    try:
        values = json.loads(line)
        # As text again, since in strict mode only JSON may give a list for a tuple.
        return _reader(values.pop("event")).validate_json(json.dumps(values), strict=True)
    except (ValueError, KeyError, ValidationError) as error:
        raise ExecutionError(
            f"another version of evo-nas runs the search: its event cannot be read ({line[:80]}); install the "
            "same version here and there"
        ) from error


def is_last(event: Event) -> bool:
    """Whether ``event`` is the last one of a session."""
    return isinstance(event, Stopped | Failed | Judged)


@cache
def _reader(name: str) -> TypeAdapter[Event]:
    return TypeAdapter(KINDS[name])
