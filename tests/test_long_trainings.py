"""A search with a super-network: stretches are candidates without a score, survive a crash, and hand back genomes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evo_nas.champion.selection import select_champion
from evo_nas.cli import main
from evo_nas.config import configured
from evo_nas.evaluation import Evaluation, Status
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.strategies.verification import verify
from evo_nas.training.evaluator import EvaluatorFactory

DARTS = {
    "kind": "darts",
    "epochs": 4,
    "steps": 2,
    "stretches": 2,
    "drawn": 4,
    "ranked": 4,
    "findings": 4,
}


def experiment(**changes: Any) -> Experiment:
    settings = {
        "name": "long",
        "seed": 3,
        "task": {"kind": "digits"},
        "space": {"widths": [4, 6], "batch_sizes": [256], "cell_nodes": 4, "layers": {"max": 1}},
        "strategy": DARTS,
        "training": {"epochs": 2, "time_limit_s": 60.0},
        "fitness": {"rungs": None},
        "budget": {"evaluations": 8},
    }
    return Experiment.of(configured(settings | changes))


def searched(place: Path, *, turns: int | None = None) -> list[Evaluation]:
    """Searches in this process, to the end or until it is killed after so many turns."""
    run = Run.at(place)
    with experiment().open(run, executor="inline") as search:
        if turns is None:
            search.run()
        else:
            for _ in range(turns):
                search.step()
    return list(run.history().told)


def facts(told: list[Evaluation]) -> list[object]:
    """Returns what must not depend on when and where a run was searched."""
    return [
        (
            each.candidate,
            each.status,
            each.fitness,
            each.outcome.curve,
            each.outcome.findings,
            each.outcome.weights,
        )
        for each in told
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs") / "run"
    searched(place)
    return place


def test_a_super_network_is_trained_in_stretches_and_what_it_finds_is_trained_next(finished) -> None:
    told = Run.at(finished).history().told
    first, second, *others = told
    assert (first.status, first.outcome.epochs, second.outcome.epochs) == (Status.TRAINED, 2, 4)
    assert second.candidate.continues == first.candidate.id
    assert second.candidate.starts_from == first.outcome.weights != ""
    assert first.outcome.curve == second.outcome.curve[:2]
    assert [each.candidate.genome for each in others[:4]] == list(second.outcome.findings)
    assert [each.candidate.operator for each in others[:4]] == ["darts", *["one-shot"] * 3]
    scores = second.outcome.finding_scores[1:]
    assert list(scores) == sorted(scores, reverse=True)
    assert all(each.fitness is not None for each in others)


def test_a_stretch_has_no_score_and_is_no_champion(finished) -> None:
    run = Run.at(finished)
    told = run.history().told
    assert [each.standing for each in told if each.candidate.trains] == [None, None]
    assert not select_champion(told, run).candidate.trains
    assert all(not row["trains"] for row in run.best(20))
    assert run.savings().promoted == 0
    assert not any(row["trains"] for row in run.front())


def test_a_run_that_was_killed_within_a_super_network_goes_on_as_if_it_was_not(finished, tmp_path) -> None:
    for turns in (1, 2, 4):
        place = tmp_path / str(turns)
        searched(place, turns=turns)
        assert facts(searched(place)) == facts(Run.at(finished).history().told)


def test_a_stretch_whose_beginning_is_lost_is_trained_again_and_gives_the_same(finished, tmp_path) -> None:
    place = tmp_path / "run"
    searched(place, turns=1)
    shutil.rmtree(place / "weights")
    again = searched(place)
    assert facts(again)[1] == facts(Run.at(finished).history().told)[1]


def test_the_candidates_of_such_a_run_can_be_derived_again(finished) -> None:
    run = Run.at(finished)
    history = run.history()
    assert list(verify(Experiment.of_run(run).strategy(run), history.told, history.in_flight)) == []


def test_nothing_of_a_super_network_is_kept_when_it_is_trained(finished) -> None:
    assert Run.at(finished).weights.digests() == []


def test_a_long_training_that_nobody_knows_fails(finished) -> None:
    made = experiment()
    candidate = Run.at(finished).history().told[0].candidate
    outcome = EvaluatorFactory(made.space, made.dataset, made.config.training)()(
        replace(candidate, trains="teacher {}")
    )
    assert outcome.status is Status.FAILED
    assert "teacher is no long training; there are supernet" in outcome.error


def test_a_stretch_is_shown_with_what_it_found(finished) -> None:
    shown = CliRunner().invoke(main, ["show", str(finished), "--candidate", "1"])
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.output.split())
    assert "supernet of #0" in text
    assert "long training supernet" in text
    assert "found 4 genomes, scored" in text
    listed = CliRunner().invoke(main, ["show", str(finished)])
    assert listed.exit_code == 0, listed.output
    assert "failures: none" in " ".join(listed.output.split())
