"""What a tuning has found enters a contest for all contestants alike, and is compared with what the run keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evo_nas.champion.exporters.native import TUNING_FILE
from evo_nas.champion.retrain import Retrained, Retraining
from evo_nas.champion.selection import select_champion
from evo_nas.champion.tuning import TuningSpace, TuningTrial, network_of, tuning_seed
from evo_nas.config import TrainingConfig, VerdictOptions, configured
from evo_nas.errors import ChampionError
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.sessions.events import Judged
from evo_nas.sessions.judging import judge
from evo_nas.sessions.retrainer import InlineRetrainer
from evo_nas.sessions.tuning import Tuned, TuningOptions, tune_run
from evo_nas.tasks.dataset import Dataset

OPTIONS = VerdictOptions(finalists=1, cuts=1, trials=1, seeds=1, most_seeds=1, opponents=("mingru",))


@dataclass
class Noting(InlineRetrainer):
    """Trains here, notes what was asked, and lets the trainings with a schedule of their own be the best."""

    asked: list[Retraining] = field(default_factory=list)

    def retrain(
        self, requests: Sequence[Retraining], dataset: Dataset, training: TrainingConfig
    ) -> Iterator[tuple[Retraining, Retrained, bytes | None] | None]:
        self.asked += requests
        for request, result, weights in filter(None, super().retrain(requests, dataset, training)):
            score = 0.9 if request.schedule == "cosine" else 0.6
            yield request, Retrained(result.parameters, validation=score + request.cut / 100), weights


@pytest.fixture
def run(tmp_path: Path) -> Run:
    settings = {
        "name": "parity",
        "seed": 5,
        "task": {"kind": "parity", "length": 12, "train": 48, "validation": 24, "test": 24},
        "space": {"widths": [3, 4], "batch_sizes": [16], "cell_nodes": 6},
        "strategy": {"kind": "random"},
        "training": {"epochs": 1, "device": "cpu"},
        "budget": {"evaluations": 2},
        "workers": 1,
    }
    run = Run.at(tmp_path / "run")
    with Experiment.of(configured(settings)).open(run, executor="inline") as search:
        search.run()
    return run


def keep_trials(run: Run, *, cell: str = "", count: int) -> None:
    """Keeps a tuning of the leader of ``run``, whose every trial is better than the one before."""
    experiment = Experiment.of_run(run)
    trial = select_champion(run.history().told, run)
    space = TuningSpace.of_experiment(network_of(trial, experiment, cell), experiment)
    key = space.key(epochs=trial.candidate.budget, seed=tuning_seed(trial, experiment))
    names = [gene.name for gene in space.genes]
    for number in range(count):
        genome = list(space.untuned)
        if number:
            genome[names.index("schedule")] = 1  # cosine
            genome[names.index("clip")] = number
        kept = TuningTrial(number, tuple(genome), 0.5 + number / 100, 1)
        run.tuning.keep(key, "trials", f"{number:06d}", kept.to_values())


def judged(run: Run, *, tuned: bool) -> tuple[Judged, list[Retraining]]:
    noting = Noting()
    *_, last = judge(run, Experiment.of_run(run), options=OPTIONS, tuned=tuned, open_retrainer=lambda: noting)
    assert isinstance(last, Judged)
    return last, noting.asked


def tuned(run: Run, *, cell: str = "", trials: int) -> Tuned:
    options = TuningOptions(cell=cell, trials=trials)
    # All trials are kept, so that only the trainings that judge are made.
    return tune_run(run, Experiment.of_run(run), options, retrainer=Noting())  # type: ignore[arg-type]


def test_who_was_not_tuned_is_named_with_the_command(run: Run) -> None:
    keep_trials(run, count=2)
    number = select_champion(run.history().told, run).main.candidate.id
    with pytest.raises(
        ChampionError, match=f"not all contestants are tuned; .*--candidate {number} --cell mingru`$"
    ):
        judged(run, tuned=True)


def test_all_are_tried_with_as_many_trials_of_their_tunings(run: Run) -> None:
    keep_trials(run, count=4)
    keep_trials(run, cell="mingru", count=3)
    last, asked = judged(run, tuned=True)
    tried = [request for request in asked if request.schedule == "cosine"]
    assert [request.name for request in tried] == [
        f"the {name}, the best of 3 trials of a tuning" for name in ("champion", "minGRU")
    ]
    # The fourth trial of the champion is better, but the minGRU has only three.
    clips = {request.architecture.training.clip for request in tried}
    assert len(clips) == 1
    assert last.verdict.trials == 2
    assert {each.setting for each in last.verdict.contestants} == {"the best of 3 trials of a tuning"}
    assert TUNING_FILE in run.champion.files("champion")
    assert TUNING_FILE in run.champion.files("mingru")


def test_without_being_asked_a_contest_leaves_tunings_alone(run: Run) -> None:
    keep_trials(run, count=2)
    last, asked = judged(run, tuned=False)
    assert {request.schedule for request in asked} == {None}
    assert last.verdict.trials == 1
    assert TUNING_FILE not in run.champion.files("champion")


def test_a_tuning_says_whether_what_the_run_keeps_is_better(run: Run) -> None:
    keep_trials(run, count=2)
    keep_trials(run, cell="rnn_tanh", count=2)
    nothing = tuned(run, trials=2)
    assert nothing.kept is None
    assert "the run keeps nothing of the kind to compare it with" in nothing.sentence
    judged(run, tuned=False)
    better = tuned(run, trials=2)
    assert better.against_kept is not None
    assert better.against_kept[0] == pytest.approx(0.3)
    assert (
        "on validation the tuned network is better than the champion that the run keeps, by 0.3"
        in better.sentence
    )
    # A cell that was no opponent has nothing beside it.
    assert tuned(run, cell="rnn_tanh", trials=2).kept is None


def test_what_is_kept_is_compared_as_it_was_trained(run: Run) -> None:
    keep_trials(run, count=3)
    keep_trials(run, cell="mingru", count=3)
    judged(run, tuned=True)
    level = tuned(run, trials=3)
    # The contest took the same trial, with its schedule.
    assert level.against_kept == (0.0, 0.0)
    assert "the champion that the run keeps is as good" in level.sentence
