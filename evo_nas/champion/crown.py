"""From a run to its champion and verdict."""

from __future__ import annotations

import math
import statistics
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch

from evo_nas.baselines import baselines_of
from evo_nas.champion.export import Provenance, write_champion
from evo_nas.champion.opponent import equal_lstm, fittest_lstm, tuned
from evo_nas.champion.shelf import VERDICT_FILE, shelf_of
from evo_nas.champion.verdict import Contestant, Verdict
from evo_nas.errors import ChampionError
from evo_nas.experiment import Experiment
from evo_nas.genome.describe import describe
from evo_nas.genome.parameters import count_parameters
from evo_nas.ledger import read_history, read_record
from evo_nas.randomness import derive_seed
from evo_nas.strategies.operators import Archive
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.runtime import device_for
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.genome.architecture import Architecture
    from evo_nas.models.network import Network

SEEDS = 3
"""Trainings from scratch of each contestant."""


@dataclass(frozen=True, slots=True)
class _Trained:
    """A network, its validation metric, and its test metric."""

    network: Network
    validation: float
    test: float


def verdict_of(
    run: str | os.PathLike[str],
    *,
    experiment: Experiment | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> Verdict:
    """Returns the verdict on the run at ``run``, and leaves champion and verdict in ``<run>/champion``.

    Trains only if that was not done already for what the run holds now.

    Args:
        run: Where the run is kept; it may be complete or not.
        experiment: What it is of; read from the run if it is needed and not given.
        announce: Told in a few words what is being done.

    Raises:
        ChampionError: No candidate of the run was scored.
    """
    history = read_history(run)
    best = best_of(history.told, run)
    shelf = shelf_of(run)
    content = shelf.verdict()
    stored = None if content is None else Verdict.from_json(content)
    if stored is not None and (stored.candidate, stored.evaluations) == (
        best.candidate.id,
        len(history.told),
    ):
        return stored
    experiment = experiment or Experiment.of_run(run)
    announce("fitting the baselines")
    baselines = baselines_of(run, experiment)
    with _one_thread():
        verdict, network = _Contest(experiment, best, announce).verdict(history.told, baselines)
    provenance = Provenance(
        genome=best.candidate.genome,
        canonical_hash=best.candidate.canonical_hash,
        space=experiment.space.options,
        epochs=best.candidate.budget,
        run_id=read_record(run).run_id,
        candidate=best.candidate.id,
    )
    with shelf.replaced() as fresh:
        write_champion(fresh, network, provenance)
        (fresh / VERDICT_FILE).write_text(verdict.to_json() + "\n", encoding="utf-8")
    return verdict


def export_champion(run: str | os.PathLike[str], out: Path) -> list[Path]:
    """Writes the champion of the run at ``run`` to ``out`` and returns the files.

    Raises:
        ChampionError: ``out`` is not a new or empty directory, or no candidate of the run was scored.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ChampionError(f"{out} exists and is not an empty directory; name a new one with --out")
    verdict_of(run)
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=out) as fresh:
        shelf_of(run).copy_to(Path(fresh))
        for path in Path(fresh).iterdir():
            path.rename(out / path.name)
    return sorted(out.iterdir())


def best_of(told: Sequence[Evaluation], run: str | os.PathLike[str]) -> Evaluation:
    """Returns the fittest evaluation, the smaller network among equals.

    Raises:
        ChampionError: None was scored.
    """
    archive = Archive(size=1)
    archive.update(told)
    if not archive.best:
        raise ChampionError(
            f"{run} has no champion: none of its {len(told)} evaluations was scored; search on, or look at the "
            "causes with `evo-nas show`"
        )
    return archive.best[0]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Trains as workers do, so that the same seed gives the same weights."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Contest:
    """The champion and its opponents, trained from scratch in this process with seeds that chose nobody."""

    def __init__(self, experiment: Experiment, best: Evaluation, announce: Callable[[str], None]) -> None:
        self._experiment = experiment
        self._best = best
        self._announce = announce
        self._training = experiment.config.training.without_time_limit()
        self._data = prepare(experiment.dataset, device_for(self._training))
        self._seeds = [
            derive_seed(experiment.config.seed, "retrain", best.candidate.canonical_hash, number)
            for number in range(SEEDS)
        ]

    def verdict(self, told: Sequence[Evaluation], baselines: Mapping[str, float]) -> tuple[Verdict, Network]:
        """Returns the verdict and the champion's network, trained with the very seed it won the search with."""
        experiment, dataset = self._experiment, self._experiment.dataset
        champion = experiment.space.decode(self._best.candidate.genome)
        self._announce("training the champion with the seed it won with")
        winner = self._train(champion, self._best.candidate.seed)
        trained = self._train_all("champion", champion)
        if winner is None or not trained:
            raise ChampionError(
                f"candidate {self._best.candidate.id} was scored but its retraining failed; search on for another"
            )
        opponent, opponents = self._opponent(champion, told)
        verdict = Verdict(
            candidate=self._best.candidate.id,
            evaluations=len(told),
            metric=dataset.metric.name,
            higher_is_better=dataset.metric.higher_is_better,
            champion=_contestant("champion", champion, trained),
            opponent=_contestant("LSTM", opponent, opponents),
            baselines=baselines,
        )
        return verdict, winner.network

    def _opponent(
        self, champion: Architecture, told: Sequence[Evaluation]
    ) -> tuple[Architecture, list[_Trained]]:
        """Returns the LSTM of the champion's size that is best on validation, and its trainings.

        The contenders are the champion with LSTM cells at several learning rates, and the fittest LSTM that
        the search itself found.
        """
        space, fitness = self._experiment.space, self._experiment.dataset.metric.fitness
        size = count_parameters(champion, space.signature)
        contenders = tuned(equal_lstm(champion, size, space.signature))
        found = fittest_lstm(told, space)
        if found is not None:
            contenders.append(equal_lstm(found, size, space.signature))
        entries = [(architecture, self._train_all("LSTM", architecture)) for architecture in contenders]
        survivors = [entry for entry in entries if entry[1]]
        if not survivors:
            raise ChampionError("every training of the LSTM failed; widen space.learning_rates downwards")
        return max(survivors, key=lambda entry: (len(entry[1]), fitness(_mean_validation(entry[1]))))

    def _train_all(self, name: str, architecture: Architecture) -> list[_Trained]:
        """Returns the trainings that came to an end; a network may well diverge with another seed."""
        rate = architecture.training.learning_rate
        trainings = []
        for number, seed in enumerate(self._seeds, start=1):
            self._announce(f"training the {name} with learning rate {rate:.3g}, seed {number} of {SEEDS}")
            trainings.append(self._train(architecture, seed))
        return [trained for trained in trainings if trained is not None]

    def _train(self, architecture: Architecture, seed: int) -> _Trained | None:
        dataset = self._experiment.dataset
        trained = train(
            architecture, self._data, self._training, epochs=self._best.candidate.budget, seed=seed
        )
        if trained.network is None:
            return None
        test = score_part(trained.network, dataset, "test").metric
        if not math.isfinite(test):
            return None
        validation = trained.outcome.metrics[f"validation_{dataset.metric.name}"]
        return _Trained(trained.network, validation=validation, test=test)


def _mean_validation(trainings: Sequence[_Trained]) -> float:
    return statistics.fmean(trained.validation for trained in trainings)


def _contestant(name: str, architecture: Architecture, trainings: Sequence[_Trained]) -> Contestant:
    return Contestant(
        name=name,
        architecture=describe(architecture),
        parameters=sum(parameter.numel() for parameter in trainings[0].network.parameters()),
        validation=_mean_validation(trainings),
        tests=tuple(trained.test for trained in trainings),
        failures=SEEDS - len(trainings),
    )
