"""The invariants of a run, in one function for every test that kills, delays, damages or repeats something.

They are: (1) every acknowledged evaluation is there; (2) none counts twice; (3) none counts that was
never dispatched; (4) what is rebuilt from the ledger depends on the ledger alone; (5) the budget is never
exceeded, and met when the run is complete; (6) the best so far never gets worse; (7) no file that counts
fails its hash; (8) the same seed and arrivals give the same genomes as an uninterrupted run.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from evo_nas.evaluation import Evaluation
from evo_nas.genome.space import Genome
from evo_nas.ledger import History, LocalStore, Store, read_history

Violation = str


def check_run(
    run: Path | Store,
    *,
    acknowledged: Mapping[int, Evaluation] | Iterable[int] = (),
    dispatched: Iterable[int] | None = None,
    budget: int | None = None,
    complete: bool = False,
    replay: Callable[[History], object] | None = None,
    uninterrupted: Mapping[int, Genome] | None = None,
) -> list[Violation]:
    """Returns which invariants the run in ``run`` breaks, in words.

    Args:
        run: Its directory, or the store that holds it.
        acknowledged: Evaluations whose commit returned, by candidate id, or those ids alone.
        dispatched: Ids of all candidates ever submitted to an executor; None if unknown.
        budget: Evaluations allowed.
        complete: Whether the run has ended by spending it.
        replay: Rebuilds a state that can be compared, such as a population's hashes.
        uninterrupted: Genomes by candidate id of the same search that nobody disturbed.
    """
    history = read_history(run)
    told = {evaluation.candidate.id: evaluation for evaluation in history.told}
    return [
        *_check_acknowledged(told, acknowledged),
        *_check_counted_once(history),
        *_check_dispatched(told, dispatched),
        *_check_replay(run, replay),
        *_check_budget(told, budget, complete),
        *_check_best(told, acknowledged),
        *_check_hashes(run),
        *_check_genomes(told, uninterrupted),
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


def _check_counted_once(history: History) -> Iterator[Violation]:
    ids = [evaluation.candidate.id for evaluation in history.told]
    repeated = [key for key, count in Counter(ids).items() if count > 1]
    if repeated:
        yield f"2: evaluations {repeated} count more than once"
    both = {candidate.id for candidate in history.in_flight} & set(ids)
    if both:
        yield f"2: candidates {sorted(both)} are told and in flight"


def _check_dispatched(
    told: Mapping[int, Evaluation], dispatched: Iterable[int] | None
) -> Iterator[Violation]:
    if dispatched is not None:
        unknown = told.keys() - set(dispatched)
        if unknown:
            yield f"3: evaluations {sorted(unknown)} were never dispatched"


def _check_replay(run: Path | Store, replay: Callable[[History], object] | None) -> Iterator[Violation]:
    if replay is None:
        return
    once, again = replay(read_history(run)), replay(read_history(run))
    if once != again:
        yield f"4: rebuilding twice gives {once} and {again}"


def _check_budget(told: Mapping[int, Evaluation], budget: int | None, complete: bool) -> Iterator[Violation]:
    if budget is None:
        return
    if len(told) > budget:
        yield f"5: {len(told)} evaluations count, the budget is {budget}"
    elif complete and len(told) < budget:
        yield f"5: the run is complete with {len(told)} of {budget} evaluations"


def _check_best(
    told: Mapping[int, Evaluation], acknowledged: Mapping[int, Evaluation] | Iterable[int]
) -> Iterator[Violation]:
    if isinstance(acknowledged, Mapping):
        best = _best(told)
        promised = _best(acknowledged)
        if promised is not None and (best is None or best < promised):
            yield f"6: the best was {promised} and is {best}"


def _best(evaluations: Mapping[int, Evaluation]) -> float | None:
    scores = [evaluation.fitness for evaluation in evaluations.values() if evaluation.fitness is not None]
    return max(scores, default=None)


def _check_hashes(run: Path | Store) -> Iterator[Violation]:
    store = run if isinstance(run, Store) else LocalStore(run)
    for name in store.list("segments"):
        if hashlib.sha256(store.read(f"segments/{name}")).hexdigest()[:32] not in name:
            yield f"7: {name} does not have the hash in its name"


def _check_genomes(
    told: Mapping[int, Evaluation], uninterrupted: Mapping[int, Genome] | None
) -> Iterator[Violation]:
    for key, genome in (uninterrupted or {}).items():
        if key in told and told[key].candidate.genome != genome:
            yield f"8: candidate {key} differs from the uninterrupted run"
