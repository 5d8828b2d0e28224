"""`Run`: one object for everything that is kept of a search."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from evo_nas.archive import Archive, NoiseReport
from evo_nas.budgets import Budget, Ending, Spent
from evo_nas.config import SearchConfig, checked
from evo_nas.errors import ConfigChangedError, CorruptLedgerError, DataChangedError, RunError
from evo_nas.evaluation import Status
from evo_nas.ledger import Ledger, LedgerReader, RunRecord, Store, check_vacant, open_store
from evo_nas.ledger import find_runs as find_places
from evo_nas.ledger.contents import concatenate
from evo_nas.ledger.schema import to_evaluations
from evo_nas.runs.bank import StoredBank, bank_damage
from evo_nas.runs.baselines import (
    baseline_files,
    baseline_models,
    damaged_baselines,
    keep_baselines,
    read_baselines,
)
from evo_nas.runs.champion_store import ChampionStore
from evo_nas.runs.endings import ending_damage, keep_ending, read_ending
from evo_nas.runs.identity import FREE_KEYS, FREE_TO_CHANGE, changed_files, changed_keys
from evo_nas.runs.inbox import StoredInbox
from evo_nas.runs.rows import Row, best_rows, ends_of_trainings
from evo_nas.runs.tuning_store import TuningStore
from evo_nas.runs.warm_start import COLD_START, founders_of
from evo_nas.runs.weights import RunWeights
from evo_nas.savings import Savings, SavingsCounter
from evo_nas.sections import path_keys, spelled_out, spelled_out_as_begun
from evo_nas.strategies.front import Front
from evo_nas.strategies.trials import Trials
from evo_nas.tasks.baselines.fitting import FittedBaselines

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Self

    import pyarrow as pa

    from evo_nas.config import BudgetOptions
    from evo_nas.evaluation import Candidate
    from evo_nas.ledger import Describe, History, Totals
    from evo_nas.runs.warm_start import WarmStart
    from evo_nas.strategies.proposal import Founder
    from evo_nas.strategies.trials import Trial

_RANKED = (
    "id", "seq", "status", "fitness", "metrics", "metric", "budget", "epochs", "rungs", "thresholds", "cut", "repeats",
    "continues", "steps", "inherited_steps", "trains",
)  # fmt: skip
"""The columns that say which candidates are best; a whole row is many times as large."""
RANDOM_SEARCH = "random"
"""Folder of the search at random that a champion is compared with, which is a run of its own."""


class Run:
    """A run that exists, or an empty place where one may be started.

    A run can be read safely while a search writes to it. Segments are read and verified once: a later question reads
    only what has been added since.

    Args:
        store: The place of the run; `at` accepts a path or a URI instead.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader = LedgerReader(store)
        self.champion = ChampionStore(store)
        self.tuning = TuningStore(store)
        self.weights = RunWeights(store)
        self.inbox = StoredInbox(store)

    @classmethod
    def at(cls, place: str | os.PathLike[str] | Store) -> Self:
        """Returns the run at ``place``, a directory or a URI such as ``s3://bucket/runs/name``, without reading it.

        Raises:
            RunError: Runs cannot be kept under a URI of this kind.
        """
        return cls(open_store(place))

    def __str__(self) -> str:
        return self.location

    @property
    def location(self) -> str:
        """The directory or URI of the run."""
        return self._store.location

    @property
    def random_search(self) -> Run:
        """The place inside this run of a search at random that its champion is compared with."""
        return Run.at(f"{self.location}/{RANDOM_SEARCH}")

    @property
    def has_lock(self) -> bool:
        """Whether a lock keeps two processes apart; where none does, the later one takes the run over."""
        return self._store.has_lock

    @property
    def holder(self) -> str | None:
        """Which process searches or judges the run now; None if none does, or if the place cannot tell."""
        return self._store.holder()

    @property
    def exists(self) -> bool:
        """Whether a run was started here, even if it is damaged now."""
        return self._reader.exists()

    @property
    def record(self) -> RunRecord:
        """The record that was written when the run was started.

        Raises:
            RunError: There is no run here, or its record is damaged or was written by a newer version.
        """
        return self._reader.record

    @property
    def config(self) -> SearchConfig:
        """The configuration, with its latest budget, workers and memory."""
        # The record never changes: what may change is in the claims of its writers, also parts of a section.
        recorded = self.record.config
        latest = {name: recorded.get(name, {}) | section for name, section in self._reader.settings().items()}
        return checked(SearchConfig, recorded | latest)

    @property
    def founders(self) -> tuple[Founder, ...]:
        """The networks of earlier runs with which the run began.

        Raises:
            RunError: There is no run here, or its record is damaged.
        """
        return founders_of(self.record.founders)

    def history(self) -> History:
        """Returns the told evaluations and the candidates in flight, as of the last commit.

        Raises:
            RunError: There is no run here.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        return self._reader.history()

    def in_flight(self) -> list[Candidate]:
        """Returns the candidates that were asked and not told, by id, and keeps nothing else; raises as `history`."""
        flying: dict[int, Candidate] = {}
        for segment in self._reader.scan(("id",)):
            flying |= {candidate.id: candidate for candidate in segment.born}
            for told in segment.table["id"].to_pylist():
                flying.pop(told, None)
        return [flying[key] for key in sorted(flying)]

    def totals(self) -> Totals:
        """Returns how much of its budget the run has spent; raises as `history` does."""
        return self._reader.totals()

    def is_spent(self, budget: BudgetOptions, totals: Totals | None = None) -> bool:
        """Whether the run has spent ``budget`` and nothing is in flight; raises as `history` does.

        Args:
            budget: The budget.
            totals: What it has spent, if that is known.
        """
        totals = totals or self.totals()
        if totals.in_flight:
            return False
        limits = Budget(budget.most_evaluations, budget.train_s).widened(totals.at_once)
        if limits.ending(Spent(totals.told, train_s=totals.train_s)) is not None:
            return True
        return read_ending(self._store, told=totals.told, budget=budget) is not None

    def ending(self, budget: BudgetOptions) -> Ending | None:
        """Returns what ended the run under ``budget``, if not its number of evaluations; raises as `history` does."""
        return read_ending(self._store, told=self.totals().told, budget=budget)

    def keep_ending(self, ending: Ending, *, told: int, budget: BudgetOptions) -> None:
        """Notes that ``ending`` was reached after ``told`` evaluations, unless the number of evaluations tells that."""
        if ending in (Ending.MINUTES, Ending.FLAT):
            keep_ending(self._store, ending, told=told, budget=budget)

    def told(self) -> int:
        """Returns the number of evaluations, by the names of the files alone; raises as `history` does."""
        return self._reader.told()

    def table(self) -> pa.Table:
        """Returns one row per evaluation by ``seq``, with the columns of `ledger.SCHEMA`; raises as `history` does."""
        return self._reader.table()

    def scan(
        self, columns: Sequence[str], *, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[pa.Table, list[int]]]:
        """Yields evaluations in the order of telling, file by file, without keeping them; raises as `history` does.

        Args:
            columns: Columns of `ledger.SCHEMA`.
            first: Place of the first evaluation that is wanted in the order of telling.
            last: Place of the last one; None for all that are there.

        Yields:
            Some rows by ``seq``, and the ids of candidates that were in flight when the file was written.
        """
        for segment in self._reader.scan(columns, first=first, last=last):
            yield segment.table, [candidate.id for candidate in segment.born]

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Returns some columns of all evaluations by ``seq``, and keeps nothing of what it reads; raises as `history`.

        Args:
            names: Columns of `ledger.SCHEMA`, ``id`` and ``seq`` among them.
        """
        return concatenate(self._reader.scan(names))

    def lost(self) -> tuple[tuple[int, int], ...]:
        """Returns the ranges of places in the order of telling whose loss was accepted; raises as `history` does."""
        return self._reader.lost()

    def rows(self, ids: Sequence[int]) -> list[Row]:
        """Returns the evaluations of candidates ``ids``, in this order, of those that were told.

        It reads only the files that hold them; raises as `history` does.
        """
        found = {row["id"]: row for row in self._reader.find(ids).to_pylist()}
        return [found[number] for number in ids if number in found]

    def stamp(self) -> object | None:
        """Returns a value that is another one once anything of the run has changed; None if only reading it tells."""
        # Whatever is created passes the folder of temporary files; the others tell what was removed or put back.
        return self._store.stamp("", "tmp", "segments", "fencing", "champion", "endings")

    def best(self, count: int) -> list[Row]:
        """Returns the ``count`` best candidates that were scored, best first, as `best_first` ranks them.

        Of those that were trained several times the mean counts. Beside the columns of the ledger, each row has
        ``trainings``, how many there were, and ``mean_fitness``.
        """
        table = self.columns(_RANKED)
        # Only where something was repeated must whole trials be put together: a training that went on from a rung
        # stands for its beginning, whatever came of it.
        if table["repeats"].null_count < len(table):
            return self._best_trials(count)
        best = best_rows(ends_of_trainings(table), count)
        told = {row["id"]: row for row in self.rows([row["id"] for row in best])}
        return [told[row["id"]] | row for row in best]

    def front(self) -> list[Row]:
        """Returns the candidates that no other beats in all objectives of the run, the fittest first.

        The rows are as those of `best`; with one objective there is at most one. Results of trainings that were pruned
        or began with inherited weights have no place there.

        Raises:
            RunError: There is no run here.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        return self._rows(self._front().members)

    def constant_objectives(self) -> tuple[str, ...]:
        """Returns the objectives in which all candidates are equal, so that they decide nothing; raises as `front`."""
        return self._front().constant

    def _front(self) -> Front:
        trials, front = Trials(), Front(self.config.fitness.objectives)
        told = (each for each in self.history().told if not each.candidate.trains)
        # By identity, since one that is repeated is the same trial, in its place of the first telling.
        for trial in {id(trial): trial for trial in map(trials.add, told)}.values():
            front.update(trial)
        return front

    def savings(self) -> Savings:
        """Returns what rungs have pruned, promoted and spared; raises as `history` does."""
        names = ("id", "status", "epochs", "budget", "continues")
        table, counter = self.columns(("seq", *names)), SavingsCounter()
        for number, status, epochs, budget, continues in zip(
            *(table[name].to_pylist() for name in names), strict=True
        ):
            counter.add(number, Status(status), epochs=epochs, budget=budget, continues=continues)
        return counter.savings

    def noise(self) -> NoiseReport:
        """Returns what repeated trainings say about the scores; raises as `history` does."""
        table = self.columns(("id", "seq", "repeats"))
        if table["repeats"].null_count == len(table):
            return NoiseReport()
        archive = Archive()
        archive.update(self.history().told)
        return archive.report

    def _best_trials(self, count: int) -> list[Row]:
        archive = Archive(max(1, count))
        for table, _ in self.scan(_RANKED):
            archive.update(to_evaluations(table))
        return self._rows(archive.ranking[:count])

    def _rows(self, trials: Sequence[Trial]) -> list[Row]:
        """Returns the rows of the main trainings of ``trials``."""
        rows = self.rows([trial.main.candidate.id for trial in trials])
        return [
            {**row, "trainings": trial.trainings, "mean_fitness": trial.fitness}
            for row, trial in zip(rows, trials, strict=True)
        ]

    def lineage(self, number: int) -> list[Row]:
        """Returns candidate ``number``, its first parent, that parent's first parent and so on up to a founder.

        Of a parent whose training went on from a rung it has the part that was known when the child was asked. The list
        ends earlier if an ancestor was lost and its loss was accepted.

        Raises:
            RunError: Candidate ``number`` was never evaluated.
        """
        table = self.table()
        positions = {key: position for position, key in enumerate(table["id"].to_pylist())}
        if number not in positions:
            raise RunError(
                f"candidate is {number}; must be one that was evaluated, such as those that show lists"
            )
        seqs, continued = (table[name].to_pylist() for name in ("seq", "continues"))
        later = {begun: each for begun, each in zip(continued, positions, strict=True) if begun is not None}
        line: list[Row] = table.slice(positions[number], 1).to_pylist()
        while (parents := line[-1]["parents"]) and (parent := parents[0]) in positions:
            # Children name their parent by its first part, which alone may have been pruned.
            while parent in later and seqs[positions[later[parent]]] < line[-1]["asked_after"]:
                parent = later[parent]
            line += table.slice(positions[parent], 1).to_pylist()
        return line

    def differences(self, config: SearchConfig, fingerprint: Mapping[str, str]) -> list[str]:
        """Returns one line for every difference that forbids ``config`` to resume this run; empty if it may.

        No other place decides this.

        Args:
            config: Any configuration; options that it leaves out count as their defaults, but for ``training.epochs``,
                which may have been measured.
            fingerprint: SHA-256 of each data file that it names, from `Task.fingerprint`.
        """
        return [*self._changed_keys(config, fingerprint), *changed_files(self.record.data, fingerprint)]

    def as_begun(self, config: SearchConfig) -> SearchConfig:
        """Returns ``config`` with every default filled in, and what it leaves open as the run began with it."""
        return spelled_out_as_begun(config, spelled_out(checked(SearchConfig, self.record.config)))

    def require_same(self, config: SearchConfig, fingerprint: Mapping[str, str]) -> None:
        """Raises an error if `differences` finds any.

        Raises:
            ConfigChangedError: Keys differ.
            DataChangedError: Only the content of the data files differs.
        """
        differences = self.differences(config, fingerprint)
        if not differences:
            return
        if keys := self._changed_keys(config, fingerprint):
            raise ConfigChangedError(
                f"{self} was started with another configuration. Only {_free()} may change; undo these "
                f"changes or give another directory with --run:\n{_indented(keys)}"
            )
        raise DataChangedError(
            f"{self} was started on other data, and results on both cannot be compared. Restore the files, "
            f"or give another directory with --run:\n{_indented(differences)}"
        )

    def baselines(self, metric: str, fit: Callable[[], FittedBaselines] | None = None) -> FittedBaselines:
        """Returns the kept results of the baselines by name; fits and keeps them if there are none.

        Args:
            metric: Name of the metric that the scores must be in.
            fit: Fits the baselines; without it, nothing is returned if none are kept.
        """
        kept = read_baselines(self._store, metric=metric)
        if kept is not None or fit is None:
            return kept or FittedBaselines({})
        fitted = fit()
        self.keep_baselines(metric, fitted)
        return fitted

    def keep_baselines(self, metric: str, baselines: FittedBaselines) -> None:
        """Keeps the results of the baselines with the run, unless that was done already.

        A place without a run stays untouched: nothing is written before the workers of its search have started.
        """
        if self.exists and read_baselines(self._store, metric=metric) is None:
            keep_baselines(self._store, baselines, metric=metric)

    @property
    def baseline_models(self) -> tuple[str, ...]:
        """Names of the baselines that are kept as models, the best on validation first."""
        return baseline_models(self._store)

    def baseline_files(self, name: str) -> dict[str, bytes]:
        """Returns the files of one of `baseline_models` by name; empty if they are damaged."""
        return baseline_files(self._store, name)

    def create_ledger(
        self,
        config: SearchConfig,
        fingerprint: Mapping[str, str],
        *,
        describe: Describe,
        warm_start: WarmStart = COLD_START,
    ) -> Ledger:
        """Starts the run with ``config`` and returns its ledger, open for writing.

        Args:
            config: The configuration.
            fingerprint: SHA-256 of each data file that it names.
            describe: Returns the JSON of the ``architecture`` column for a genome.
            warm_start: Networks of earlier runs with which it begins; the run keeps all that it needs of them.

        Raises:
            RunError: The place is not empty, or it cannot be written.
        """
        record = RunRecord.new(
            config.name,
            seed=config.seed,
            config=config.model_dump(mode="json"),
            data=fingerprint,
            founders=warm_start.founders,
        )

        def keep_weights() -> None:
            for content in warm_start.weights:
                self.weights.put(content)

        return Ledger.create(self._store, record, describe=describe, before=keep_weights)

    def open_ledger(
        self, config: SearchConfig, *, accept_data_loss: bool = False, keep: bool = False, describe: Describe
    ) -> Ledger:
        """Takes the run over and returns its ledger, open for writing.

        Args:
            config: The configuration whose budget and workers apply from now on.
            accept_data_loss: Whether to resume although committed evaluations are damaged or missing.
            keep: Whether this object keeps the history in memory for later questions.
            describe: Returns the JSON of the ``architecture`` column for a genome.

        Raises:
            RunError: There is no run, or another process on this host is searching it.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        return Ledger.open(
            self._reader,
            accept_data_loss=accept_data_loss,
            settings=config.model_dump(
                mode="json", include={"budget": True, "verdict": True, "workers": True, "fitness": {"memory"}}
            ),
            keep=keep,
            describe=describe,
        )

    @contextmanager
    def owned(self) -> Iterator[Callable[[], None]]:
        """Takes the run over without searching, and yields a function that checks that no other process has since.

        Raises:
            RunError: Another process on this host is searching or judging the run.
        """
        with Ledger.open(self._reader, keep=True) as ledger:
            yield ledger.check_owned

    def check_vacant(self) -> None:
        """Checks, without writing anything, that a run can be started here.

        Raises:
            RunError: The place is a file, is not empty, or cannot be read.
        """
        check_vacant(self._store)

    def open_bank(self) -> StoredBank:
        """Returns the bank of components that trainings share, with what an earlier process wrote down of it."""
        return StoredBank(self._store)

    def damage(self) -> Iterator[str]:
        """Yields one line for each damaged file of the run.

        Raises:
            RunError: There is no run here, or its record is damaged.
        """
        _ = self.record
        try:
            self._reader.check()
        except CorruptLedgerError as error:
            yield str(error)
        yield from damaged_baselines(self._store)
        yield from self.champion.damage()
        yield from self.tuning.damage()
        yield from self.weights.damage()
        yield from bank_damage(self._store)
        yield from ending_damage(self._store)
        yield from self.inbox.damage()
        if self.random_search.exists:
            yield from (f"{RANDOM_SEARCH}/{line}" for line in self.random_search.damage())

    def _changed_keys(self, config: SearchConfig, fingerprint: Mapping[str, str]) -> list[str]:
        recorded = spelled_out(checked(SearchConfig, self.record.config))
        # Files with the same content are the same data, even if they were moved.
        moved = path_keys(config) if fingerprint and fingerprint == self.record.data else frozenset[str]()
        return changed_keys(recorded, self.as_begun(config), moved=moved)


def find_runs(root: str | os.PathLike[str]) -> list[Run]:
    """Returns the runs at and directly under ``root``, a directory or a URI, sorted by name.

    Raises:
        RunError: The bucket cannot be listed.
    """
    return [Run.at(place) for place in find_places(root)]


def _free() -> str:
    *others, last = sorted((FREE_TO_CHANGE | FREE_KEYS) - {"base_dir"})
    return f"{', '.join(others)} and {last}"


def _indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
