"""`RunSummary`: one line about a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from evo_nas.budgets import Budget
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import EvoNasError
from evo_nas.views.digest import RunDigest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evo_nas.runs import Run


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The summary of a run.

    Attributes:
        run: Directory or URI of the run.
        error: Why it cannot be read; empty if it can. The other fields are meaningful only then.
        task: Kind of its task.
        evaluated: Number of told evaluations.
        evaluations: Budget of evaluations; None if only the time is limited.
        failed: Number of evaluations without a score.
        metric: Name of the validation metric; empty before the first score.
        best: Best validation metric, a mean where the best candidate was trained several times.
        best_at: Epochs after which the best was pruned; None if it was trained in full.
        noise: Standard deviation of the validation metric between seeds; None before enough was repeated.
        noise_pairs: Pairs of trainings that it was estimated from.
        test: Mean test metric of the champion; None before the verdict.
        complete: Whether the budget is spent.
        last_result: Time of the last evaluation in ISO 8601; empty without one.
    """

    run: str
    error: str = ""
    task: str = ""
    evaluated: int = 0
    evaluations: int | None = 0
    failed: int = 0
    metric: str = ""
    best: float | None = None
    best_at: int | None = None
    noise: float | None = None
    noise_pairs: int = 0
    test: float | None = None
    complete: bool = False
    last_result: str = ""

    def to_values(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self)


def summaries(runs: Iterable[Run]) -> list[RunSummary]:
    """Returns a summary of each run, also of those that cannot be read."""
    return [_summary(run) for run in runs]


def summary_of(digest: RunDigest) -> RunSummary:
    """Returns the summary of a run that was digested.

    Raises:
        RunError: The run has gone or cannot be read.
        CorruptLedgerError: A file beside its evaluations is damaged.
    """
    run, totals = digest.run, digest.totals
    config, best, seeds = run.config, next(iter(digest.leaders), None), digest.noise.seeds
    budget = config.budget
    verdict = stored_verdict(run, totals)
    return RunSummary(
        run=str(run),
        task=str(config.task["kind"]),
        evaluated=totals.told,
        evaluations=None
        if budget.is_open_ended
        else Budget(budget.most_evaluations).widened(totals.at_once).evaluations,
        failed=digest.failed,
        metric=digest.metric.removeprefix("validation_"),
        best=None if best is None else digest.value(best.standing.fitness),
        best_at=best.epochs if best is not None and best.is_pruned else None,
        noise=seeds.std if seeds else None,
        noise_pairs=seeds.pairs if seeds else 0,
        test=verdict.champion.test if verdict else None,
        complete=run.is_spent(budget, totals),
        last_result=in_iso(digest.last_result) if digest.last_result is not None else "",
    )


def in_iso(seconds: float) -> str:
    """Returns a Unix time in ISO 8601, to the second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _summary(run: Run) -> RunSummary:
    digest = RunDigest(run)
    try:
        digest.update()
        return summary_of(digest)
    # One damaged run must not hide the others of a directory.
    except EvoNasError as error:
        return RunSummary(str(run), error=str(error))
