"""A search with rungs: what pruned trainings leave is used, survives resumes, and goes when nothing needs it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evo_nas.config import configured
from evo_nas.evaluation import Evaluation, Status
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.strategies.verification import verify
from evo_nas.training.evaluator import EvaluatorFactory

EPOCHS = 6


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "name": "kept",
        "seed": 3,
        "task": {"kind": "digits"},
        "space": {"widths": [4, 6], "batch_sizes": [256], "cell_nodes": 6},
        "strategy": {"kind": "random"},
        "training": {"epochs": EPOCHS, "time_limit_s": 60.0},
        "fitness": {"rungs": [2, 4], "reduction": 2},
        "budget": {"evaluations": 24},
        **changes,
    }


def experiment(**changes: Any) -> Experiment:
    return Experiment.of(configured(settings(**changes)))


def run_inline(place: Path, **changes: Any) -> list[Evaluation]:
    run = Run.at(place)
    with experiment(**changes).open(run, executor="inline") as search:
        search.run()
    return list(run.history().told)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs") / "run"
    run_inline(place)
    return place


def test_promoted_candidates_go_on_where_they_were_pruned(finished) -> None:
    told = Run.at(finished).history().told
    by_id = {evaluation.candidate.id: evaluation for evaluation in told}
    continued = [evaluation for evaluation in told if evaluation.candidate.continues is not None]
    assert continued
    made = experiment()
    scratch = EvaluatorFactory(made.space, made.dataset, made.config.training)()
    for evaluation in continued:
        before = by_id[evaluation.candidate.continues]
        assert before.status is Status.PRUNED
        assert evaluation.candidate.starts_from == before.outcome.weights != ""
        assert evaluation.outcome.curve[: before.outcome.epochs] == before.outcome.curve
        same = scratch(replace(evaluation.candidate, starts_from=""))
        assert (same.curve, dict(same.metrics)) == (
            evaluation.outcome.curve,
            dict(evaluation.outcome.metrics),
        )


def test_only_what_may_go_on_is_kept(finished) -> None:
    run = Run.at(finished)
    history = run.history()
    strategy = Experiment.of_run(run).strategy()
    strategy.resume(history.told, history.in_flight)
    wanted = strategy.wanted_weights()
    assert wanted
    assert set(run.weights.digests()) == wanted
    used = {each.candidate.starts_from for each in history.told}
    assert not used & wanted


def test_without_its_weights_a_run_goes_on_to_the_same_result(finished, tmp_path) -> None:
    whole = run_inline(tmp_path / "whole", budget={"evaluations": 32})
    shutil.copytree(finished, tmp_path / "run")
    for file in (tmp_path / "run" / "weights").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert len(list(Run.at(tmp_path / "run").damage())) == len(list((tmp_path / "run" / "weights").iterdir()))
    bare = run_inline(tmp_path / "run", budget={"evaluations": 32})
    assert [(each.candidate, each.outcome.curve) for each in bare] == [
        (each.candidate, each.outcome.curve) for each in whole
    ]
    assert any(each.candidate.continues is not None for each in whole[24:])


def test_a_run_with_rungs_can_be_verified(finished) -> None:
    run = Run.at(finished)
    history = run.history()
    assert list(verify(Experiment.of_run(run).strategy(), history.told, history.in_flight)) == []
    assert list(run.damage()) == []


def test_a_search_without_rungs_keeps_nothing(tmp_path) -> None:
    run_inline(tmp_path / "run", fitness={}, training={"epochs": 1}, budget={"evaluations": 3})
    assert not (tmp_path / "run" / "weights").exists()
