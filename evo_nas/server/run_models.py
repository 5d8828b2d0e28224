"""Answers of the API about runs, as models of pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from evo_nas.archive import NoiseReport
from evo_nas.champion.verdict import Verdict
from evo_nas.runs.operators import OperatorTally
from evo_nas.server.candidate_models import CandidateRow, FrontMember, Plain
from evo_nas.server.problems import over_http
from evo_nas.server.states import StateName
from evo_nas.tasks.baselines.fitting import BaselineResult

if TYPE_CHECKING:
    from typing import Self

    from evo_nas.server.digests import Brief
    from evo_nas.server.states import RunState


class RunListItem(Plain):
    """One run, as a list tells of it."""

    name: str = Field(description="Its name under the root.")
    run: str = Field(description="Its directory or URI.")
    state: StateName = Field(
        description="`starting`, `running`, `stopped` before its budget was spent, `complete`, `judged` with a "
        "verdict, `failed` with an error, or `damaged`."
    )
    reason: str = Field(default="", description="What a person should know of the state; may be empty.")
    error: str = Field(
        default="",
        description="Why it cannot be read; empty if it can. Without it the other fields mean nothing.",
    )
    task: str = Field(default="", description="Kind of its task.")
    strategy: str = Field(default="", description="Kind of its strategy.")
    created_at: str = Field(default="", description="When it was begun, in ISO 8601.")
    evaluated: int = Field(default=0, description="Number of evaluations.")
    evaluations: int | None = Field(
        default=None,
        description="Budget of evaluations, with a place for each that diverged at once and is not counted; null if "
        "only the time is limited.",
    )
    failed: int = Field(default=0, description="Evaluations that came to nothing.")
    metric: str = Field(
        default="", description="Name of the validation metric; empty before the first score."
    )
    higher_is_better: bool | None = Field(
        default=None, description="Direction of the metric; null before the first score."
    )
    best: float | None = Field(
        default=None, description="Best value of the metric, a mean where the best was trained several times."
    )
    best_at: int | None = Field(
        default=None, description="Epochs after which the best was pruned; null if it was trained in full."
    )
    noise: float | None = Field(default=None, description="Standard deviation of the metric between seeds.")
    noise_pairs: int = Field(default=0, description="Pairs of trainings that the noise was estimated from.")
    test: float | None = Field(
        default=None, description="Test metric of the champion; null before the verdict."
    )
    complete: bool = Field(default=False, description="Whether the budget is spent.")
    last_result: str = Field(
        default="", description="When the last evaluation came, in ISO 8601; may be empty."
    )
    sparkline: list[float] = Field(
        default_factory=list, description="The best so far at up to 40 evenly spaced evaluations."
    )

    @classmethod
    def of(cls, brief: Brief, state: RunState) -> Self:
        """Returns what is known of a run."""
        return cls(
            name=brief.name,
            state=state.name,
            reason=over_http(state.reason),
            strategy=brief.strategy,
            created_at=brief.created_at,
            higher_is_better=brief.higher_is_better,
            sparkline=list(brief.sparkline),
            **brief.summary.to_values() | {"error": over_http(brief.summary.error)},
        )


class RunList(BaseModel):
    """A page of the list of runs."""

    runs: list[RunListItem]
    total: int = Field(description="Number of runs on all pages.")
    page: int = Field(description="Number of this page, from 1.")
    reading: int = Field(
        default=0,
        description="Runs that are being read for the first time and are not in the list yet; ask again.",
    )
    unnamed: list[str] = Field(
        default=[],
        description="Directories under the root with runs that are not in the list, since their names are longer than "
        "64 characters or have others than letters, digits and _ . -; rename them. At most ten.",
    )


class BudgetLimits(Plain):
    """What a run may spend in total."""

    evaluations: int | None = Field(
        default=None, description="Evaluations, with those that are not counted; null for no limit."
    )
    uncounted: int = Field(
        default=0, description="Evaluations that diverged at once and take no place of the budget."
    )
    minutes: float | None = Field(
        default=None, description="Minutes of the whole run with its verdict; null for no limit."
    )
    train_minutes: float | None = Field(
        default=None, description="Minutes of training of all candidates; null for no limit."
    )
    stop_when_flat: float | None = Field(
        default=None, description="Share of the budget without anything better that ends it."
    )


class SpentTotals(Plain):
    """What a run has spent."""

    told: int = Field(default=0, description="Number of evaluations.")
    in_flight: int = Field(
        default=0, description="Candidates that were asked and have no result yet, as of the last commit."
    )
    train_s: float = Field(default=0.0, description="Seconds of training of all evaluations.")
    cpu_s: float = Field(default=0.0, description="Seconds of computing of all evaluations.")
    remembered: int = Field(default=0, description="Evaluations whose results come from earlier runs.")
    lost: list[tuple[int, int]] = Field(
        default=[], description="Ranges of evaluations whose loss was accepted."
    )


class Savings(Plain):
    """What rungs have spared."""

    pruned: dict[int, int] = Field(default={}, description="Trainings that stand pruned, by epochs.")
    promoted: int = Field(default=0, description="Pruned trainings that went on.")
    epochs: int = Field(default=0, description="Epochs that were trained.")
    full_epochs: int = Field(default=0, description="Epochs that full trainings would have taken.")
    share: float = Field(default=0.0, description="Share of the training that was spared, 0 to 1.")


class FailureCause(Plain):
    """Failures of one kind whose messages differ at most in numbers."""

    status: str = Field(description="What ended them.")
    message: str = Field(description="Class and message of the first error; empty where the status says all.")
    count: int = Field(description="How many there were.")
    example: int = Field(description="Id of the first such candidate.")


class NodeWork(BaseModel):
    """What one machine has trained."""

    node: str = Field(description="Its name; empty if none was recorded.")
    workers: int = Field(description="Workers that delivered something.")
    evaluations: int = Field(description="Evaluations that came from it.")
    train_s: float = Field(description="Seconds of training of these.")


class LaunchView(BaseModel):
    """A process that the service started for a run."""

    number: int = Field(description="Its number; the ids of its events begin with it.")
    doing: str = Field(description="The command, such as `search`, `resume`, `champion` or `tune`.")
    at: str = Field(description="When it was started, in ISO 8601.")
    host: str = Field(description="Name of its machine.")
    pid: int = Field(description="Number of the process.")
    is_alive: bool = Field(description="Whether it is running.")
    was_stopped: bool = Field(description="Whether it was asked to stop.")
    failure: str = Field(description="Why it failed; empty if it has not.")


class LaunchProgress(LaunchView):
    """What a process has said so far."""

    result: dict[str, Any] | None = Field(
        description="What `tune`, `ensemble`, `retrain` or `finalists` has found, once it is done; null before."
    )
    lines: list[str] = Field(description="The next lines that it has printed beside events and results.")
    next: int = Field(description="Asked for as `after`, what follows these lines comes.")


class RunDetail(RunListItem):
    """Everything about one run that fits on a page; of one whose search is just beginning most is empty."""

    config: dict[str, Any] = Field(description="Its configuration with every default, and the latest budget.")
    yaml: str = Field(description="The same as YAML.")
    seed: int = Field(default=0, description="Seed of all its random streams.")
    created_by: dict[str, str] = Field(default={}, description="Versions that began it.")
    budget: BudgetLimits = Field(default_factory=BudgetLimits, description="What it may spend in total.")
    totals: SpentTotals = Field(default_factory=SpentTotals, description="What it has spent.")
    by_status: dict[str, int] = Field(default={}, description="Number of evaluations by status.")
    savings: Savings = Field(default_factory=Savings, description="What rungs have spared.")
    noise_report: NoiseReport = Field(
        default_factory=NoiseReport, description="What repeated trainings say about the scores."
    )
    operators: list[OperatorTally] = Field(
        default=[], description="What the children of each operator achieved."
    )
    best_candidates: list[CandidateRow] = Field(default=[], description="The ten best, best first.")
    objectives: list[str] = Field(default=[], description="What is optimised, the fitness first.")
    constant: list[str] = Field(
        default=[], description="Objectives in which all candidates are equal so far."
    )
    front: list[FrontMember] = Field(
        default=[], description="Those that no other beats in all objectives, if there are several."
    )
    verdict: Verdict | None = Field(
        default=None, description="The verdict on exactly these evaluations; null without one."
    )
    baselines: dict[str, BaselineResult] = Field(default={}, description="Test scores of simple baselines.")
    failures: list[FailureCause] = Field(
        default=[],
        description="Failures by cause and message, whatever its numbers, the most frequent first.",
    )
    nodes: list[NodeWork] = Field(default=[], description="Machines that have trained for it.")
    founders: list[str] = Field(default=[], description="Networks of earlier runs that it began with.")
    changeable: list[str] = Field(default=[], description="Sections and keys that a resume may change.")
    latest: dict[str, dict[str, Any]] = Field(
        default={}, description="The latest event of each kind, with which the stream of events begins."
    )
    launches: list[LaunchView] = Field(
        default=[], description="What the service started for it, the latest last."
    )
