"""How often each operator of a run was used, and what its children achieved."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.evaluation import Status

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class OperatorTally:
    """The children of one operator.

    Attributes:
        operator: Its name.
        children: How many children it made, alone or with other operators.
        share: Their part of all children, 0 to 1; a child of two operators counts for both.
        better: Those that score higher than each of their parents, by the mean of all full trainings that began as the
            first one of the child did: from scratch, or with inherited weights.
        failed: Those without a score.
    """

    operator: str
    children: int
    share: float
    better: int
    failed: int


COLUMNS = ("id", "seq", "operator", "parents", "status", "fitness", "repeats", "continues", "inherited_steps")


def tally_operators(table: pa.Table) -> list[OperatorTally]:
    """Returns the operators of a run, the most used first, from the `COLUMNS` of its evaluations in order.

    Candidates without parents have no operator, and a training that repeats or continues another is no child. Nor is
    what a long training has found, which has no score that a child could beat.
    """
    trainings = Trainings(table)
    parents = table["parents"].combine_chunks()
    counts = np.diff(parents.offsets.to_numpy())
    owners = np.repeat(np.arange(len(table)), counts)
    places = trainings.places_of(parents.flatten().to_numpy())
    known = places >= 0
    owners, places = owners[known], places[known]
    of_long = np.zeros(len(table), bool)
    of_long[owners[trainings.is_long[places]]] = True
    is_child = (counts > 0) & trainings.is_first & ~of_long
    # What a child must beat: the highest mean of its parents, of those that began as it did.
    to_beat = np.full(len(table), np.nan)
    np.fmax.at(to_beat, owners, trainings.means[trainings.inherits[owners], places])
    own = trainings.means[trainings.inherits, np.arange(len(table))]
    is_better = own > to_beat  # false where one of them is not known
    tallies: defaultdict[str, Counter[str]] = defaultdict(Counter)
    names = table["operator"].to_numpy(zero_copy_only=False)[is_child]
    for name in np.unique(names.astype(str)).tolist():
        of_name = np.flatnonzero(is_child)[names == name]
        for part in name.split("+"):
            tallies[part]["children"] += len(of_name)
            tallies[part]["better"] += int(is_better[of_name].sum())
            tallies[part]["failed"] += int(trainings.has_failed[of_name].sum())
    total = int(is_child.sum())
    found = [
        OperatorTally(name, tally["children"], tally["children"] / total, tally["better"], tally["failed"])
        for name, tally in tallies.items()
    ]
    return sorted(found, key=lambda tally: (-tally.children, tally.operator))


class Trainings:
    """The evaluations of a run by their places, with what was trained again put together.

    Attributes:
        first: Place of the first training of the network of each.
        is_first: Whether each is the first training of its network.
        is_long: Whether it is a long training.
        has_failed: Whether it came to nothing.
        inherits: 1 if the first full training of the network began with inherited weights, otherwise 0.
        means: Mean fitness of the full trainings of the network whose first training each is, NaN without any: those
            from scratch in the first row, those from inherited weights in the second.
    """

    def __init__(self, table: pa.Table) -> None:
        self._ids = table["id"].to_numpy()
        self._order = np.argsort(self._ids, kind="stable")
        status = table["status"].to_numpy(zero_copy_only=False)
        self.is_long = status == Status.TRAINED
        self.has_failed = np.isin(status, [each for each in Status if each.failed])
        again, after = (table[name].to_numpy() for name in ("repeats", "continues"))
        earlier = np.where(np.isnan(after.astype(float)), again.astype(float), after.astype(float))
        self.is_first = np.isnan(earlier)
        first = np.arange(len(table))
        known = self.places_of(np.nan_to_num(earlier, nan=-1).astype(np.int64))
        first[known >= 0] = known[known >= 0]
        # What is repeated may itself have continued another; a chain is halved by each turn.
        while not np.array_equal(further := first[first], first):
            first = further
        self.first = first
        complete = np.flatnonzero(status == Status.OK)
        fitness = table["fitness"].to_numpy()[complete]
        inherits = (table["inherited_steps"].to_numpy()[complete] > 0).astype(np.int64)
        places, size = inherits * len(table) + first[complete], 2 * len(table)
        counts, sums = np.bincount(places, minlength=size), np.bincount(places, fitness, size)
        means = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
        self.means = means.reshape(2, len(table))
        self.inherits = np.zeros(len(table), np.int64)
        # Assigned from the last to the first, so that the first stays.
        self.inherits[first[complete][::-1]] = inherits[::-1]

    def places_of(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Returns the place of each candidate; -1 of one that was never told."""
        if not len(self._ids):
            return np.full(len(ids), -1)
        found = np.searchsorted(self._ids, ids, sorter=self._order)
        places: npt.NDArray[np.int64] = self._order[np.minimum(found, len(self._ids) - 1)]
        return np.where(self._ids[places] == ids, places, -1)
