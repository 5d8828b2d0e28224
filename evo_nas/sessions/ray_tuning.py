"""Makes the trials of a tuning with Ray Tune: a searcher proposes settings, and ASHA stops those that lag behind.

Li et al., "A System for Massively Parallel Hyperparameter Tuning" (ASHA), MLSys 2020. Liaw et al., "Tune: A Research
Platform for Distributed Model Selection and Training", 2018.
"""

from __future__ import annotations

import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune import Callback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import Searcher

from evo_nas.champion.tuning import TuningTrial
from evo_nas.errors import ExecutionError
from evo_nas.models.threads import one_thread
from evo_nas.strategies.gene_proposers import proposer_of
from evo_nas.training.batches import prepare
from evo_nas.training.course import Course
from evo_nas.training.runtime import device_for
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evo_nas.champion.tuning import TuningSpace
    from evo_nas.config import TrainingConfig, WorkerOptions
    from evo_nas.genome.gene import Genome
    from evo_nas.tasks.dataset import Dataset

FITNESS = "fitness"
REDUCTION = 3
"""ASHA lets the best third go on from each rung."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a network is tuned.

    Attributes:
        space: Its settings.
        training: How it is trained, as far as its settings do not say.
        epochs: Epochs of a whole trial.
        seed: Seed of the trainings and of the searcher.
        trials: How many trials there shall be in all, the untuned one included.
        searcher: What proposes settings, one of `PROPOSERS`.
    """

    space: TuningSpace
    training: TrainingConfig
    epochs: int
    seed: int
    trials: int
    searcher: str = "optuna"


def run_trials(
    tuning: Tuning,
    dataset: Dataset,
    known: Sequence[TuningTrial],
    *,
    workers: WorkerOptions,
    keep: Callable[[TuningTrial], None],
) -> None:
    """Makes the trials that are missing, at least one; Ray must have been started.

    Args:
        tuning: How the network is tuned.
        dataset: The data that it learns from.
        known: The trials that were made before, by their numbers.
        workers: The resources of a trial; as many run at once as there are workers.
        keep: Is told every trial when it ends, in this thread.

    Raises:
        ConfigError: What the searcher needs is not installed.
        ExecutionError: Ray Tune could not go on.
    """
    search = _Search(tuning, known)
    # Anything that Tune itself keeps is for its own restart; here every trial is kept when it ends.
    with TemporaryDirectory(prefix="evo-nas-tune-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainable = tune.with_resources(
            # The data are stored once for all trials.
            tune.with_parameters(_train, dataset=dataset, tuning=tuning),
            {"cpu": workers.cpus, "gpu": workers.gpus},
        )
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                metric=FITNESS,
                mode="max",
                search_alg=search,
                scheduler=_asha(tuning.epochs),
                num_samples=tuning.trials - len(known),
                max_concurrent_trials=workers.most,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0, callbacks=[_Keeper(search, keep)]),
        )
        _fit(tuner)


def _fit(tuner: tune.Tuner) -> None:
    try:
        # Tune prints tables of its own, even where it is asked to be quiet; standard output may be for JSON.
        with redirect_stdout(StringIO()):
            tuner.fit()
    except (tune.TuneError, ray.exceptions.RayError) as error:
        raise ExecutionError(
            f"Ray Tune could not go on ({type(error).__name__}: {str(error).strip().splitlines()[-1]}); the trials "
            "that were made are kept: give the same command again"
        ) from error


def _asha(epochs: int) -> ASHAScheduler:
    # Less than a ninth of a training says little about the whole; trainings of one epoch cannot be stopped at all.
    grace = max(1, epochs // REDUCTION**2)
    return ASHAScheduler(
        time_attr="epochs", max_t=max(2, epochs), grace_period=grace, reduction_factor=REDUCTION
    )


def _train(config: dict[str, Any], *, dataset: Dataset, tuning: Tuning) -> None:
    """Trains a network with some settings and reports its best fitness after every epoch."""
    network = tuning.space.network(tuple(config["genome"]))
    training = tuning.training.without_time_limit().model_copy(update={"schedule": network.schedule})

    def report(epoch: int, fitness: float) -> None:
        tune.report({FITNESS: fitness, "epochs": epoch})

    with one_thread():
        data = prepare(dataset, device_for(training))
        trained = train(
            network.architecture,
            data,
            training,
            epochs=tuning.epochs,
            seed=tuning.seed,
            course=Course(watch=report),
        )
    if trained.network is None:
        raise RuntimeError(trained.outcome.error or str(trained.outcome.status))


class _Search(Searcher):
    """A proposer as a searcher of Tune; the network as it was found comes first."""

    def __init__(self, tuning: Tuning, known: Sequence[TuningTrial]) -> None:
        super().__init__(metric=FITNESS, mode="max")
        self.genomes: dict[str, tuple[int, Genome]] = {}
        self._next = 1 + max((trial.number for trial in known), default=-1)
        self._proposer = proposer_of(
            tuning.searcher,
            tuning.space,
            seed=tuning.seed,
            start=tuning.space.untuned,
            known=[(trial.genome, trial.fitness) for trial in known],
        )

    def set_search_properties(self, *_: Any, **__: Any) -> bool:
        """Takes nothing from the tuner: what is tuned is its own."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """Returns the settings of a new trial, or says that there are no others."""
        genome = self._proposer.suggest(trial_id)
        if genome is None:
            return Searcher.FINISHED
        self.genomes[trial_id] = (self._next, genome)
        self._next += 1
        return {"genome": list(genome)}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:  # noqa: FBT001, FBT002 - of Tune
        """Tells the proposer what a trial has reached; one that was stopped early counts with what it had."""
        if error or not result or FITNESS not in result:
            self._proposer.fail(trial_id)
        else:
            self._proposer.complete(trial_id, result[FITNESS])

    def __reduce__(self) -> tuple[type[Searcher], tuple[()]]:
        """Leaves nothing of itself in what Tune writes for a restart of its own."""
        return Searcher, ()

    def save(self, checkpoint_path: str) -> None:
        """Writes nothing: the trials that are kept are all that it goes on from."""

    def restore(self, checkpoint_path: str) -> None:
        """Reads nothing."""


class _Keeper(Callback):
    """Hands every trial over when it ends."""

    def __init__(self, search: _Search, keep: Callable[[TuningTrial], None]) -> None:
        self._search = search
        self._keep = keep

    def __reduce__(self) -> tuple[type[Callback], tuple[()]]:
        """Leaves nothing of itself in what Tune writes for a restart of its own."""
        return Callback, ()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:  # noqa: ARG002 - of Tune
        result = trial.last_result
        number, genome = self._search.genomes[trial.trial_id]
        self._keep(TuningTrial(number, genome, result.get(FITNESS), int(result.get("epochs", 0))))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:  # noqa: ARG002 - of Tune
        number, genome = self._search.genomes[trial.trial_id]
        self._keep(TuningTrial(number, genome, None, 0, error=_cause(trial)))


def _cause(trial: Any) -> str:
    """Returns the last line of what Tune wrote about a failure."""
    path = Path(trial.error_file) if trial.error_file else None
    lines = path.read_text(encoding="utf-8").strip().splitlines() if path and path.exists() else []
    return lines[-1] if lines else "its training failed"
