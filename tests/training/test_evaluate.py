from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate, Status
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.randomness import stream
from evo_nas.training import evaluate
from evo_nas.training.evaluate import EvaluatorFactory
from evo_nas.training.trainer import Regimen, train

OPTIONS = SpaceOptions(widths=(4, 8), max_parameters=5000)


@pytest.fixture
def space(dataset) -> SearchSpace:
    return SearchSpace(OPTIONS, dataset.signature, 3)


def candidate(space: SearchSpace, *, seed: int = 3, budget: int = 3, genome=None) -> Candidate:
    genome = space.seeds()[0][1] if genome is None else genome
    return Candidate(0, genome, space.canonical_hash(space.seeds()[0][1]), (), "seed:lstm", seed, budget, 0)


def test_a_candidate_is_trained_for_its_budget_with_its_seed(space, dataset) -> None:
    evaluator = EvaluatorFactory(space, dataset, device="cpu")()
    outcome = evaluator(candidate(space))
    assert outcome.status is Status.OK
    assert outcome.epochs == 3
    assert set(outcome.metrics) == {"train_loss", "validation_loss", "validation_accuracy"}
    assert outcome.fitness == outcome.metrics["validation_accuracy"]
    assert evaluator(candidate(space)).curve == outcome.curve
    assert evaluator(candidate(space, seed=4)).metrics != outcome.metrics


def test_the_factory_pickles_and_builds_the_same_evaluator(space, dataset) -> None:
    factory = EvaluatorFactory(space, dataset, device="cpu")
    copy = pickle.loads(pickle.dumps(factory))
    assert copy()(candidate(space)).metrics == factory()(candidate(space)).metrics


def test_random_candidates_come_back_as_outcomes(space, dataset) -> None:
    evaluator = EvaluatorFactory(space, dataset, device="cpu")()
    outcomes = [
        evaluator(candidate(space, budget=1, genome=space.random(stream(0, "test", k)))) for k in range(12)
    ]
    assert {outcome.status for outcome in outcomes} <= {Status.OK, Status.DIVERGED}
    assert sum(outcome.status is Status.OK for outcome in outcomes) > 6


def test_the_time_limit_and_threads_are_those_of_the_factory(space, dataset) -> None:
    evaluator = EvaluatorFactory(space, dataset, device="cpu", threads=2, time_limit_s=0.0)()
    assert torch.get_num_threads() == 2
    assert evaluator(candidate(space)).status is Status.TIMED_OUT


def test_what_the_space_and_the_factory_say_reaches_the_training(space, dataset, monkeypatch) -> None:
    seen: list[Regimen] = []
    monkeypatch.setattr(
        evaluate, "train", lambda _, __, regimen: (seen.append(regimen), train(_, __, regimen))[1]
    )
    factory = EvaluatorFactory(
        space, dataset, device="cpu", time_limit_s=60.0, schedule="cosine", memory_bytes=2**30, lanes=4
    )
    assert factory()(candidate(space, seed=9, budget=2)).status is Status.OK
    assert seen == [
        Regimen(
            epochs=2, seed=9, time_limit_s=60.0, max_parameters=5000, schedule="cosine", memory_bytes=2**28
        )
    ]


def test_several_threads_may_call_one_evaluator(space, dataset) -> None:
    evaluator = EvaluatorFactory(space, dataset, device="cpu")()
    genomes = [space.random(stream(0, "test", k)) for k in range(6)]
    alone = [evaluator(candidate(space, genome=genome)).metrics for genome in genomes]
    with ThreadPoolExecutor(3) as lanes:
        together = lanes.map(lambda genome: evaluator(candidate(space, genome=genome)).metrics, genomes)
        assert list(together) == alone


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_bfloat16_on_a_cpu_is_refused(space, dataset) -> None:
    with pytest.raises(ConfigError, match="precision is bfloat16; this process trains on its CPU"):
        EvaluatorFactory(space, dataset, precision="bfloat16")()


def test_a_genome_of_another_space_is_a_failed_outcome(space, dataset) -> None:
    outcome = EvaluatorFactory(space, dataset, device="cpu")()(candidate(space, genome=(0, 0)))
    assert outcome.status is Status.FAILED
    assert "the genome has 2 genes" in outcome.error
