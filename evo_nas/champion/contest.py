"""`Contest`: compares the champion of a run with LSTMs of its size; a list of trainings and a verdict on them."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.native import Member, Provenance, native_files
from evo_nas.champion.reference_lstm import SEEDS, equal_lstm, fittest_lstm, tuned
from evo_nas.champion.retrain import Retrained, Retraining
from evo_nas.champion.selection import select_champion
from evo_nas.champion.verdict import BASIS, Contestant, Verdict, basis_of, welch_p_value
from evo_nas.errors import ChampionError
from evo_nas.genome.describe import describe
from evo_nas.genome.parameters import count_tables
from evo_nas.randomness import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evo_nas.champion.retrain import Retrain
    from evo_nas.evaluation import Evaluation
    from evo_nas.experiment import Experiment
    from evo_nas.genome.architecture import Architecture
    from evo_nas.runs import Run


class Contest:
    """The trainings that the verdict on a run is based on.

    All of them are known from the start, so that they can run anywhere, in any order and in parallel. Each is kept in
    the run as soon as it is done::

        contest = Contest(run, experiment)
        for request in contest.hold(retrain):
            print(f"{contest.done} of {contest.total}", request and request.name)
        verdict = contest.verdict(baselines)

    Args:
        run: A run with at least one score.
        experiment: The experiment of that run.

    Raises:
        ChampionError: No candidate of the run was scored.
    """

    def __init__(self, run: Run, experiment: Experiment) -> None:
        history = run.history()
        told = history.told
        self._run = run
        self._basis = basis_of(history)
        self._experiment = experiment
        self._best = select_champion(told, run, objectives=experiment.config.fitness.objectives)
        self._evaluations = len(told)
        self._champion = experiment.space.decode(self._best.candidate.genome)
        # The training that won gives the weights to keep. Its seed helped to win, so it does not count for the verdict.
        self._winner = self._request(
            "the champion with the seed it won with", self._champion, self._best.candidate.seed, keep=True
        )
        self._fair = self._with_each_seed("the champion", self._champion)
        self._lstms = [
            self._with_each_seed(_named(architecture), architecture)
            for architecture in self._contenders(told)
        ]
        self._results: dict[str, Retrained] = {}

    @property
    def total(self) -> int:
        """Number of all trainings."""
        return len(self._requests)

    @property
    def done(self) -> int:
        """Number of trainings that are done."""
        return len(self._results)

    def hold(self, retrain: Retrain) -> Iterator[Retraining | None]:
        """Makes the trainings that the run does not keep yet; yields each when it is made and kept.

        Yields None now and then while none is made, so that the caller can do something else or stop. A training that
        failed in an earlier attempt is made again: the cause may have been the machine.
        """
        store = self._run.champion
        pending = []
        for key, request in self._requests.items():
            kept = store.training(key)
            if kept is None or kept["error"] or (request.keeps_weights and store.weights(key) is None):
                pending.append(request)
            else:
                self._results[key] = Retrained.from_values(kept)
        experiment = self._experiment
        for made in retrain(pending, experiment.dataset, experiment.config.training):
            if made is None:
                yield None
                continue
            request, result, weights = made
            store.keep_training(request.key, result.to_values(), weights)
            self._results[request.key] = result
            yield request

    def verdict(
        self, baselines: Mapping[str, float], *, check_owned: Callable[[], None] = lambda: None
    ) -> Verdict:
        """Judges the trainings, which must all be done, and stores champion and verdict in the run.

        Args:
            baselines: Test metric of simple baselines by name.
            check_owned: Raises an error if another process has taken the run over.

        Raises:
            ChampionError: The champion or every LSTM failed in training.
        """
        store, metric = self._run.champion, self._experiment.dataset.metric
        levels = self._experiment.dataset.quantiles
        weights = store.weights(self._winner.key)
        champion = self._contestant("champion", self._fair)
        if weights is None or champion is None:
            raise ChampionError(
                f"candidate {self._best.candidate.id} was scored but its retraining failed "
                f"({self._errors([self._winner, *self._fair])}); give the same command again, or search on for another"
            )
        lstm = self._best_lstm()
        verdict = Verdict(
            candidate=self._best.main.candidate.id,
            evaluations=self._evaluations,
            metric=metric.name,
            higher_is_better=metric.higher_is_better,
            champion=champion,
            lstm=lstm,
            p_value=welch_p_value(champion.tests, lstm.tests),
            baselines=dict(baselines),
            promised_coverage=levels[-1] - levels[0] if levels else None,
            pruned_at=None if self._best.outcome.status.complete else self._best.outcome.epochs,
            epochs=self._best.candidate.budget,
        )
        files = native_files(
            [Member(self._champion, weights)],
            self._experiment.space.signature,
            self._provenance(),
            self._experiment.dataset.preparation,
        )
        store.publish(files, verdict.to_values() | {BASIS: self._basis}, check_owned=check_owned)
        # Those of this champion stay: if it wins again after more evaluations, nothing is trained twice.
        store.discard_trainings(frozenset(self._requests))
        return verdict

    @property
    def _requests(self) -> dict[str, Retraining]:
        trainings = [self._winner, *self._fair, *(each for lstm in self._lstms for each in lstm)]
        # By key, since contestants may share a training: an LSTM champion is compared with itself.
        return {request.key: request for request in trainings}

    def _contenders(self, told: Sequence[Evaluation]) -> list[Architecture]:
        """Returns LSTMs of the champion's size: the champion with LSTM cells, and the fittest LSTM of the search."""
        space = self._experiment.space
        contenders = tuned(equal_lstm(self._champion, self._champion, space.signature))
        found = fittest_lstm(told, space)
        if found is not None:
            contenders.append(equal_lstm(found, self._champion, space.signature))
        return contenders

    def _best_lstm(self) -> Contestant:
        """Returns the LSTM with the fewest failed trainings, and among these the best on validation."""
        fitness = self._experiment.dataset.metric.fitness
        entries = [self._contestant("LSTM", requests) for requests in self._lstms]
        survivors = [entry for entry in entries if entry is not None]
        if not survivors:
            errors = self._errors([request for requests in self._lstms for request in requests])
            raise ChampionError(
                f"every training of the LSTM failed ({errors}); widen space.learning_rates downwards"
            )
        # Chosen on validation, since the test part must not choose what it judges.
        return max(survivors, key=lambda entry: (len(entry.tests), fitness(entry.validation)))

    def _errors(self, requests: Sequence[Retraining]) -> str:
        errors = dict.fromkeys(self._results[request.key].error for request in requests)
        return "; ".join(filter(None, errors)) or "its weights were not kept"

    def _contestant(self, name: str, requests: Sequence[Retraining]) -> Contestant | None:
        results = [self._results[request.key] for request in requests]
        succeeded = [result for result in results if result.succeeded]
        if not succeeded:
            return None
        return Contestant(
            name=name,
            architecture=describe(requests[0].architecture),
            parameters=succeeded[0].parameters,
            validation=statistics.fmean(result.validation or 0.0 for result in succeeded),
            tests=tuple(result.test or 0.0 for result in succeeded),
            failures=len(results) - len(succeeded),
            coverage=_mean_coverage(succeeded),
            table_parameters=count_tables(requests[0].architecture, self._experiment.space.signature),
        )

    def _with_each_seed(self, name: str, architecture: Architecture) -> list[Retraining]:
        chosen, of = self._best.candidate, self._experiment.config.seed
        # The same seeds for every contestant; they depend only on the run and its champion.
        seeds = [derive_seed(of, "retrain", chosen.canonical_hash, number) for number in range(SEEDS)]
        return [
            self._request(f"{name}, seed {number} of {SEEDS}", architecture, seed)
            for number, seed in enumerate(seeds, start=1)
        ]

    def _request(self, name: str, architecture: Architecture, seed: int, *, keep: bool = False) -> Retraining:
        # Every contestant trains for as many epochs as the champion did in the search.
        return Retraining(name, architecture, self._best.candidate.budget, seed, keeps_weights=keep)

    def _provenance(self) -> Provenance:
        candidate = self._best.candidate
        return Provenance(
            genome=candidate.genome,
            canonical_hash=candidate.canonical_hash,
            space=self._experiment.space.options,
            epochs=candidate.budget,
            run_id=self._run.record.run_id,
            candidate=self._best.main.candidate.id,
        )


def _mean_coverage(results: Sequence[Retrained]) -> float | None:
    shares = [result.coverage for result in results if result.coverage is not None]
    return statistics.fmean(shares) if shares else None


def _named(architecture: Architecture) -> str:
    return f"the LSTM with learning rate {architecture.training.learning_rate:.3g}"
