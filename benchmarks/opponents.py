"""The tuners that `benchmarks.time_to_quality` compares with, each as its own documentation has it, in two workers.

    python -m benchmarks.opponents SYSTEM TASK SEED LOG SECONDS

Needs the extra ``opponents``. Writes a line of JSON for every epoch of every training to the file LOG: the time and the
best validation metric of that training so far.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.plain_networks import PlainTraining, Settings
from benchmarks.quality_tasks import TASKS, QualityTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.tasks.dataset import Dataset

WORKERS = 2
REDUCTION = 3
FIRST_RUNG = 2


class Trial:
    """One training whose epochs are written to the log.

    Args:
        task: What is tuned on.
        dataset: Its data.
        settings: What was chosen.
        log: The file.
    """

    def __init__(self, task: QualityTask, dataset: Dataset, settings: Settings, log: str) -> None:
        seed = int.from_bytes(os.urandom(4))
        self._training = PlainTraining(settings, dataset, epochs=task.epochs, seed=seed)
        self._metric, self._log, self.best = dataset.metric, log, -math.inf

    def epoch(self) -> float:
        """Trains for an epoch and returns the best fitness so far, higher is better."""
        value = self._training.epoch()
        if math.isfinite(value):
            self.best = max(self.best, self._metric.fitness(value))
            line = json.dumps({"time": time.time(), "fitness": self.best})
            with Path(self._log).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        return self.best if math.isfinite(self.best) else -1e9


def _optuna_worker(task: QualityTask, seed: int, log: str, seconds: float, journal: str) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    dataset = task.dataset

    def objective(trial: optuna.Trial) -> float:
        settings: Settings = {
            name: trial.suggest_categorical(name, values) for name, values in task.choices.named.items()
        }
        settings["rate"] = trial.suggest_float("rate", *task.choices.rates, log=True)
        made = Trial(task, dataset, settings, log)
        for epoch in range(1, task.epochs + 1):
            best = made.epoch()
            trial.report(best, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return made.best

    study = optuna.create_study(
        study_name="study",
        storage=JournalStorage(JournalFileBackend(journal)),
        direction="maximize",
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(
            min_resource=FIRST_RUNG, max_resource=task.epochs, reduction_factor=REDUCTION
        ),
    )
    study.optimize(objective, timeout=seconds)


def optuna_alone(task: QualityTask, seed: int, log: str, seconds: float) -> None:
    """TPE with Hyperband, two processes that share a journal."""
    with tempfile.TemporaryDirectory() as folder:
        journal = str(Path(folder) / "journal.log")
        spawn = multiprocessing.get_context("spawn")
        workers = [
            spawn.Process(target=_optuna_worker, args=(task, WORKERS * seed + number, log, seconds, journal))
            for number in range(WORKERS)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


def ray_tune(task: QualityTask, seed: int, log: str, seconds: float) -> None:
    """Optuna's TPE through Ray Tune, with ASHA and reused actors."""
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.optuna import OptunaSearch

    class Tuned(tune.Trainable):
        def setup(self, config: Settings, dataset: Any = None) -> None:
            self._dataset = dataset if dataset is not None else self._dataset
            self._trial = Trial(task, self._dataset, config, log)

        def step(self) -> dict[str, Any]:
            best = self._trial.epoch()
            return {"fitness": best, "done": self.iteration + 1 >= task.epochs}

        def reset_config(self, new_config: Settings) -> bool:
            self._trial = Trial(task, self._dataset, new_config, log)
            return True

        def save_checkpoint(self, checkpoint_dir: str) -> None: ...

        def load_checkpoint(self, checkpoint: Any) -> None: ...

    ray.init(num_cpus=WORKERS, include_dashboard=False, object_store_memory=300_000_000, log_to_driver=False)
    space = {name: tune.choice(list(values)) for name, values in task.choices.named.items()}
    space["rate"] = tune.loguniform(*task.choices.rates)
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(Tuned, dataset=task.dataset), {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(
            metric="fitness",
            mode="max",
            search_alg=ConcurrencyLimiter(OptunaSearch(seed=seed), max_concurrent=WORKERS),
            scheduler=ASHAScheduler(max_t=task.epochs, grace_period=FIRST_RUNG, reduction_factor=REDUCTION),
            num_samples=-1,
            time_budget_s=seconds,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(storage_path=tempfile.mkdtemp(), verbose=0),
    )
    tuner.fit()


_held: dict[str, Dataset] = {}


def _deephyper_run(job: Any) -> float:
    """Runs in a process of DeepHyper, which keeps the data from job to job."""
    name, log = os.environ["QUALITY_TASK"], os.environ["QUALITY_LOG"]
    task = TASKS[name]
    if name not in _held:
        _held[name] = task.dataset
    settings = {key: _plain(value) for key, value in job.parameters.items()}
    made = Trial(task, _held[name], settings, log)
    for epoch in range(1, task.epochs + 1):
        made.epoch()
        job.record(epoch, made.best if math.isfinite(made.best) else -1e9)
        if job.stopped():
            break
    return job.objective


def _plain(value: Any) -> Any:
    """Returns a value of numpy as that of Python, which torch expects."""
    plain = value.item() if isinstance(value, np.generic) else value
    # A choice between False and True comes back as text.
    return {"True": True, "False": False}.get(plain, plain) if isinstance(plain, str) else plain


def _deephyper(
    task: QualityTask, log: str, seconds: float, search: Callable[..., Any], **options: Any
) -> None:
    from deephyper.evaluator import Evaluator
    from deephyper.hpo import HpProblem
    from deephyper.stopper import SuccessiveHalvingStopper

    os.environ["QUALITY_TASK"], os.environ["QUALITY_LOG"] = task.name, log
    problem = HpProblem()
    for name, values in task.choices.named.items():
        problem.add(list(values), name)
    problem.add((*task.choices.rates, "log-uniform"), "rate")
    # Processes that stay, so that torch is imported once in each.
    evaluator = Evaluator.create(_deephyper_run, method="loky", method_kwargs={"num_workers": WORKERS})
    stopper = SuccessiveHalvingStopper(
        max_steps=task.epochs, min_steps=FIRST_RUNG, reduction_factor=REDUCTION
    )
    with tempfile.TemporaryDirectory() as folder:
        chosen = search(problem, log_dir=folder, stopper=stopper, **options)
        chosen.search(evaluator, timeout=math.ceil(seconds))


def deephyper_cbo(task: QualityTask, seed: int, log: str, seconds: float) -> None:
    """DeepHyper's centralised Bayesian optimisation, with its successive halving."""
    from deephyper.hpo import CBO

    _deephyper(task, log, seconds, CBO, random_state=seed)


def deephyper_evolution(task: QualityTask, seed: int, log: str, seconds: float) -> None:
    """DeepHyper's regularized evolution, with its successive halving."""
    from deephyper.hpo import RegularizedEvolution

    sizes = {"population_size": 20, "sample_size": 5}
    _deephyper(task, log, seconds, RegularizedEvolution, random_state=seed, **sizes)


SYSTEMS: dict[str, Callable[[QualityTask, int, str, float], None]] = {
    "ray-tune": ray_tune,
    "optuna": optuna_alone,
    "deephyper-cbo": deephyper_cbo,
    "deephyper-evolution": deephyper_evolution,
}


def main(system: str, task: str, seed: str, log: str, seconds: str) -> None:
    SYSTEMS[system](TASKS[task], int(seed), log, float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
