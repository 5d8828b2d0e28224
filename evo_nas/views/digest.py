"""`RunDigest`: what lists and charts tell of a run, kept small and brought up to date by what was added."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa

from evo_nas.archive import Archive, NoiseReport
from evo_nas.evaluation import Status, is_negated
from evo_nas.ledger import Totals
from evo_nas.ledger.schema import to_evaluations
from evo_nas.runs.rows import Leader, leaders_of
from evo_nas.savings import SavingsCounter
from evo_nas.views.course import POINT, Clock, Course, Points

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from evo_nas.evaluation import Evaluation
    from evo_nas.runs import Run
    from evo_nas.savings import Savings
    from evo_nas.views.course import Rows

Name = TypeVar("Name")
COLUMNS = (
    "id", "seq", "operator", "status", "fitness", "metrics", "metric", "budget", "epochs", "parameters", "train_s",
    "worker", "node", "finished_at", "error", "rungs", "thresholds", "cut", "repeats", "continues", "cpu_s", "steps",
    "inherited_steps", "source", "trains",
)  # fmt: skip
ROWS = 1024
"""So many evaluations are added at a time: what is done once for each time costs as much as hundreds of them."""
LEADERS = 200
MOST_CAUSES = 100
_NUMBER = re.compile(r"\d+(\.\d+)?(e[-+]?\d+)?")
MOST_WORKERS = 4096
STATUSES = tuple(Status)
_NUMBER_OF = {str(status): number for number, status in enumerate(STATUSES)}


@dataclass(frozen=True, slots=True)
class Cause:
    """Failures of one kind whose messages differ at most in numbers.

    Attributes:
        status: What ended them.
        message: Class and message of the first error; empty where the status says all.
        count: How many there were.
        example: Id of the first such candidate.
    """

    status: Status
    message: str
    count: int
    example: int


class RunDigest:
    """Aggregates of one run: counts, best candidates, and what charts are drawn from.

    Its size is bounded, but for what rungs have paused. `update` reads only what was added since.

    Args:
        run: The run; nothing of its segments is kept in memory.

    Attributes:
        told: Number of evaluations.
        train_s: Seconds of training of all of them.
        cpu_s: Seconds of computing of all of them.
        remembered: How many results come from earlier runs.
        by_status: Evaluations by what ended them.
        metric: Name of the metric that the fitness is made from; empty before the first score.
        higher_is_better: Its direction; None before the first score.
        last_result: Unix time of the last evaluation; None without one.
        operators: Names of the operators, which points refer to by number.
        points: A sample of the evaluations.
        course: The best so far.
        clock: What time was spent on.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._lost: tuple[tuple[int, int], ...] = ()
        self._objectives: tuple[str, ...] = ()
        self._start(is_plain=True)

    def _start(self, *, is_plain: bool) -> None:
        self.told = self._next = 0
        self.train_s = self.cpu_s = 0.0
        self.remembered = self._at_once = 0
        self.by_status: Counter[Status] = Counter()
        self.metric = ""
        self.higher_is_better: bool | None = None
        self.last_result: float | None = None
        self.operators: dict[str, int] = {}
        self.points, self.course, self.clock = Points(), Course(), Clock()
        self._began: float | None = None
        self._in_flight: set[int] = set()
        self._causes: dict[tuple[str, str], Cause] = {}
        self._workers: dict[tuple[str, str], int] = {}
        self._worked, self._worked_s = np.zeros(0), np.zeros(0)
        self._savings = SavingsCounter()
        self._leaders: list[Leader] = []
        # Where something was trained again, or several things are optimised, trials must be put together.
        self._archive: Archive | None = None if is_plain else Archive(LEADERS, self._objectives)

    def update(self) -> bool:
        """Adds what was committed since the last call; returns whether there was something.

        Raises:
            RunError: The run has gone or cannot be read.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        if not self._objectives:
            self._objectives = self.run.config.fitness.objectives
            self._start(is_plain=len(self._objectives) == 1)
        before, lost = (self.told, self._next), self.run.lost()
        if lost != self._lost:
            # Other evaluations may have come in the place of those that were lost.
            self._lost = lost
            self._start(is_plain=self._archive is None)
        if not self._add_all():
            self._start(is_plain=False)
            self._add_all()
        return (self.told, self._next) != before

    @property
    def totals(self) -> Totals:
        """How much of its budget the run has spent."""
        return Totals(self.told, len(self._in_flight), self.train_s, self._lost, self._at_once)

    @property
    def failed(self) -> int:
        """Number of evaluations that came to nothing."""
        return sum(count for status, count in self.by_status.items() if status.failed)

    @property
    def leaders(self) -> Sequence[Leader]:
        """The best candidates, best first, as `Run.best` ranks them."""
        if self._archive is None:
            return self._leaders
        return [Leader.of(trial) for trial in self._archive.ranking]

    @property
    def noise(self) -> NoiseReport:
        """What repeated trainings say about the scores."""
        return NoiseReport() if self._archive is None else self._archive.report

    @property
    def savings(self) -> Savings:
        """What rungs have pruned, promoted and spared."""
        return self._savings.savings

    @property
    def front(self) -> Sequence[Leader]:
        """The candidates that no other beats in all objectives, the fittest first; empty with one objective."""
        if self._archive is None or len(self._objectives) == 1:
            return []
        return [Leader.of(trial) for trial in self._archive.front.members]

    @property
    def constant_objectives(self) -> tuple[str, ...]:
        """The objectives in which all candidates are equal so far; empty with one objective."""
        return () if self._archive is None else self._archive.front.constant

    @property
    def causes(self) -> list[Cause]:
        """Failures by status and message, the most frequent first."""
        return sorted(self._causes.values(), key=lambda cause: -cause.count)

    @property
    def workers(self) -> dict[tuple[str, str], tuple[int, float]]:
        """Evaluations and seconds of training by node and worker; after thousands of workers no more is added."""
        totals = zip(self._worked.astype(int).tolist(), self._worked_s.tolist(), strict=True)
        return dict(zip(self._workers, totals, strict=True))

    def value(self, fitness: float) -> float:
        """Returns the value of the metric for ``fitness``."""
        return -fitness if self.higher_is_better is False else fitness

    def _add_all(self) -> bool:
        """Adds all that is new; returns False if trials must be put together, which this began without."""
        for table, born in _gathered(self.run.scan(COLUMNS, first=self._next)):
            if self._archive is None and not _is_plain(table):
                if self.told:
                    return False
                self._start(is_plain=False)
            self._add(table, born)
        return True

    def _add(self, table: pa.Table, born: Sequence[int]) -> None:
        seq, ids = (table[name].to_numpy() for name in ("seq", "id"))
        self._in_flight = (self._in_flight | set(born)).difference(ids.tolist())
        status = _numbers(table["status"].to_pylist(), _NUMBER_OF)
        rows = self._rows(table, seq, ids, status)
        for number, count in enumerate(np.bincount(status, minlength=len(STATUSES)).tolist()):
            if count:
                self.by_status[STATUSES[number]] += count
        diverged = status == STATUSES.index(Status.DIVERGED)
        self._at_once += int(np.count_nonzero(diverged & (rows["epochs"] == 0)))
        self.remembered += len(table) - table["source"].to_pylist().count("")
        self._learn_metric(table)
        self.points.add(rows)
        self._tally(table, rows)
        self._rank(table, rows)
        self.told += len(table)
        self._next = int(seq[-1]) + 1

    def _rows(
        self,
        table: pa.Table,
        seq: npt.NDArray[np.int64],
        ids: npt.NDArray[np.int64],
        status: npt.NDArray[np.int64],
    ) -> Rows:
        finished = table["finished_at"].to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6
        train_s, cpu_s = (table[name].to_numpy() for name in ("train_s", "cpu_s"))
        if self._began is None:
            self._began = float(finished[0] - train_s[0])
        rows = np.empty(len(table), POINT)
        rows["seq"], rows["id"], rows["status"] = seq, ids, status
        rows["seconds"] = np.maximum(finished - self._began, 0.0)
        cost_s = np.where(cpu_s > 0.0, cpu_s, train_s)
        rows["cost"] = self.cpu_s + np.cumsum(cost_s)
        rows["fitness"] = table["fitness"].to_numpy()
        rows["epochs"], rows["parameters"] = (table[name].to_numpy() for name in ("epochs", "parameters"))
        rows["operator"] = _numbers(table["operator"].to_pylist(), self.operators)
        rows["is_inherited"] = table["inherited_steps"].to_numpy() > 0
        self.clock.add(rows["seconds"] - train_s, rows["seconds"], cost_s)
        self.cpu_s = float(rows["cost"][-1])
        self.train_s += float(train_s.sum())
        self.last_result = float(finished[-1])
        return rows

    def _learn_metric(self, table: pa.Table) -> None:
        if self.higher_is_better is not None:
            return
        scored = np.flatnonzero(~np.isnan(table["fitness"].to_numpy()))
        if len(scored):
            (row,) = table.slice(int(scored[0]), 1).select(["fitness", "metric", "metrics"]).to_pylist()
            metrics = dict(row["metrics"])
            if row["metric"] in metrics:
                self.metric = row["metric"]
                self.higher_is_better = not is_negated(metrics[self.metric], row["fitness"])

    def _tally(self, table: pa.Table, rows: Rows) -> None:
        statuses, errors = table["status"].to_pylist(), table["error"].to_pylist()
        for place in np.flatnonzero(_HAS_FAILED[rows["status"]]).tolist():
            status, error = statuses[place], errors[place]
            # Messages have what was measured, such as seconds.
            key = (status, _NUMBER.sub("#", error or ""))
            if key not in self._causes and len(self._causes) >= MOST_CAUSES:
                key, error = (status, ""), ""
            known = self._causes.get(key) or Cause(Status(status), error, 0, int(rows["id"][place]))
            self._causes[key] = replace(known, count=known.count + 1)
        pairs = list(zip(table["node"].to_pylist(), table["worker"].to_pylist(), strict=True))
        if len(self._workers) < MOST_WORKERS:
            numbers = _numbers(pairs, self._workers)
            self._worked = _added(self._worked, np.bincount(numbers))
            self._worked_s = _added(self._worked_s, np.bincount(numbers, table["train_s"].to_numpy()))

    def _rank(self, table: pa.Table, rows: Rows) -> None:
        budgets, continues = table["budget"].to_pylist(), table["continues"].to_pylist()
        for number, status, epochs, budget, continued in zip(
            rows["id"].tolist(),
            rows["status"].tolist(),
            rows["epochs"].tolist(),
            budgets,
            continues,
            strict=True,
        ):
            self._savings.add(number, STATUSES[status], epochs=epochs, budget=budget, continues=continued)
        if self._archive is not None:
            self._put_together(self._archive, to_evaluations(table), rows)
            return
        self._leaders = leaders_of(table, LEADERS, self._leaders)
        complete = np.where(rows["status"] == STATUSES.index(Status.OK), rows["fitness"], -math.inf)
        last = self.course.last
        so_far = np.maximum.accumulate(np.concatenate([[-math.inf if last is None else last], complete]))
        better = np.flatnonzero(so_far[1:] > so_far[:-1])
        self.course.add(rows[better], complete[better], new=np.ones(len(better), bool))

    def _put_together(self, archive: Archive, evaluations: Sequence[Evaluation], rows: Rows) -> None:
        """Ranks trials evaluation by evaluation, and notes whenever the best, or what is known of it, changes."""
        places, fitness, new = [], [], []
        last = self.course.last
        for place, evaluation in enumerate(evaluations):
            archive.update((evaluation,))
            candidate, score = evaluation.candidate, evaluation.fitness
            is_new = candidate.repeats is None and candidate.continues is None
            if is_new and last is not None and (score is None or score <= last):
                continue  # the common case, which changes nothing
            best = archive.best
            standing = None if best is None else best.standing
            # What only rungs were reached by is no best that later ones can be compared with.
            if best is None or standing is None or standing.level < math.inf or standing.fitness == last:
                continue
            last = standing.fitness
            places.append(place)
            fitness.append(last)
            new.append(best.main is evaluation)
        self.course.add(rows[places], np.array(fitness), new=np.array(new, bool))


_HAS_FAILED = np.array([status.failed for status in STATUSES])


def _numbers(names: Sequence[Name], known: dict[Name, int]) -> npt.NDArray[np.int64]:
    """Returns the number of each name; names that are not ``known`` get the next one."""
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def _added(totals: npt.NDArray[np.float64], more: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Returns the sums of two lists of totals, of which one may be longer."""
    length = max(len(totals), len(more))
    sums: npt.NDArray[np.float64] = np.pad(totals, (0, length - len(totals))) + np.pad(
        more, (0, length - len(more))
    )
    return sums


def _gathered(parts: Iterable[tuple[pa.Table, list[int]]]) -> Iterator[tuple[pa.Table, list[int]]]:
    """Yields what is in files of a few rows as tables of at least `ROWS`, the last one excepted."""
    tables: list[pa.Table] = []
    born: list[int] = []
    for table, asked in parts:
        tables.append(table)
        born += asked
        if sum(map(len, tables)) >= ROWS:
            yield pa.concat_tables(tables), born
            tables, born = [], []
    if tables:
        yield pa.concat_tables(tables), born


def _is_plain(table: pa.Table) -> bool:
    """Whether each row is a trial of its own that started from scratch."""
    again = any(table[name].null_count < len(table) for name in ("repeats", "continues"))
    return not again and not table["inherited_steps"].to_numpy().any()
