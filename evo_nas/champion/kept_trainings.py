"""`KeptTrainings`: makes the trainings of a contest and keeps each in the run as soon as it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.assessment import Assessed
from evo_nas.champion.retrain import Retrained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evo_nas.champion.assessment import Assess, Assessment
    from evo_nas.champion.retrain import Retrain, Retraining
    from evo_nas.experiment import Experiment
    from evo_nas.runs import ChampionStore


class KeptTrainings:
    """The trainings and assessments of a contest; one that was interrupted goes on with those that it had made.

    Args:
        store: Where they are kept.
        experiment: The experiment of the run.
    """

    def __init__(self, store: ChampionStore, experiment: Experiment) -> None:
        self._store = store
        self._experiment = experiment
        self._asked: dict[str, Retraining] = {}
        self._results: dict[str, Retrained] = {}
        self._assessed: dict[str, Assessed] = {}

    def __len__(self) -> int:
        """Returns the number of trainings that were asked for."""
        return len(self._asked)

    @property
    def done(self) -> int:
        """Number of trainings that are done."""
        return len(self._results)

    @property
    def epochs_left(self) -> int:
        """Epochs of the trainings that were asked for and are not done."""
        return sum(each.epochs for key, each in self._asked.items() if key not in self._results)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all that is kept for this contest."""
        return frozenset({*self._asked, *self._assessed})

    def train(self, retrain: Retrain, requests: Sequence[Retraining]) -> Iterator[Retraining | None]:
        """Makes the trainings that are not kept, and yields each when it is; contestants may share one.

        One that failed in an earlier attempt is made again: the cause may have been the machine.
        """
        pending = []
        new = {request.key: request for request in requests if request.key not in self._results}
        self._asked.update(new)
        for key, request in new.items():
            kept = self._store.training(key)
            if kept is None or kept["error"] or (request.keeps_weights and self._store.weights(key) is None):
                pending.append(request)
            else:
                self._results[key] = Retrained.from_values(kept)
        for made in retrain(pending, self._experiment.dataset, self._experiment.config.training):
            if made is None:
                yield None
                continue
            request, result, weights = made
            self._store.keep_training(request.key, result.to_values(), weights)
            self._results[request.key] = result
            yield request

    def unassessed(self, requests: Sequence[Assessment]) -> list[Assessment]:
        """Returns the assessments that are not kept."""
        for request in requests:
            kept = self._store.training(request.key)
            if kept is not None:
                self._assessed[request.key] = Assessed.from_values(kept)
        return [request for request in requests if request.key not in self._assessed]

    def assess(self, assess: Assess, requests: Sequence[Assessment]) -> Iterator[Assessment | None]:
        """Makes assessments and yields each when it is kept."""
        for made in assess(requests, self._experiment.dataset, self._experiment.config.training):
            if made is None:
                yield None
                continue
            request, result = made
            self._store.keep_training(request.key, result.to_values())
            self._assessed[request.key] = result
            yield request

    def result(self, request: Retraining) -> Retrained:
        """Returns what a training gave that is done."""
        return self._results[request.key]

    def assessed(self, request: Assessment) -> Assessed:
        """Returns the scores of an assessment that is done."""
        return self._assessed[request.key]

    def weights(self, request: Retraining) -> bytes | None:
        """Returns the weights of a training; None if they are missing or damaged."""
        return self._store.weights(request.key)

    def fitness(self, request: Retraining) -> float | None:
        """Returns the validation metric of a training, higher is better; None if it failed."""
        result = self._results[request.key]
        if not result.succeeded or result.validation is None:
            return None
        return self._experiment.dataset.metric.fitness(result.validation)

    def errors(self, requests: Sequence[Retraining]) -> str:
        """Returns why trainings failed, each cause once."""
        errors = dict.fromkeys(self._results[request.key].error for request in requests)
        return "; ".join(filter(None, errors)) or "its scores are not finite, or its weights were not kept"
