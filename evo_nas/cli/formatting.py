"""Formats the numbers of a search for displays, tables and plain lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.config.schema import MOST_EVALUATIONS
from evo_nas.evaluation import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.execution.executor import Occupancy
    from evo_nas.savings import Savings
    from evo_nas.sessions.events import Planned, Progressed, Working
    from evo_nas.tasks.baselines.fitting import BaselineResult

_CAUSES = {
    Status.TOO_BIG: "too big",
    Status.DIVERGED: "diverged",
    Status.TIMED_OUT: "timed out",
    Status.FAILED: "failed",
    Status.POISONED: "lost their workers",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """The metric of a search; converts a fitness, for which higher is better, back to the metric's own units.

    Attributes:
        metric: Name of the metric.
        higher_is_better: Direction of the metric.
    """

    metric: str
    higher_is_better: bool

    def value(self, fitness: float) -> float:
        """Returns the value of the metric for ``fitness``."""
        return fitness if self.higher_is_better else -fitness

    def text(self, fitness: float | None) -> str:
        """Returns the value of the metric for ``fitness`` as text; ``-`` without a fitness."""
        return "-" if fitness is None else figure(self.value(fitness))


def figure(value: float) -> str:
    """Returns ``value`` with four decimals, or with four significant digits if it is very large or small."""
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 100 else f"{value:.4g}"


def size(parameters: int, table_parameters: int) -> str:
    """Returns ``4,330 parameters``, or ``4,330 parameters and a table of 524,288`` if some are in a table.

    Args:
        parameters: All parameters.
        table_parameters: How many of them are in tables of hashed n-grams.
    """
    table = f" and a table of {table_parameters:,}" if table_parameters else ""
    return f"{parameters - table_parameters:,} parameters{table}"


def pruned(epochs: int, budget: int) -> str:
    """Returns ``, pruned at 6 of 18 epochs``; empty for a full training."""
    return f", pruned at {epochs} of {budget} epochs" if epochs < budget else ""


def savings_in_words(savings: Savings) -> str:
    """Returns ``23 pruned at 2, 9 at 6 epochs; 3 promoted; 54% of the training spared``; empty without rungs."""
    if not (savings.pruned or savings.promoted):
        return ""
    counts = ", ".join(f"{count:,} at {rung}" for rung, count in savings.pruned.items())
    parts = [
        f"pruned {counts} epochs" if counts else "none pruned",
        f"{savings.promoted:,} promoted" if savings.promoted else "",
        f"{savings.share:.0%} of the training spared",
    ]
    return "; ".join(filter(None, parts))


def surrogate_in_words(population: Mapping[str, float]) -> str:
    """Returns ``chooses, rank correlation 0.41 of 120 predictions (p = 0.002)``; empty without predictions."""
    if "rank_correlation" not in population:
        return ""
    says = "chooses" if population["rank_decides"] else "silent"
    correlation, p_value = population["rank_correlation"], population["rank_p_value"]
    chance = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    return f"{says}, rank correlation {correlation:.2f} of {population['rank_predictions']:.0f} predictions ({chance})"


def duration(seconds: float | None) -> str:
    """Returns ``seconds`` as ``m:ss`` or ``h:mm:ss``; ``-:--`` if they are unknown."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def working_in_words(event: Working) -> str:
    """Returns a longer step as one line: how much of it is done, what was done last, and how long the rest takes."""
    if event.total is None:
        return event.doing
    left = "" if event.remaining_s is None else f"  ETA {duration(event.remaining_s)}"
    return f"{event.done}/{event.total}  {event.doing}{left}"


def failures(by_status: Mapping[Status, int], *, uncounted: int = 0) -> str:
    """Returns the evaluations without a score by cause, such as ``3 diverged, 1 timed out``.

    Args:
        by_status: Number of evaluations by status.
        uncounted: How many of them diverged at once and take no place of the budget.
    """
    apart = {Status.DIVERGED: f" ({uncounted:,} at once, not counted)" if uncounted else ""}
    named = [
        f"{by_status[status]:,} {cause}{apart.get(status, '')}"
        for status, cause in _CAUSES.items()
        if by_status.get(status)
    ]
    return ", ".join(named) or "none"


def evaluated(progress: Progressed) -> str:
    """Returns ``12/120``; only ``12`` while the time is the limit and the pace is not known."""
    return out_of(progress.told, progress.evaluations)


def out_of(told: int, evaluations: int | None, *, between: str = "/") -> str:
    """Returns ``12/120``; only ``12`` where the number of evaluations is no limit."""
    is_limit = evaluations is not None and evaluations < MOST_EVALUATIONS
    return f"{told:,}{between}{evaluations:,}" if is_limit else f"{told:,}"


def mean_of(trainings: int) -> str:
    """Returns ``, mean of 3`` for a score that is the mean of several trainings; empty for one."""
    return f", mean of {trainings}" if trainings > 1 else ""


def trained(progress: Progressed) -> str:
    """Returns the spent part of the budget of time, such as ``, 2.5 of 10 min trained``; empty without a limit."""
    spent = ""
    if progress.wall_s_budget is not None:
        spent = f", {progress.wall_s / 60:.1f} of {progress.wall_s_budget / 60:g} min"
    if progress.train_s_budget is not None:
        spent += f", {progress.train_s / 60:.1f} of {progress.train_s_budget / 60:g} min trained"
    return spent


def planned_in_words(plan: Planned) -> str:
    """Returns ``a candidate takes about 18 s here: 40 in 12 minutes, then about 5 for the champion``."""
    return (
        f"a candidate takes about {_about(plan.candidate_s)} here: {plan.evaluations:,} in "
        f"{_about(plan.search_s)}, then about {_about(plan.verdict_s)} for the champion"
    )


def _about(seconds: float) -> str:
    """Returns ``seconds`` roughly, such as ``0.4 s``, ``18 s``, ``12 minutes`` or ``3 hours``."""
    if seconds < 9.5:
        return f"{seconds:.1g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 90 * 60 else f"{seconds / 3600:.2g} hours"


def remembered(count: int, told: int) -> str:
    """Returns how many results come from earlier runs, such as ``, 7 of 60 remembered``; empty for none."""
    return f", {count:,} of {told:,} remembered" if count else ""


def workers(progress: Progressed) -> str:
    """Returns what the workers are doing; after the end of the search, how much of the time they worked."""
    occupancy, seconds = progress.workers, progress.workers.seconds
    if occupancy.in_this_process:
        return "none, it trains in this process"
    lost = f", {occupancy.lost_workers} lost and replaced" if occupancy.lost_workers else ""
    total = sum(seconds.values())
    if (progress.finished or progress.interrupted) and total:
        return f"{occupancy.workers} worked {seconds['working'] / total:.0%} of the time{lost}"
    return f"{occupancy.busy} of {occupancy.workers} busy{lost}{waiting(occupancy)}"


def waiting(occupancy: Occupancy) -> str:
    """Returns how many workers wait for resources and why, such as ``, 2 wait: ...``; empty if no wait is long."""
    return f", {occupancy.waiting} wait: {occupancy.obstacle}" if occupancy.obstacle else ""


def baselines_in_words(results: Mapping[str, BaselineResult]) -> str:
    """Returns name and score of each baseline, such as ``majority 0.5000``; a note where it has no score."""
    return ", ".join(
        f"{name} {'-' if result.score is None else figure(result.score)}"
        + (f" ({result.note})" if result.note else "")
        for name, result in results.items()
    )


def origin(operator: str, parents: Sequence[int]) -> str:
    """Returns the origin of a candidate, such as ``mutation of #31``."""
    names = " and ".join(f"#{parent}" for parent in parents)
    return f"{operator} of {names}" if names else operator


def checked_in_words(difference: str, tolerance: str, lengths: str) -> str:
    """Returns how an export was compared with the model that it was made of."""
    found = f"largest difference {difference}, at most {tolerance} permitted"
    return f"checked against the model at lengths {lengths}: {found}"
