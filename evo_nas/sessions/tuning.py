"""Tunes one network of a run: trials by Ray Tune, then the best beside the untuned on cuts that chose neither."""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.native import (
    ARCHITECTURE_FILE,
    TUNING_FILE,
    Member,
    Provenance,
    native_files,
    tuning_file,
)
from evo_nas.champion.finalist_plan import JudgingCuts
from evo_nas.champion.finalists import CutScores
from evo_nas.champion.retrain import Retrained, Retraining
from evo_nas.champion.selection import select_champion
from evo_nas.champion.tuning import (
    TunedNetwork,
    TuningSpace,
    TuningTrial,
    best_of,
    network_of,
    tuning_seed,
)
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import ChampionError
from evo_nas.genome.codec import from_json
from evo_nas.randomness import derive_seed
from evo_nas.runs.champion_store import CHAMPION
from evo_nas.training.losses import LINKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.champion.retrain import Retrain
    from evo_nas.experiment import Experiment
    from evo_nas.runs import Run
    from evo_nas.sessions.ray_retrainer import RayRetrainer
    from evo_nas.strategies.trials import Trial

SEEDS = 3
"""Trainings whose mean is written as the tuned model."""


@dataclass(frozen=True, slots=True)
class TuningOptions:
    """What is tuned, and how.

    Attributes:
        candidate: Id of the candidate whose network is tuned; None for the one that leads in the search.
        cell: Name of a published cell that takes the place of its cells, at equal size; empty to leave them.
        trials: Trials in all, the untuned network included.
        searcher: What proposes settings, one of `PROPOSERS`.
        epochs: Epochs of a whole trial; None for those of the search.
        trainings: Trainings that compare the best with the untuned.
    """

    candidate: int | None = None
    cell: str = ""
    trials: int = 30
    searcher: str = "optuna"
    epochs: int | None = None
    trainings: int = 3


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a tuning has found.

    Attributes:
        candidate: Id of the candidate whose network was tuned.
        space: The settings.
        epochs: Epochs of a whole trial.
        trials: The trials that have a score, best first.
        failed: How many trials failed.
        untuned: The network as it was found, on the cuts that judge.
        tuned: That of the best trial on the same cuts and seeds; None if no trial was better.
        kept: What the run keeps as champion, or as its opponent with the cell that was tuned, likewise; None if it
            keeps none.
        said: On what they were compared.
    """

    candidate: int
    space: TuningSpace
    epochs: int
    trials: tuple[TuningTrial, ...]
    failed: int
    untuned: CutScores
    tuned: CutScores | None
    kept: CutScores | None
    said: str

    @property
    def gain(self) -> tuple[float, float | None] | None:
        """How much better the best trial is than the untuned on the cuts, and half the width of its interval."""
        return None if self.tuned is None else self.tuned.lead(self.untuned)

    @property
    def is_better(self) -> bool:
        """Whether the best trial was better on the cuts, too, by the mean."""
        return self.gain is not None and self.gain[0] > 0

    @property
    def against_kept(self) -> tuple[float, float | None] | None:
        """How much better the network to go on with is than what the run keeps, on the same cuts; None without that."""
        outcome = self.tuned if self.tuned is not None and self.is_better else self.untuned
        return None if self.kept is None else outcome.lead(self.kept)

    @property
    def network(self) -> TunedNetwork:
        """The network to go on with: that of the best trial, or the untuned if it was no better on the cuts."""
        return self.space.network(self.trials[0].genome if self.is_better else self.space.untuned)

    @property
    def sentence(self) -> str:
        """What the tuning has brought, and whether what the run keeps is better on validation."""
        return f"{self._of_gain}; {self._of_kept}; judged on {self.said}"

    @property
    def _of_gain(self) -> str:
        if self.gain is None:
            return "no trial was better than the network as it was found"
        by, half = self.gain
        if not self.is_better:
            return (
                f"no better: the best trial is {self._figure(-by, half)} behind the untuned network, so that the "
                "settings of the search stay"
            )
        return f"tuned, it is {self._figure(by, half)} better than the untuned network of the search{_doubt(by, half)}"

    @property
    def _of_kept(self) -> str:
        if self.kept is None:
            return "the run keeps nothing of the kind to compare it with"
        which = f"the {self.kept.name} that the run keeps"
        if self.against_kept is None:
            return f"{which} could not be compared"
        by, half = self.against_kept
        if by == 0.0:
            return f"{which} is as good"
        outcome = "the tuned network" if self.is_better else "the untuned network"
        better, other = (outcome, which) if by > 0 else (which, outcome)
        return f"on validation {better} is better than {other}, by {self._figure(abs(by), half)}{_doubt(abs(by), half)}"

    def _figure(self, by: float, half: float | None) -> str:
        interval = "" if half is None else f" ± {half:.2g}"
        return f"{by:.2g}{interval} {self.untuned.metric.name.replace('_', ' ')}"


def _doubt(by: float, half: float | None) -> str:
    return "" if half is not None and by > half else ", which the noise may hide"


@dataclass(frozen=True, slots=True)
class KeptNetwork:
    """A network of what a run keeps, as it was trained.

    Attributes:
        name: Its name for people.
        network: The network with its settings of training.
        epochs: Epochs of its training.
    """

    name: str
    network: TunedNetwork
    epochs: int


def kept_network(run: Run, which: str, experiment: Experiment) -> KeptNetwork | None:
    """Returns the network of the model ``which`` that ``run`` keeps; None if it keeps none."""
    verdict = stored_verdict(run)
    judged = [] if verdict is None else [each for each in verdict.contestants if each.which == which]
    files = run.champion.files(which) if judged else {}
    if not files:
        return None
    architecture = from_json(files[ARCHITECTURE_FILE].decode())
    tuned = files.get(TUNING_FILE)
    schedule = experiment.config.training.schedule if tuned is None else json.loads(tuned)["schedule"]
    return KeptNetwork(judged[0].name, TunedNetwork(architecture, schedule), judged[0].epochs)


def tune_run(
    run: Run,
    experiment: Experiment,
    options: TuningOptions,
    *,
    retrainer: RayRetrainer,
    say: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Tunes a network of ``run``; trials and trainings are kept in it, so that the same call goes on.

    Args:
        run: A run with at least one score.
        experiment: The experiment of that run.
        options: What is tuned, and how.
        retrainer: Where the trials and trainings are made.
        say: Is told what was done, a line each.

    Raises:
        ChampionError: No candidate was scored, there is no such candidate, or every trial failed.
        ConfigError: There is no such cell or searcher, or what the searcher needs is not installed.
        RunError: Another process owns the run.
        ExecutionError: Ray cannot be started, or could not go on.
    """
    trial = _trial_of(run, experiment, options.candidate)
    epochs = options.epochs or trial.candidate.budget
    space = TuningSpace.of_experiment(network_of(trial, experiment, options.cell), experiment)
    seed = tuning_seed(trial, experiment)
    work = _Work(run, experiment, options, space, retrainer, epochs=epochs, seed=seed, say=say)
    with run.owned():
        made = work.trials()
        best = best_of(made)
        if not best:
            errors = sorted({each.error for each in made if each.error})
            raise ChampionError(
                f"every trial of the tuning failed: {'; '.join(errors)}; tune another network"
            )
        judging = JudgingCuts.of(experiment, options.trainings)
        untuned = work.scores(judging, "untuned", space.network(space.untuned))
        is_untuned = best[0].genome == space.untuned
        tuned = None if is_untuned else work.scores(judging, "tuned", space.network(best[0].genome))
        kept = kept_network(run, options.cell or CHAMPION, experiment)
        champion = None if kept is None else work.scores(judging, kept.name, kept.network, epochs=kept.epochs)
    failed = sum(each.fitness is None for each in made)
    number = trial.main.candidate.id
    return Tuned(number, space, epochs, tuple(best), failed, untuned, tuned, champion, judging.said)


def tuned_files(
    run: Run, experiment: Experiment, tuned: Tuned, *, retrain: Retrain, say: Callable[[str], None]
) -> dict[str, bytes]:
    """Returns the files of a champion: the network of a tuning, the mean of its trainings with several seeds.

    Args:
        run: The run that was tuned.
        experiment: The experiment of that run.
        tuned: What the tuning has found.
        retrain: Makes the trainings.
        say: Is told what was done, a line each.

    Raises:
        ChampionError: A training failed.
    """
    network, candidate = tuned.network, _trial_of(run, experiment, tuned.candidate).candidate
    training = experiment.config.training
    requests = [
        Retraining(
            f"the tuned network, seed {number} of {SEEDS}",
            network.architecture,
            tuned.epochs,
            derive_seed(experiment.config.seed, "tuned", number),
            keeps_weights=True,
            schedule=network.schedule,
        )
        for number in range(1, SEEDS + 1)
    ]
    members = []
    for request, result, weights in filter(None, retrain(requests, experiment.dataset, training)):
        if weights is None:
            raise ChampionError(
                f"the training of {request.name} failed: {result.error}; tune again with fewer epochs"
            )
        say(f"trained {request.name}")
        members.append(Member(network.architecture, weights))
    provenance = Provenance(
        genome=candidate.genome,
        canonical_hash=candidate.canonical_hash,
        space=experiment.space.options,
        epochs=tuned.epochs,
        run_id=run.record.run_id,
        candidate=tuned.candidate,
    )
    dataset = experiment.dataset
    link = LINKS[dataset.objective]
    files = native_files(members, experiment.space.signature, provenance, dataset.preparation, link=link)
    changes = tuned.space.changes(tuned.trials[0].genome) if tuned.is_better else {}
    record = {"changes": changes, "schedule": network.schedule, "sentence": tuned.sentence}
    return files | tuning_file(record)


def _trial_of(run: Run, experiment: Experiment, candidate: int | None) -> Trial:
    told = run.history().told
    if candidate is None:
        return select_champion(told, run, objectives=experiment.config.fitness.objectives)
    named = [each for each in told if candidate in (each.candidate.id, each.candidate.repeats)]
    if not named:
        raise ChampionError(
            f"candidate is {candidate}; must be one that {run} has evaluated, as `evo-nas show` lists"
        )
    return select_champion(named, run)


@dataclass(frozen=True, slots=True)
class _Work:
    """The trainings of a tuning: those that the run keeps, and those that are missing."""

    run: Run
    experiment: Experiment
    options: TuningOptions
    space: TuningSpace
    retrainer: RayRetrainer
    _: KW_ONLY
    epochs: int
    seed: int
    say: Callable[[str], None]

    @property
    def key(self) -> str:
        """Identity of the tuning in the run."""
        return self.space.key(epochs=self.epochs, seed=self.seed)

    def trials(self) -> list[TuningTrial]:
        """Makes the trials that are missing, keeps each, and returns all of them."""
        # What failed is not made again: its settings are known to fail.
        made = [TuningTrial.from_values(values) for values in self.run.tuning.read(self.key, "trials")]
        if len(made) >= self.options.trials:
            return made
        from evo_nas.sessions.ray_tuning import Tuning, run_trials  # noqa: PLC0415 - what is complete needs no Tune

        known = tuple(made)

        def keep(trial: TuningTrial) -> None:
            made.append(trial)
            self.run.tuning.keep(self.key, "trials", f"{trial.number:06d}", trial.to_values())
            self._tell(trial, done=len(made))

        experiment = self.experiment
        tuning = Tuning(
            space=self.space,
            training=experiment.config.training,
            epochs=self.epochs,
            seed=self.seed,
            trials=self.options.trials,
            searcher=self.options.searcher,
        )
        self.retrainer.require_ray(experiment.dataset)
        run_trials(tuning, experiment.dataset, known, workers=self.retrainer.workers, keep=keep)
        return made

    def scores(
        self, judging: JudgingCuts, name: str, network: TunedNetwork, *, epochs: int | None = None
    ) -> CutScores:
        """Returns the scores of a network on the cuts that judge; trainings that are kept are not made again."""
        requests = judging.requests(
            f"{name} network", network.architecture, epochs=epochs or self.epochs, schedule=network.schedule
        )
        kept = {values["name"]: values for values in self.run.tuning.read(self.key, "retrainings")}
        results = {
            request.key: Retrained.from_values(kept[request.key])
            for request in requests
            if request.key in kept and not kept[request.key]["error"]
        }
        missing = [request for request in requests if request.key not in results]
        training = self.experiment.config.training
        for request, result, _ in filter(None, self.retrainer.retrain(missing, judging.dataset, training)):
            results[request.key] = result
            values = result.to_values() | {"name": request.key}
            self.run.tuning.keep(self.key, "retrainings", request.key, values)
            self.say(f"trained the {request.name}")
        scores = tuple(results[request.key].validation for request in requests)
        return CutScores(name, network.architecture, scores, self.experiment.dataset.metric)

    def _tell(self, trial: TuningTrial, *, done: int) -> None:
        metric = self.experiment.dataset.metric
        score = "failed"
        if trial.fitness is not None:
            value = trial.fitness if metric.higher_is_better else -trial.fitness
            score = f"{metric.name.replace('_', ' ')} {value:.4g}"
        ended = f" after {trial.epochs} of {self.epochs} epochs" if 0 < trial.epochs < self.epochs else ""
        self.say(f"{done}/{self.options.trials}  trial {trial.number}: {score}{ended}")
