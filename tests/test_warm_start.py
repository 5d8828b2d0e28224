"""Searches that begin with networks of earlier runs, and need these runs no more."""

from __future__ import annotations

import math
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evo_nas.champion.export import export_champion
from evo_nas.config import configured
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Status
from evo_nas.experiment import Experiment
from evo_nas.genome.codec import from_json
from evo_nas.runs import Run
from evo_nas.sessions.events import Completed, Founded
from evo_nas.sessions.judging import judge
from evo_nas.sessions.local import LocalSession
from evo_nas.strategies.from_scratch import FROM_SCRATCH
from evo_nas.strategies.verification import verify

SPACE = {"widths": [4, 6], "batch_sizes": [256], "cell_nodes": 6}


def settings(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "seed": 3,
        "task": {"kind": "digits"},
        "space": SPACE,
        "strategy": {"kind": "aging", "population": 6, "tournament": 3, "warmup": 6},
        "training": {"epochs": 2, "time_limit_s": 60.0},
        "budget": {"evaluations": 12},
        **changes,
    }


def searched(place: Path, values: dict[str, Any]) -> Run:
    run = Run.at(place)
    with Experiment.of(configured(values)).open(run, executor="inline") as search:
        search.run()
    return run


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished and judged run whose children inherit, so that it keeps weights."""
    place = tmp_path_factory.mktemp("runs") / "earlier"
    run = searched(place, settings("earlier", fitness={"inheritance": "parent"}))
    list(judge(run, Experiment.of_run(run)))
    return place


def champion_hash(run: Run) -> str:
    """The identity of the champion with the setting that it is kept with, which may not be that of its candidate."""
    architecture = from_json(run.champion.files()["architecture.json"].decode())
    space = Experiment.of_run(run).space
    return space.canonical_hash(space.nearest(architecture).genome)


def test_the_champion_is_the_first_candidate_and_the_next_best_follow(earlier, tmp_path) -> None:
    run = searched(tmp_path / "run", settings("later", warm_start=[str(earlier)]))
    told = sorted(run.history().told, key=lambda each: each.candidate.id)
    assert told[0].candidate.canonical_hash == champion_hash(Run.at(earlier))
    names = [each.candidate.operator for each in told[:5]]
    assert all(name.startswith("seed:earlier #") for name in names)
    assert len({each.candidate.canonical_hash for each in told[:5]}) == 5
    # The founders of the space come after them.
    assert told[5].candidate.operator.startswith("seed:")
    assert not told[5].candidate.operator.startswith("seed:earlier")
    assert {each.outcome.inherited_steps for each in told} == {0}


def test_a_run_needs_the_earlier_ones_no_more(earlier, tmp_path) -> None:
    old = tmp_path / "old"
    shutil.copytree(earlier, old)
    values = settings("later", warm_start=str(old), budget={"evaluations": 4})
    searched(tmp_path / "run", values)
    shutil.rmtree(old)
    run = searched(tmp_path / "run", values | {"budget": {"evaluations": 9}})
    history = run.history()
    assert len(history.told) == 9
    assert history.told[4].candidate.operator.startswith("seed:earlier #")
    assert list(verify(Experiment.of_run(run).strategy(run), history.told, history.in_flight)) == []
    assert list(run.damage()) == []


def test_founders_with_weights_begin_where_their_training_ended(earlier, tmp_path) -> None:
    values = settings(
        "later",
        warm_start={"runs": [str(earlier)], "weights": True, "count": 3},
        fitness={"inheritance": "parent"},
    )
    run = searched(tmp_path / "run", values | {"budget": {"evaluations": 2}})
    first = run.founders[0]
    assert len(run.founders) == 3
    assert first.weights
    # Those that were not asked yet are kept for a later process.
    assert {each.weights for each in run.founders[2:]} - {""} <= set(run.weights.digests())
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    run = searched(tmp_path / "run", values | {"budget": {"evaluations": 20}})
    told = run.history().told
    champion = next(each for each in told if each.candidate.id == 0)
    assert champion.candidate.starts_from == first.weights
    assert champion.outcome.inherited_steps > 0
    cold = next(each for each in Run.at(earlier).history().told if each.candidate.id == 0)
    assert max(champion.outcome.fitness_curve[:1]) > cold.outcome.fitness_curve[0]
    # What inherited is trained from scratch before it can lead.
    assert any(each.candidate.operator == FROM_SCRATCH for each in told)
    best = run.best(1)[0]
    assert best["inherited_steps"] == 0
    assert list(verify(Experiment.of_run(run).strategy(run), told, ())) == []


def test_an_interrupted_start_leaves_a_place_where_a_run_can_begin(earlier, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    Run.at(tmp_path / "run").weights.put(b"left behind")
    run = searched(tmp_path / "run", settings("later", warm_start=[str(earlier)]))
    assert len(run.history().told) == 12
    assert run.founders


def test_another_task_and_other_widths_are_taken_as_far_as_they_fit(earlier, tmp_path) -> None:
    rows = [f"{math.sin(step / 5):.4f},{math.cos(step / 9):.4f}" for step in range(300)]
    (tmp_path / "waves.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    values = settings(
        "later",
        task={
            "kind": "forecast",
            "path": str(tmp_path / "waves.csv"),
            "targets": ["y"],
            "window": 8,
            "horizon": 2,
        },
        space={"widths": [8], "batch_sizes": [64]},
        warm_start={"runs": [str(earlier)], "weights": True},
        fitness={"inheritance": "parent"},
        budget={"evaluations": 3},
    )
    session = LocalSession(tmp_path / "run", executor="inline")
    session.start(configured(values))
    with closing(session.events()) as events:
        founded = next(event for event in events if isinstance(event, Founded))
        assert founded.remarks[0].startswith("begins with ")
        assert any("layer1.width" in remark and "-> 8" in remark for remark in founded.remarks)
        for event in events:
            if isinstance(event, Completed):
                break
            assert not isinstance(event, Founded)
    told = Run.at(tmp_path / "run").history().told
    assert any(each.outcome.inherited_steps > 0 for each in told)
    assert not any(each.status is Status.FAILED for each in told)


def test_an_exported_network_is_a_founder_too(earlier, tmp_path) -> None:
    export_champion(Run.at(earlier), tmp_path / "exported")
    values = settings(
        "later",
        warm_start={"runs": [str(tmp_path / "exported")], "weights": True},
        fitness={"inheritance": "parent"},
        budget={"evaluations": 2},
    )
    run = searched(tmp_path / "run", values)
    assert [each.name for each in run.founders] == ["exported"]
    assert next(each for each in run.history().told if each.candidate.id == 0).outcome.inherited_steps > 0


def unfinished(place: Path) -> None:
    searched(place, settings("unfinished", budget={"evaluations": 2}))
    run = Run.at(place)
    raised = Experiment.of(configured(settings("unfinished", budget={"evaluations": 9})))
    with raised.open(run, executor="inline"):
        pass


def test_what_cannot_be_used_is_refused_with_a_remedy(earlier, tmp_path) -> None:
    def refusal(values: dict[str, Any]) -> str:
        with pytest.raises(ConfigError) as refused:
            searched(tmp_path / "run", values)
        assert not Run.at(tmp_path / "run").exists
        return str(refused.value)

    assert "where no run is; give" in refusal(settings("later", warm_start=["nowhere"]))
    unfinished(tmp_path / "unfinished")
    assert "go on with `evo-nas resume" in refusal(
        settings("later", warm_start=[str(tmp_path / "unfinished")])
    )
    (tmp_path / "file.json").write_text("{}")
    assert "is no portfolio" in refusal(settings("later", warm_start=[str(tmp_path / "file.json")]))
    space = {"cells": ["rnn_tanh"], "evolve_cell": False, "max_parameters": 100, "widths": [1]}
    assert "none of their networks fits this space" in refusal(
        settings("later", space=space, warm_start=[str(earlier)])
    )
    weights = {"runs": [str(earlier)], "weights": True}
    assert "fitness.inheritance is none; must be parent" in refusal(settings("later", warm_start=weights))
    twice = [str(earlier), str(earlier)]
    assert "name each run once" in refusal(settings("later", warm_start=twice))


def test_an_earlier_run_that_is_missing_is_noticed_before_data_are_read(tmp_path) -> None:
    session = LocalSession(tmp_path / "run", executor="inline")
    session.start(configured(settings("later", warm_start=[str(tmp_path / "nowhere")])))
    with pytest.raises(ConfigError, match="where no run is"):
        next(session.events())


def test_in_a_cluster_an_earlier_run_has_an_absolute_path() -> None:
    experiment = Experiment.of(configured(settings("later", warm_start=["runs/earlier"])))
    experiment.check_warm_start("ray")
    with pytest.raises(ConfigError, match="warm_start.runs has runs/earlier; must be an absolute path"):
        experiment.check_warm_start("cluster")


def test_a_later_process_continues_only_what_it_began_with(earlier, tmp_path) -> None:
    values = settings("later", warm_start=[str(earlier)], budget={"evaluations": 3})
    searched(tmp_path / "run", values)
    changed = settings("later", warm_start={"runs": [str(earlier)], "count": 2}, budget={"evaluations": 5})
    with pytest.raises(Exception, match=r"warm_start\.count: was 5, is 2"):
        searched(tmp_path / "run", changed)
