"""`Pedigree`: the ancestors and children of the networks of a run, and their trainings; `Pedigrees`: those of many."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evo_nas.ledger import SCHEMA
from evo_nas.runs.operators import Trainings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evo_nas.views.digest import RunDigest

MOST_ROWS = 300_000
"""The most rows that are kept of all runs together; with its place in a pedigree each takes about 160 bytes."""
COLUMNS = (
    "id", "seq", "parents", "operator", "status", "fitness", "epochs", "parameters", "repeats", "continues",
    "inherited_steps",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A network in a lineage.

    Attributes:
        id: Id of its first training, which its children name as their parent.
        result: Id of the training that has its result: the first one, or what continued it last.
        seq: Place of that in the order of telling.
        operator: What made it.
        status: Why the training of ``result`` ended.
        fitness: Its fitness; None without a score.
        epochs: Epochs of that training.
        parameters: Trainable parameters.
        parents: Ids of its parents, the first one first.
    """

    id: int
    result: int
    seq: int
    operator: str
    status: str
    fitness: float | None
    epochs: int
    parameters: int
    parents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Some networks with their ancestors.

    Attributes:
        members: The networks, those that were asked for first.
        line: Ids of the first of them, its first parent, that one's first parent and so on.
        is_cut: Whether there are more ancestors than were wanted.
    """

    members: tuple[Ancestor, ...]
    line: tuple[int, ...]
    is_cut: bool


class Pedigree:
    """The ancestors and the children of the networks of a run.

    Args:
        table: The `COLUMNS` of all evaluations of a run.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._trainings = Trainings(table)
        self._ids = table["id"].to_numpy()
        after = table["continues"].to_numpy().astype(float)
        continued = np.flatnonzero(~np.isnan(after))
        begun = np.arange(len(table))
        known = self._trainings.places_of(after[continued].astype(np.int64))
        begun[continued[known >= 0]] = known[known >= 0]
        while not np.array_equal(further := begun[begun], begun):
            begun = further
        # The last that went on has the result.
        self._results = np.arange(len(table))
        self._results[begun[continued]] = continued

    def family(self, ids: Iterable[int], *, most: int) -> Family:
        """Returns the networks that candidates ``ids`` are trainings of, with at most ``most`` in all.

        Ancestors that were lost are left out.
        """
        begun = [self._place_of(number) for number in ids]
        wanted = deque(dict.fromkeys(place for place in begun if place is not None))
        first = wanted[0] if wanted else None
        members: dict[int, Ancestor] = {}
        while wanted and len(members) < most:
            place = wanted.popleft()
            if place in members:
                continue
            members[place] = self._ancestor(place)
            wanted += [
                parent
                for number in members[place].parents
                if (parent := self._place_of(number)) is not None and parent not in members
            ]
        is_cut = any(place not in members for place in wanted)
        return Family(tuple(members.values()), tuple(self._line(first)), is_cut)

    def trainings_of(self, number: int) -> list[int]:
        """Returns the ids of all trainings of the network that candidate ``number`` is one of, itself among them."""
        place = self._place_of(number)
        if place is None:
            return []
        ids: list[int] = self._ids[self._trainings.first == place].tolist()
        return ids

    def children_of(self, number: int) -> list[int]:
        """Returns the ids of those that have the network of candidate ``number`` as a parent."""
        place = self._place_of(number)
        if place is None:
            return []
        parents = self._table["parents"].combine_chunks()
        owners = np.repeat(np.arange(len(self._table)), np.diff(parents.offsets.to_numpy()))
        found = owners[parents.flatten().to_numpy() == self._ids[place]]
        ids: list[int] = self._ids[np.unique(found[self._trainings.is_first[found]])].tolist()
        return ids

    def _line(self, place: int | None) -> Sequence[int]:
        line: list[int] = []
        while place is not None and (number := int(self._ids[place])) not in line:
            line.append(number)
            parents = self._table["parents"][place].as_py()
            place = self._place_of(parents[0]) if parents else None
        return line

    def _place_of(self, number: int) -> int | None:
        """Returns the place of the first training of a network; None if it was lost or never told."""
        place = int(self._trainings.places_of(np.array([number], np.int64))[0])
        return None if place < 0 else int(self._trainings.first[place])

    def _ancestor(self, place: int) -> Ancestor:
        (first,) = self._table.slice(place, 1).to_pylist()
        (result,) = self._table.slice(int(self._results[place]), 1).to_pylist()
        return Ancestor(
            id=first["id"],
            result=result["id"],
            seq=result["seq"],
            operator=first["operator"],
            status=result["status"],
            fitness=result["fitness"],
            epochs=result["epochs"],
            parameters=result["parameters"],
            parents=tuple(first["parents"]),
        )


@dataclass
class _Kept:
    """The columns of one run.

    Attributes:
        of: Which evaluations they are of: a run only grows, unless a loss was accepted or another one came.
        table: The `COLUMNS`.
        pedigree: Made from them; None before it was asked for.
    """

    of: object
    table: pa.Table
    pedigree: Pedigree | None = None


class Pedigrees:
    """Keeps the columns that pedigrees are made from, of the runs that were asked for last, and reads what is added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, _Kept] = OrderedDict()

    def table(self, digest: RunDigest) -> pa.Table:
        """Returns the `COLUMNS` of the run of ``digest``, which nobody else may ask for at the same time.

        Raises:
            RunError: It cannot be read.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        return self._kept(digest).table

    def pedigree(self, digest: RunDigest) -> Pedigree:
        """Returns the pedigree of the run of ``digest``; as `table`."""
        kept = self._kept(digest)
        if kept.pedigree is None:
            kept.pedigree = Pedigree(kept.table)
        return kept.pedigree

    def _kept(self, digest: RunDigest) -> _Kept:
        run, of = digest.run, (digest.run.record.run_id, digest.totals.lost)
        with self._lock:
            kept = self._runs.pop(run.location, None)
        if kept is None or kept.of != of:
            kept = _Kept(of, SCHEMA.empty_table().select(COLUMNS))
        if len(kept.table) < digest.told:
            known = kept.table
            first = known["seq"][-1].as_py() + 1 if len(known) else 0
            added = [table.select(COLUMNS) for table, _ in run.scan(COLUMNS, first=first)]
            kept = _Kept(of, pa.concat_tables([known, *added]).combine_chunks())
        with self._lock:
            self._runs[run.location] = kept
            while len(self._runs) > 1 and sum(len(each.table) for each in self._runs.values()) > MOST_ROWS:
                self._runs.popitem(last=False)
        return kept
