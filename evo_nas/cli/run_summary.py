"""`RunSummary`: one line about a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evo_nas.budgets import Budget
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import EvoNasError
from evo_nas.evaluation import Status
from evo_nas.runs import metric_of
from evo_nas.runs.rows import by_status

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


def _summary(run: Run) -> RunSummary:
    try:
        return _readable(run)
    # One damaged run must not hide the others of a directory.
    except EvoNasError as error:
        return RunSummary(str(run), error=str(error))


def _readable(run: Run) -> RunSummary:
    config, totals, table = run.config, run.totals(), run.table()
    budget, best = config.budget, run.best(1)
    limits = Budget(budget.most_evaluations)
    metric = metric_of(best[0]) if best else None
    verdict = stored_verdict(run)
    seeds = run.noise().seeds
    finished = table["finished_at"].to_pylist()
    return RunSummary(
        run=str(run),
        task=str(config.task["kind"]),
        evaluated=totals.told,
        evaluations=None if budget.is_open_ended else limits.widened(totals.at_once).evaluations,
        failed=sum(count for status, count in by_status(table).items() if status.failed),
        metric=metric[0].removeprefix("validation_") if metric else "",
        best=metric[1] if metric else None,
        best_at=best[0]["epochs"] if best and best[0]["status"] == Status.PRUNED else None,
        noise=seeds.std if seeds else None,
        noise_pairs=seeds.pairs if seeds else 0,
        test=verdict.champion.test if verdict else None,
        complete=run.is_spent(config.budget),
        last_result=finished[-1].isoformat(timespec="seconds") if finished else "",
    )
