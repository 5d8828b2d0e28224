"""`FactsReader`: everything about one run that fits on a page, from its digest and a few of its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evo_nas.budgets import Budget
from evo_nas.champion.verdict import stored_verdict
from evo_nas.runs.operators import tally_operators
from evo_nas.sections import spelled_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evo_nas.champion.verdict import Verdict
    from evo_nas.config import SearchConfig
    from evo_nas.runs import Row
    from evo_nas.runs.operators import OperatorTally
    from evo_nas.runs.rows import Leader
    from evo_nas.tasks.baselines.fitting import BaselineResult
    from evo_nas.views.digest import RunDigest
    from evo_nas.views.lineages import Pedigrees

BEST = 10


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read of a run for its page, beside its digest.

    Attributes:
        config: Its configuration with every default filled in, and its latest budget.
        evaluations: Its budget of evaluations with those that are not counted; None if only the time is limited.
        uncounted: Evaluations that diverged at once and take no place of the budget.
        best: Its best candidates, best first.
        front: Those that no other beats in all objectives, the fittest first; empty with one objective.
        operators: What the children of each operator achieved.
        verdict: The verdict on exactly these evaluations; None without one.
        baselines: Test scores of simple baselines by name.
    """

    config: SearchConfig
    evaluations: int | None
    uncounted: int
    best: Sequence[Row]
    front: Sequence[Row]
    operators: Sequence[OperatorTally]
    verdict: Verdict | None
    baselines: Mapping[str, BaselineResult]


@dataclass
class FactsReader:
    """Reads the facts of one run; what needs many of its files is read again only when it has changed.

    Args:
        pedigrees: Has the columns that operators are counted from.
    """

    pedigrees: Pedigrees
    _operators: Sequence[OperatorTally] = ()
    _counted: int = -1
    _rows: dict[int, Row] = field(default_factory=dict)

    def read(self, digest: RunDigest) -> Facts:
        """Returns the facts of a run whose digest is up to date.

        Raises:
            RunError: The run cannot be read.
            CorruptLedgerError: Something of it is damaged.
        """
        run, totals = digest.run, digest.totals
        config = run.config
        limits = Budget(config.budget.most_evaluations)
        if self._counted != totals.told:
            self._operators = tally_operators(self.pedigrees.table(digest))
            self._counted = totals.told
        best, front = self.ranked(digest)
        return Facts(
            config=spelled_out(config),
            evaluations=None if config.budget.is_open_ended else limits.widened(totals.at_once).evaluations,
            uncounted=limits.uncounted(totals.at_once),
            best=best,
            front=front,
            operators=self._operators,
            verdict=stored_verdict(run, totals),
            baselines=run.baselines(digest.metric.removeprefix("validation_")) if digest.metric else {},
        )

    def ranked(self, digest: RunDigest) -> tuple[list[Row], list[Row]]:
        """Returns the best candidates and the front of a run whose digest is up to date, as `Facts` has them."""
        leaders = {leader.id: leader for leader in digest.leaders[:BEST]}
        members = {leader.id: leader for leader in digest.front}
        rows = self._known_rows(digest, [*leaders, *members])
        means = means_of((*digest.leaders[:BEST], *digest.front))
        return (
            [rows[number] | means[number] for number in leaders if number in rows],
            [rows[number] | means[number] for number in members if number in rows],
        )

    def _known_rows(self, digest: RunDigest, ids: Sequence[int]) -> Mapping[int, Row]:
        missing = [number for number in ids if number not in self._rows]
        found = {row["id"]: row for row in digest.run.rows(missing)} if missing else {}
        self._rows = {number: row for number, row in (self._rows | found).items() if number in set(ids)}
        return self._rows


def means_of(leaders: Iterable[Leader]) -> dict[int, dict[str, Any]]:
    """Returns what the row of each leader has beside its columns, by its id; see `Run.best`."""
    return {
        leader.id: {"trainings": leader.trainings, "mean_fitness": leader.standing.fitness}
        for leader in leaders
    }
