"""Aging evolution as a searcher of Ray Tune: it learns, it survives, and a tuner can use it."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import cloudpickle, tune
from ray.tune.search import ConcurrencyLimiter, Searcher

from evo_nas.errors import ConfigError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.codec import from_json
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.aging import AgingOptions
from evo_nas.tune import AgingEvolutionSearch

DOMAINS = {"x": tune.uniform(-1.0, 1.0), "inner": {"y": tune.randint(0, 50)}, "kind": tune.choice(["a", "b"])}
FAST = AgingOptions(population=10, tournament=4, warmup=6)


def searcher(**options: Any) -> AgingEvolutionSearch:
    return AgingEvolutionSearch(
        **({"space": DOMAINS, "metric": "loss", "mode": "min", "options": FAST} | options)
    )


def loss(config: dict[str, Any]) -> float:
    return abs(config["x"] - 0.5) + abs(config["inner"]["y"] - 20) / 50 + (config["kind"] == "b")


def run(search: Searcher, first: int, last: int) -> list[dict[str, Any]]:
    configs = []
    for number in range(first, last):
        config = search.suggest(f"trial{number}")
        configs.append(config)
        if number % 7 == 3:
            search.on_trial_complete(f"trial{number}", error=True)
        else:
            search.on_trial_complete(f"trial{number}", {"loss": loss(config), "training_iteration": 1})
    return configs


def test_it_finds_what_is_good_in_either_direction() -> None:
    for mode, sign in (("min", 1.0), ("max", -1.0)):
        search = searcher(mode=mode)
        losses = []
        for number in range(120):
            config = search.suggest(str(number))
            losses.append(loss(config))
            search.on_trial_complete(str(number), {"loss": sign * losses[-1], "training_iteration": 1})
        assert statistics.median(losses[-40:]) < 0.5 * statistics.median(losses[:20])


def test_what_was_saved_goes_on_as_if_nothing_had_happened(tmp_path) -> None:
    whole = searcher()
    run(whole, 0, 25)
    whole.suggest("in flight")
    whole.save(str(tmp_path / "state"))
    pickled = cloudpickle.loads(cloudpickle.dumps(whole))
    rest = [whole.suggest("next"), *run(whole, 30, 40)]
    restored = searcher()
    restored.restore(str(tmp_path / "state"))
    assert [restored.suggest("next"), *run(restored, 30, 40)] == rest
    assert [pickled.suggest("next"), *run(pickled, 30, 40)] == rest
    # The trial in flight belongs to the restored one, too.
    restored.on_trial_complete("in flight", {"loss": 0.1})


def test_a_tuner_may_give_the_space_after_the_state(tmp_path) -> None:
    whole = searcher()
    run(whole, 0, 12)
    whole.save(str(tmp_path / "state"))
    later = AgingEvolutionSearch(options=FAST)
    later.restore(str(tmp_path / "state"))
    assert later.set_search_properties("loss", "min", DOMAINS)
    assert later.suggest("next") == whole.suggest("next")
    assert not later.set_search_properties("other", "max", {})


def test_a_state_of_another_searcher_is_refused(tmp_path) -> None:
    searcher().save(str(tmp_path / "state"))
    with pytest.raises(ConfigError, match="seed 1; this searcher has 1 and 2"):
        searcher(seed=2).restore(str(tmp_path / "state"))
    with pytest.raises(ConfigError, match="of another search space"):
        searcher(space={"x": tune.uniform(0, 1)}).restore(str(tmp_path / "state"))


@pytest.mark.parametrize("result", [None, {}, {"loss": math.nan}, {"loss": "much"}, {"other": 1.0}])
def test_a_trial_without_a_number_counts_as_failed(result) -> None:
    search = searcher()
    search.suggest("one")
    search.on_trial_complete("one", result)
    search.on_trial_complete("of another searcher", {"loss": 1.0})
    assert search.suggest("two") is not None


def test_what_a_scheduler_stopped_early_is_never_compared_with_what_ended() -> None:
    search = searcher(max_t=10)
    early = {}
    for number in range(60):
        config = search.suggest(str(number))
        stops = config["kind"] == "b"
        early[number] = stops
        result = {"loss": -5.0 if stops else loss(config), "training_iteration": 3 if stops else 10}
        search.on_trial_complete(str(number), result)
    assert sum(early[number] for number in range(30, 60)) < 12


def test_a_search_space_of_networks_gives_genomes_and_their_json() -> None:
    space = SearchSpace(SpaceOptions(widths=(8, 16)), Signature(features=3, outputs=2), 4)
    search = AgingEvolutionSearch(space, metric="accuracy", mode="max")
    config = search.suggest("one")
    assert space.decode(tuple(config["genome"])) == from_json(config["architecture"])
    with pytest.raises(ConfigError, match="points_to_evaluate"):
        AgingEvolutionSearch(space, points_to_evaluate=[{"x": 1}])


def test_an_exhausted_space_ends_the_search() -> None:
    search = searcher(space={"kind": tune.choice(["a", "b"])})
    assert {search.suggest("one")["kind"], search.suggest("two")["kind"]} == {"a", "b"}
    assert search.suggest("three") == Searcher.FINISHED


def test_points_to_evaluate_come_first() -> None:
    point = {"x": 0.5, "inner": {"y": 20}, "kind": "a"}
    assert searcher(points_to_evaluate=[point]).suggest("one") == point


def test_without_a_metric_or_a_space_it_says_what_is_missing() -> None:
    with pytest.raises(RuntimeError, match="search space"):
        AgingEvolutionSearch(metric="loss", mode="min").suggest("one")
    with pytest.raises(RuntimeError, match="metric"):
        AgingEvolutionSearch(DOMAINS).suggest("one")
    with pytest.raises(ConfigError, match="mode is 'best'"):
        AgingEvolutionSearch(mode="best")


def train(config: dict[str, Any]) -> dict[str, float]:
    if config["kind"] == "b":
        raise ValueError("this kind fails")
    return {"loss": loss(config)}


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_a_tuner_uses_it_and_goes_on_after_an_interruption(tmp_path: Path) -> None:
    ray.init(include_dashboard=False, num_cpus=2, object_store_memory=100_000_000, ignore_reinit_error=True)
    try:
        search = AgingEvolutionSearch(options=FAST)
        tuner = tune.Tuner(
            train,
            param_space=DOMAINS | {"fixed": 1},
            tune_config=tune.TuneConfig(
                metric="loss",
                mode="min",
                search_alg=ConcurrencyLimiter(search, 2),
                num_samples=14,
                reuse_actors=True,  # a process for each trial would take a second and a half
            ),
            run_config=tune.RunConfig(name="evolved", storage_path=str(tmp_path), verbose=0),
        )
        results = tuner.fit()
        assert len(results) == 14
        assert all((result.error is not None) == (result.config["kind"] == "b") for result in results)
        assert results.get_best_result().metrics["loss"] < 1.0
        states = list((tmp_path / "evolved").glob("searcher-state-*.pkl"))
        assert states
        again = AgingEvolutionSearch(options=FAST)
        again.set_search_properties("loss", "min", DOMAINS)
        again.restore(str(states[0]))
        configs = [dict(result.config) for result in results]
        assert again.suggest("one more") not in configs
        restored = tune.Tuner.restore(str(tmp_path / "evolved"), train, param_space=DOMAINS | {"fixed": 1})
        assert len(restored.fit()) == 14
    finally:
        ray.shutdown()
