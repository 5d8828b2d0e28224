"""The invariants of a run, in one function for every test that kills, delays, damages or repeats something.

They are: (1) every acknowledged evaluation is there, unchanged, so that the best never gets worse; (2) in the
files themselves each candidate has one place in the order of telling and each place one candidate, without
holes but for accepted losses; (3) none counts that was never dispatched; (4) the budget is never exceeded,
and met when the run is complete; (5) no file that counts fails its hash.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from evo_nas.budgets import Budget
from evo_nas.evaluation import Evaluation
from evo_nas.ledger import History, LedgerReader, Place, Store, open_store
from evo_nas.ledger.contents import Contents

Violation = str


def reader(place: Place) -> LedgerReader:
    """Returns a fresh reader of the run at ``place``, which has read nothing yet."""
    return LedgerReader(open_store(place))


def check_run(
    run: Path | Store,
    *,
    acknowledged: Mapping[int, Evaluation] | Iterable[int] = (),
    dispatched: Iterable[int] | None = None,
    budget: int | None = None,
    complete: bool = False,
) -> list[Violation]:
    """Returns which invariants the run in ``run`` breaks, in words.

    Args:
        run: Its directory, or the store that holds it.
        acknowledged: Evaluations whose commit returned, by candidate id, or those ids alone.
        dispatched: Ids of all candidates ever submitted to an executor; None if unknown.
        budget: Evaluations allowed.
        complete: Whether the run has ended by spending it.
    """
    store = open_store(run)
    contents = reader(store).segments.read(
        columns=["id", "seq"]
    )  # before the history: the run may be going on
    history = reader(store).history()
    told = {evaluation.candidate.id: evaluation for evaluation in history.told}
    return [
        *_check_acknowledged(told, acknowledged),
        *_check_counted_once(contents, history),
        *_check_dispatched(told, dispatched),
        *_check_budget(told, budget, complete),
        *_check_hashes(store),
    ]


def _check_acknowledged(
    told: Mapping[int, Evaluation], acknowledged: Mapping[int, Evaluation] | Iterable[int]
) -> Iterator[Violation]:
    for key in acknowledged:
        if key not in told:
            yield f"1: acknowledged evaluation {key} is lost"
        elif isinstance(acknowledged, Mapping) and _content(acknowledged[key]) != _content(told[key]):
            yield f"1: acknowledged evaluation {key} reads as {told[key]}"


def _content(evaluation: Evaluation) -> object:
    """What must read back to the bit; times are kept to the microsecond."""
    return evaluation.candidate, evaluation.outcome, evaluation.attempt, evaluation.worker


def _check_counted_once(contents: Contents, history: History) -> Iterator[Violation]:
    """Looks at the rows as they are in the files, where compaction may have left the same row twice."""
    rows = {(row["id"], row["seq"]) for segment in contents.segments for row in segment.table.to_pylist()}
    for column, values in (("id", [key for key, _ in rows]), ("seq", [seq for _, seq in rows])):
        repeated = sorted(value for value, count in Counter(values).items() if count > 1)
        if repeated:
            yield f"2: rows with {column} {repeated} count more than once"
    lost = {seq for first, last in contents.manifest.fence.lost for seq in range(first, last + 1)}
    places = {seq for _, seq in rows}
    holes = set(range(contents.manifest.next_seq)) - lost - places
    if holes:
        yield f"2: no row has seq {sorted(holes)}"
    both = {candidate.id for candidate in history.in_flight} & {key for key, _ in rows}
    if both:
        yield f"2: candidates {sorted(both)} are told and in flight"


def _check_dispatched(
    told: Mapping[int, Evaluation], dispatched: Iterable[int] | None
) -> Iterator[Violation]:
    if dispatched is not None:
        unknown = told.keys() - set(dispatched)
        if unknown:
            yield f"3: evaluations {sorted(unknown)} were never dispatched"


def _check_budget(told: Mapping[int, Evaluation], budget: int | None, complete: bool) -> Iterator[Violation]:
    if budget is None:
        return
    at_once = sum(evaluation.outcome.diverged_at_once for evaluation in told.values())
    budget = Budget(budget).widened(at_once).evaluations
    if len(told) > budget:
        yield f"4: {len(told)} evaluations count, the budget is {budget}"
    elif complete and len(told) < budget:
        yield f"4: the run is complete with {len(told)} of {budget} evaluations"


def _check_hashes(store: Store) -> Iterator[Violation]:
    for name in store.list("segments"):
        with suppress(FileNotFoundError):  # a writer may just have merged it into another
            content = store.read(f"segments/{name}")
            yield from _check_hash(name, content)


def _check_hash(name: str, content: bytes) -> Iterator[Violation]:
    if hashlib.sha256(content).hexdigest()[:32] not in name:
        yield f"5: {name} does not have the hash in its name"
