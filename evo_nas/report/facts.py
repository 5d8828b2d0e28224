"""`RunFacts`: all that the report tells of a search, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import ChampionError
from evo_nas.evaluation import is_negated
from evo_nas.runs import metric_of
from evo_nas.runs.operators import tally_operators

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from evo_nas.archive import NoiseReport
    from evo_nas.champion.verdict import Verdict
    from evo_nas.config import SearchConfig
    from evo_nas.ledger import RunRecord
    from evo_nas.runs import Run
    from evo_nas.runs.operators import OperatorTally
    from evo_nas.runs.rows import Row
    from evo_nas.savings import Savings


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The search behind a report.

    Attributes:
        place: Where the run is kept.
        record: Its identity.
        config: Its configuration, with the budget that was given last.
        rows: All evaluations in the order of telling, with the columns of `ledger.SCHEMA`.
        metric: Name of the metric that the search optimised, in its own units.
        higher_is_better: Direction of the metric.
        best: The best candidates, best first.
        line: The champion, or the best candidate before there is one, and its ancestors.
        operators: What the children of each operator achieved.
        noise: What repeated trainings say about the scores.
        savings: What rungs have spared.
        verdict: The verdict; None before it was made.
    """

    place: str
    record: RunRecord
    config: SearchConfig
    rows: Sequence[Row]
    metric: str
    higher_is_better: bool
    best: Sequence[Row]
    line: Sequence[Row]
    operators: Sequence[OperatorTally]
    noise: NoiseReport
    savings: Savings
    verdict: Verdict | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """Reads ``run``.

        Raises:
            RunError: There is no run, or it cannot be read.
            ChampionError: No candidate was scored, so that there is nothing to show.
        """
        best = run.best(10)
        table = run.table()
        named = metric_of(best[0]) if best else None
        if named is None:
            raise ChampionError(
                f"{run} has nothing to report: none of its {len(table)} evaluations was scored; search on, or look at "
                f"a cause with `evo-nas show {run} --candidate 0`"
            )
        name, value = named
        verdict = stored_verdict(run)
        return cls(
            place=str(run),
            record=run.record,
            config=run.config,
            rows=table.to_pylist(),
            metric=name.removeprefix("validation_"),
            higher_is_better=not is_negated(value, best[0]["fitness"]),
            best=best,
            line=run.lineage(best[0]["id"] if verdict is None else verdict.candidate),
            operators=tally_operators(table),
            noise=run.noise(),
            savings=run.savings(),
            verdict=verdict,
        )

    def score_of(self, row: Row) -> float | None:
        """Returns the validation metric of an evaluation in its own units; None without a score."""
        found = metric_of(row)
        return None if found is None else found[1]

    def is_better(self, score: float, than: float) -> bool:
        """Whether one score is better than another."""
        return score > than if self.higher_is_better else score < than


def plain_config(facts: RunFacts) -> dict[str, Any]:
    """Returns the configuration as it was given, in plain values."""
    return facts.config.model_dump(mode="json", exclude_unset=True)
