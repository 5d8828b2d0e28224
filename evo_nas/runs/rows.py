"""Evaluations as rows of the ledger: which are the best, and what each was scored with."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.evaluation import Standing, Status, best_first, is_negated
from evo_nas.strategies.trials import standing_of as ranked_standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    import numpy.typing as npt
    import pyarrow as pa

    from evo_nas.strategies.trials import Trial

    Places = npt.NDArray[np.int64]

Row = dict[str, Any]
"""One evaluation, by the columns of the ledger."""


@dataclass(frozen=True, slots=True)
class Leader:
    """One of the best candidates.

    Attributes:
        id: Id of its main training.
        standing: What ranks it, with the mean fitness where it was trained several times.
        trainings: How many trainings that is the mean of.
        epochs: Epochs of its main training.
    """

    id: int
    standing: Standing
    trainings: int
    epochs: int

    @property
    def is_pruned(self) -> bool:
        """Whether its fitness is that at a rung."""
        return self.standing.level < math.inf

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """Returns a ranked trial as a leader."""
        outcome = trial.main.outcome
        return cls(trial.main.candidate.id, ranked_standing(trial), trial.trainings, outcome.epochs)


def leaders_of(table: pa.Table, count: int, known: Sequence[Leader] = ()) -> list[Leader]:
    """Returns the ``count`` best of ``known`` and of the rows of ``table``, each row as the score of one training."""
    columns = ["id", "status", "fitness", "epochs", "metrics", "inherited_steps"]
    contenders = _contenders(table, count)
    last = known[-1].standing if len(known) == count else None
    if last is not None and last.level == math.inf and not last.is_inherited:
        # Most of a long run: only full trainings from scratch can still push one out.
        scores = table["fitness"].to_numpy()[contenders]
        is_full = _are_complete(table)[contenders] & (table["inherited_steps"].to_numpy()[contenders] == 0)
        contenders = contenders[is_full & (scores >= last.fitness)]
    rows: list[Row] = table.select(columns).take(contenders).to_pylist() if len(contenders) else []
    found = [
        Leader(row["id"], standing, 1, row["epochs"])
        for row in rows
        if (standing := standing_of(row)) is not None
    ]
    return best_first([*known, *found], lambda leader: leader.standing, count=count)


def ends_of_trainings(table: pa.Table) -> pa.Table:
    """Returns the rows of ``table`` that no other goes on from."""
    continued = table["continues"].drop_null().to_numpy()
    if not len(continued):
        return table
    return table.take(np.flatnonzero(~np.isin(table["id"].to_numpy(), continued)))


def best_rows(table: pa.Table, count: int) -> list[Row]:
    """Returns the ``count`` best rows of ``table``, best first, each as the score of one training."""
    # Whole rows are built only for those that may win.
    contenders = _contenders(table, count)
    rows: list[Row] = table.take(contenders).to_pylist() if len(contenders) else []
    return [
        {**row, "trainings": 1, "mean_fitness": row["fitness"]}
        for row in best_first(rows, standing_of, count=count)
    ]


def _contenders(table: pa.Table, count: int) -> Places:
    """Returns the positions of the ``count`` highest of scores that can be compared, and of their equals."""
    scores = table["fitness"].to_numpy()
    positions = np.flatnonzero(~np.isnan(scores))
    levels = np.where(_are_complete(table), -1, table["epochs"].to_numpy())
    comparable = 2 * levels + (table["inherited_steps"].to_numpy() > 0)
    chosen = []
    for group in np.unique(comparable[positions]).tolist():
        places = positions[comparable[positions] == group]
        lowest = np.partition(scores[places], -min(count, len(places)))[-min(count, len(places))]
        chosen.append(places[scores[places] >= lowest])
    return np.sort(np.concatenate(chosen)) if chosen else positions


def _are_complete(table: pa.Table) -> npt.NDArray[np.bool_]:
    complete: npt.NDArray[np.bool_] = np.isin(
        table["status"].to_numpy(zero_copy_only=False), [status for status in Status if status.complete]
    )
    return complete


def standing_of(row: Row) -> Standing | None:
    """Returns what ranks ``row``; None without a score."""
    return Standing.of(
        Status(row["status"]),
        fitness=row["fitness"],
        epochs=row["epochs"],
        metrics=dict(row["metrics"]),
        inherited_steps=row["inherited_steps"],
    )


def by_status(table: pa.Table) -> dict[Status, int]:
    """Returns the number of evaluations in ``table`` by status."""
    return dict(Counter(Status(status) for status in table["status"].to_pylist()))


def metric_of(row: Row) -> tuple[str, float] | None:
    """Returns name and value of the metric that the fitness of ``row`` is made from; None without a score.

    Where `Run.best` gives the mean of several trainings, so does this.
    """
    metrics = dict(row["metrics"])
    if row["metric"] not in metrics:
        return None
    value = metrics[row["metric"]]
    if row.get("trainings", 1) > 1:
        value = -row["mean_fitness"] if is_negated(value, row["fitness"]) else row["mean_fitness"]
    return row["metric"], value
