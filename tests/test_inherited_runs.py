"""Searches in which children inherit weights: recorded, ranked apart, and able to go on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from evo_nas.archive import Archive
from evo_nas.config import configured
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Evaluation, Status
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.strategies.from_scratch import FROM_SCRATCH
from evo_nas.strategies.verification import verify
from evo_nas.weights import BANK

BUDGET = 30


def settings(mode: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "inherited",
        "seed": 3,
        "task": {"kind": "digits"},
        "space": {"widths": [4, 6], "batch_sizes": [256], "cell_nodes": 6},
        "strategy": {"kind": "aging", "population": 8, "tournament": 3, "warmup": 4},
        "training": {"epochs": 3, "time_limit_s": 60.0},
        "fitness": {"inheritance": mode},
        "budget": {"evaluations": BUDGET},
        **changes,
    }


def run_inline(place: Path, mode: str, **changes: Any) -> list[Evaluation]:
    run = Run.at(place)
    with Experiment.of(configured(settings(mode, **changes))).open(run, executor="inline") as search:
        search.run()
    return list(run.history().told)


@pytest.fixture(scope="module", params=["parent", "bank"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, mode: str) -> Path:
    place = tmp_path_factory.mktemp("runs") / mode
    run_inline(place, mode)
    return place


def test_children_begin_with_weights_and_say_how_many_steps_are_behind_them(finished, mode) -> None:
    told = Run.at(finished).history().told
    by_id = {each.candidate.id: each for each in told}
    children = [each for each in told if each.candidate.starts_from]
    assert len(children) > BUDGET // 2
    assert any(each.outcome.inherited_steps > 0 for each in children)
    if mode == "bank":
        assert {each.candidate.starts_from for each in children} == {BANK}
        return
    for child in children:
        mother = by_id[child.candidate.parents[0]].outcome
        assert child.candidate.starts_from == mother.weights
        if child.status is Status.OK:
            assert child.outcome.inherited_steps in (0, mother.inherited_steps + mother.steps)
    assert max(each.outcome.inherited_steps for each in children) > 2 * children[0].outcome.steps


def test_the_best_are_trained_from_scratch_and_only_these_lead(finished) -> None:
    told = Run.at(finished).history().told
    confirmed = [each for each in told if each.candidate.operator == FROM_SCRATCH]
    assert confirmed
    for each in confirmed:
        assert (each.candidate.starts_from, each.outcome.inherited_steps) == ("", 0)
        original = next(other for other in told if other.candidate.id == each.candidate.repeats)
        assert original.outcome.inherited_steps > 0
        assert original.candidate.genome == each.candidate.genome
    archive = Archive(size=BUDGET)
    archive.update(told)
    starts = [trial.outcome.inherited_steps > 0 for trial in archive.ranking]
    assert starts == sorted(starts)
    assert archive.best is not None
    assert archive.best.outcome.inherited_steps == 0


def test_the_strategy_can_be_derived_again_from_the_log(finished) -> None:
    run = Run.at(finished)
    history = run.history()
    assert list(verify(Experiment.of_run(run).strategy(), history.told, history.in_flight)) == []
    assert list(run.damage()) == []


def test_only_the_living_keep_their_weights(finished, mode) -> None:
    run = Run.at(finished)
    history = run.history()
    strategy = Experiment.of_run(run).strategy()
    strategy.resume(history.told, history.in_flight)
    assert set(run.weights.digests()) == strategy.wanted_weights()
    assert bool(run.weights.digests()) == (mode == "parent")
    assert bool(run.open_bank().all()) == (mode == "bank")


def test_a_run_goes_on_with_what_it_has_kept(finished, mode, tmp_path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    told = run_inline(tmp_path / "run", mode, budget={"evaluations": BUDGET + 10})
    later = [each for each in told[BUDGET:] if each.candidate.starts_from and each.status is Status.OK]
    assert later
    assert any(each.outcome.inherited_steps > 0 for each in later)


def test_without_the_weights_of_its_parents_a_run_goes_on_from_scratch(tmp_path) -> None:
    run_inline(tmp_path / "run", "parent", budget={"evaluations": 12})
    shutil.rmtree(tmp_path / "run" / "weights")
    told = run_inline(tmp_path / "run", "parent", budget={"evaluations": 16})
    scored = [each for each in told[12:] if each.status is Status.OK]
    assert any(each.candidate.starts_from and not each.outcome.inherited_steps for each in scored)


def test_inheritance_and_rungs_go_together(tmp_path) -> None:
    fitness = {"inheritance": "parent", "rungs": [2], "reduction": 2}
    told = run_inline(tmp_path / "run", "parent", fitness=fitness, budget={"evaluations": 40})
    pruned = [each for each in told if each.status is Status.PRUNED]
    assert any(each.outcome.inherited_steps > 0 for each in pruned)
    continued = [each for each in told if each.candidate.continues is not None]
    by_id = {each.candidate.id: each for each in told}
    assert continued
    for each in continued:
        before = by_id[each.candidate.continues]
        assert each.outcome.inherited_steps == before.outcome.inherited_steps
        assert each.outcome.curve[:2] == before.outcome.curve
    run = Run.at(tmp_path / "run")
    history = run.history()
    assert list(verify(Experiment.of_run(run).strategy(), history.told, history.in_flight)) == []


def test_a_strategy_that_breeds_nothing_refuses_the_weights_of_parents() -> None:
    with pytest.raises(
        ConfigError, match="strategy.kind is random, which breeds no .*; must be none or bank"
    ):
        Experiment.of(configured(settings("parent", strategy={"kind": "random"})))


def test_a_search_with_shared_weights_ends_with_its_best_from_scratch(tmp_path) -> None:
    """ENAS: a controller, short trainings from the bank, and full ones from scratch, which alone may win."""
    told = run_inline(tmp_path / "run", "bank", strategy={"kind": "reinforce", "batch": 5})
    confirmed = [each for each in told if each.candidate.operator == FROM_SCRATCH]
    shared = [each for each in told if each.candidate.operator != FROM_SCRATCH]
    assert {(each.candidate.starts_from, each.candidate.budget) for each in shared} == {(BANK, 1)}
    assert sum(each.outcome.inherited_steps > 0 for each in shared) > BUDGET // 2
    assert {(each.candidate.starts_from, each.candidate.budget) for each in confirmed} == {("", 3)}
    # The last candidate is the best by shared weights that was not trained from scratch before.
    *earlier, last = confirmed
    known = {each.candidate.repeats for each in earlier}
    left = [
        each
        for each in shared
        if each.outcome.inherited_steps and each.is_complete and each.candidate.id not in known
    ]
    best = max(left, key=lambda each: each.standing)
    assert (last.candidate.id, last.candidate.repeats) == (BUDGET - 1, best.candidate.id)
    archive = Archive()
    archive.update(told)
    assert archive.best is not None
    assert archive.best.candidate.operator == FROM_SCRATCH
    run = Run.at(tmp_path / "run")
    history = run.history()
    assert list(verify(Experiment.of_run(run).strategy(), history.told, history.in_flight)) == []


def test_random_search_may_share_weights(tmp_path) -> None:
    told = run_inline(tmp_path / "run", "bank", strategy={"kind": "random"}, budget={"evaluations": 10})
    shared = [each for each in told if each.candidate.operator == "random"]
    assert {each.candidate.starts_from for each in shared} == {BANK}
    assert any(each.outcome.inherited_steps > 0 for each in shared)
