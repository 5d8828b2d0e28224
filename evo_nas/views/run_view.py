"""`RunView`: what ``show`` tells of a recorded run, as values."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evo_nas.budgets import Budget
from evo_nas.champion.verdict import stored_verdict
from evo_nas.runs import Run, metric_of
from evo_nas.runs.operators import tally_operators
from evo_nas.runs.rows import by_status
from evo_nas.views.fronts import front_values

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Self

    from evo_nas.archive import NoiseReport
    from evo_nas.champion.verdict import Verdict
    from evo_nas.config import SearchConfig
    from evo_nas.evaluation import Status
    from evo_nas.ledger import Totals
    from evo_nas.runs import Row
    from evo_nas.runs.operators import OperatorTally
    from evo_nas.savings import Savings
    from evo_nas.tasks.baselines.fitting import BaselineResult


@dataclass(frozen=True)
class RunView:
    """The content of ``show`` for one run.

    Attributes:
        run: Where it is kept.
        config: Its configuration, with the budget that was given last.
        totals: What it has spent.
        complete: Whether that is the whole budget, minutes of training included.
        by_status: Evaluations by the cause that ended them.
        remembered: Evaluations whose results come from earlier runs.
        best: Its best candidates, best first.
        noise: What repeated trainings say about the scores.
        savings: What rungs have pruned, promoted and spared.
        front: The candidates that no other beats in all objectives; empty with one objective.
        constant: The objectives in which all candidates are equal; empty with one objective.
        operators: How often each operator was used, and what its children achieved.
        line: One candidate and its ancestors; empty for a run without scores.
        verdict: The verdict on all of its evaluations; None before it was judged.
        baselines: What each baseline gave, by name; empty if the run keeps none.
    """

    run: str
    config: SearchConfig
    totals: Totals
    complete: bool
    by_status: Mapping[Status, int]
    remembered: int
    best: Sequence[Row]
    noise: NoiseReport
    savings: Savings
    front: Sequence[Row]
    constant: Sequence[str]
    operators: Sequence[OperatorTally]
    line: Sequence[Row]
    verdict: Verdict | None
    baselines: Mapping[str, BaselineResult]

    @classmethod
    def of(cls, place: str | os.PathLike[str], *, top: int, candidate: int | None) -> Self:
        """Reads the run at ``place``.

        Raises:
            RunError: There is no run, it cannot be read, or ``candidate`` was never evaluated.
        """
        run = Run.at(place)
        best = run.best(top)
        chosen = best[0]["id"] if candidate is None and best else candidate
        metric = metric_of(best[0]) if best else None
        has_front = len((config := run.config).fitness.objectives) > 1
        return cls(
            run=str(run),
            config=config,
            totals=run.totals(),
            complete=run.is_spent(config.budget),
            by_status=by_status(run.table()),
            remembered=sum(map(bool, run.table()["source"].to_pylist())),
            best=best,
            noise=run.noise(),
            savings=run.savings(),
            front=run.front() if has_front else [],
            constant=run.constant_objectives() if has_front else (),
            operators=tally_operators(run.table()),
            line=[] if chosen is None else run.lineage(chosen),
            verdict=stored_verdict(run),
            baselines=run.baselines(metric[0].removeprefix("validation_")) if metric else {},
        )

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {
            "run": self.run,
            "evaluations": self.totals.told,
            "budget": None if self.config.budget.is_open_ended else self.config.budget.most_evaluations,
            "minutes_budget": self.config.budget.minutes,
            "uncounted": self.uncounted,
            "train_s": self.totals.train_s,
            "train_minutes_budget": self.config.budget.train_minutes,
            "complete": self.complete,
            "by_status": dict(self.by_status),
            "remembered": self.remembered,
            "best": [_plain(row) for row in self.best],
            "noise": asdict(self.noise),
            "savings": asdict(self.savings),
            "front": front_values(self.front, self.config.fitness.objectives),
            "operators": [asdict(tally) for tally in self.operators],
            "lineage": [_plain(row) for row in self.line],
            "baselines": {name: asdict(result) for name, result in self.baselines.items()},
            "verdict": None if self.verdict is None else self.verdict.to_values(),
        }

    def front_values(self) -> dict[str, Any]:
        """Returns plain values of the front alone for JSON."""
        objectives = self.config.fitness.objectives
        return {
            "run": self.run,
            "objectives": objectives,
            "constant": self.constant,
            "front": front_values(self.front, objectives),
        }

    @property
    def metric(self) -> str:
        """Name of the metric of the best candidate; empty without a score."""
        metric = metric_of(self.best[0]) if self.best else None
        return metric[0] if metric else ""

    @property
    def limits(self) -> Budget:
        """The budget of evaluations with those that are not counted."""
        return Budget(self.config.budget.most_evaluations).widened(self.totals.at_once)

    @property
    def uncounted(self) -> int:
        """Evaluations that diverged at once and take no place of the budget."""
        return self.limits.evaluations - self.config.budget.most_evaluations


def _plain(row: Row) -> Row:
    # JSON has no infinity, which stands where a rung had no threshold yet or paused everything.
    thresholds = [threshold if math.isfinite(threshold) else None for threshold in row["thresholds"]]
    architecture = json.loads(row["architecture"])
    return {**row, "metrics": dict(row["metrics"]), "architecture": architecture, "thresholds": thresholds}
