from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from evo_nas.config import FitnessOptions, TrainingConfig
from evo_nas.errors import ConfigError, RunError
from evo_nas.evaluation import Candidate, Status
from evo_nas.genome.costs import Costs
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.randomness import stream
from evo_nas.tasks.cuts.making import with_cuts
from evo_nas.tasks.dataset import Dataset, Sequences
from evo_nas.tasks.parity import ParityTask
from evo_nas.training import evaluator
from evo_nas.training.batches import prepare
from evo_nas.training.course import Course
from evo_nas.training.cuts import PreparedCuts
from evo_nas.training.evaluator import EvaluatorFactory
from evo_nas.training.trainer import Trained, train
from evo_nas.weights import digest_of

OPTIONS = SpaceOptions(widths=(4, 8), max_parameters=5000)
ON_CPU = TrainingConfig(device="cpu")


@pytest.fixture
def space(dataset) -> SearchSpace:
    return SearchSpace(OPTIONS, dataset.signature, 3)


def candidate(space: SearchSpace, *, seed: int = 3, budget: int = 3, genome=None) -> Candidate:
    genome = space.seeds()[0][1] if genome is None else genome
    return Candidate(0, genome, space.canonical_hash(space.seeds()[0][1]), (), "seed:lstm", seed, budget, 0)


def test_a_candidate_is_trained_for_its_budget_with_its_seed(space, dataset) -> None:
    evaluator = EvaluatorFactory(space, dataset, ON_CPU)()
    outcome = evaluator(candidate(space))
    assert outcome.status is Status.OK
    assert outcome.epochs == 3
    assert set(outcome.metrics) == {"train_loss", "validation_loss", "validation_accuracy"}
    assert outcome.fitness == outcome.metrics["validation_accuracy"]
    assert evaluator(candidate(space)).curve == outcome.curve
    assert evaluator(candidate(space, seed=4)).metrics != outcome.metrics


def test_costs_are_among_the_metrics_if_they_are_objectives(space, dataset) -> None:
    several = FitnessOptions(objectives=("fitness", "energy"))
    outcome = EvaluatorFactory(space, dataset, ON_CPU, fitness=several)()(candidate(space))
    plain = EvaluatorFactory(space, dataset, ON_CPU)()(candidate(space))
    costs = Costs.of(space.decode(candidate(space).genome), dataset.signature).metrics
    assert outcome.metrics == {**plain.metrics, **costs}
    assert outcome.fitness == plain.fitness


def test_latency_is_measured_if_it_is_asked_for(space, dataset) -> None:
    timed = FitnessOptions(latency=True)
    outcome = EvaluatorFactory(space, dataset, ON_CPU, fitness=timed)()(candidate(space))
    assert 0 < outcome.metrics["latency_p50_ms"] <= outcome.metrics["latency_p99_ms"]


def test_the_factory_pickles_and_builds_the_same_evaluator(space, dataset) -> None:
    factory = EvaluatorFactory(space, dataset, ON_CPU)
    copy = pickle.loads(pickle.dumps(factory))
    assert copy()(candidate(space)).metrics == factory()(candidate(space)).metrics


def test_random_candidates_come_back_as_outcomes(space, dataset) -> None:
    evaluator = EvaluatorFactory(space, dataset, ON_CPU)()
    outcomes = [
        evaluator(candidate(space, budget=1, genome=space.random(stream(0, "test", k)))) for k in range(12)
    ]
    assert {outcome.status for outcome in outcomes} <= {Status.OK, Status.DIVERGED}
    assert sum(outcome.status is Status.OK for outcome in outcomes) > 6


def test_the_factory_sets_one_thread_and_the_time_limit_of_the_configuration(space, dataset) -> None:
    torch.set_num_threads(2)
    evaluator = EvaluatorFactory(space, dataset, TrainingConfig(device="cpu", time_limit_s=1e-9))()
    assert torch.get_num_threads() == 1
    assert evaluator(candidate(space)).status is Status.TIMED_OUT


def test_the_factory_builds_the_interpreter_before_anything_is_trained(space, dataset, monkeypatch) -> None:
    built: list[bool] = []
    monkeypatch.setattr(evaluator, "native_status", lambda: built.append(True))
    EvaluatorFactory(space, dataset, ON_CPU)()
    assert built == [True]


def test_what_the_factory_is_given_reaches_the_training(space, dataset, monkeypatch) -> None:
    seen = []

    def spy(architecture, data, training, **how) -> Trained:
        seen.append((training, how))
        return train(architecture, data, training, **how)

    monkeypatch.setattr(evaluator, "train", spy)
    training = TrainingConfig(device="cpu", time_limit_s=60.0, schedule="cosine")
    factory = EvaluatorFactory(space, dataset, training, memory_bytes=2**30, lanes=4)
    assert factory()(candidate(space, seed=9, budget=2)).status is Status.OK
    assert seen == [(training, {"epochs": 2, "seed": 9, "memory_bytes": 2**28, "course": Course()})]


def test_attention_over_more_steps_than_memory_allows_is_refused_before_training(dataset) -> None:
    long = Sequences(np.zeros((8, 20_000, 2), dtype=np.float32), np.zeros(8, dtype=np.int64))
    outcomes = []
    for context in ("none", "attention"):
        options = SpaceOptions.model_validate({"widths": (4,), "contexts": (context,)})
        space = SearchSpace(options, dataset.signature, 3)
        data = replace(dataset, train=long)
        limited = EvaluatorFactory(space, data, TrainingConfig(time_limit_s=1e-9), memory_bytes=2**26)()
        outcomes.append(limited(candidate(space)))
    assert [outcome.status for outcome in outcomes] == [Status.TIMED_OUT, Status.TOO_BIG]
    assert "this worker has 67108864" in outcomes[1].error


def test_truncation_admits_what_memory_allows_for_a_piece_only(space, dataset) -> None:
    long = Sequences(np.zeros((8, 200_000, 2), dtype=np.float32), np.zeros(8, dtype=np.int64))
    outcomes = [
        EvaluatorFactory(
            space,
            replace(dataset, train=long),
            TrainingConfig(time_limit_s=1e-9, truncation=truncation),
            memory_bytes=2**24,
        )()(candidate(space))
        for truncation in (None, 100)
    ]
    assert [outcome.status for outcome in outcomes] == [Status.TOO_BIG, Status.TIMED_OUT]


def test_several_threads_may_call_one_evaluator(space, dataset) -> None:
    evaluator = EvaluatorFactory(space, dataset, ON_CPU)()
    genomes = [space.random(stream(0, "test", k)) for k in range(6)]
    alone = [evaluator(candidate(space, genome=genome)).metrics for genome in genomes]
    with ThreadPoolExecutor(3) as lanes:
        together = lanes.map(lambda genome: evaluator(candidate(space, genome=genome)).metrics, genomes)
        assert list(together) == alone


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_bfloat16_on_a_cpu_is_refused(space, dataset) -> None:
    with pytest.raises(ConfigError, match="precision is bfloat16; this process trains on its CPU"):
        EvaluatorFactory(space, dataset, TrainingConfig(precision="bfloat16"))()


def test_a_genome_of_another_space_is_a_failed_outcome(space, dataset) -> None:
    outcome = EvaluatorFactory(space, dataset, ON_CPU)()(candidate(space, genome=(0, 0)))
    assert outcome.status is Status.FAILED
    assert "the genome has 2 genes" in outcome.error


def test_too_many_parameters_are_never_built(space, dataset, monkeypatch) -> None:
    def fail(*_, **__) -> None:
        raise AssertionError("it was trained")

    monkeypatch.setattr(evaluator, "train", fail)
    tight = SearchSpace(OPTIONS.model_copy(update={"max_parameters": 40}), dataset.signature, 3)
    outcome = EvaluatorFactory(tight, dataset, ON_CPU)()(candidate(space))
    assert outcome.status is Status.TOO_BIG
    assert outcome.error == f"{outcome.parameters} parameters are more than the 40 permitted"


def test_a_candidate_that_cannot_fit_is_too_big_and_says_by_how_much(space, dataset) -> None:
    outcome = EvaluatorFactory(space, dataset, ON_CPU, memory_bytes=1000)()(candidate(space))
    assert (outcome.status, outcome.epochs) == (Status.TOO_BIG, 0)
    assert outcome.error.startswith("needs at least ")
    assert outcome.error.endswith("bytes; this worker has 1000")


def test_a_candidate_that_fits_is_trained(space, dataset) -> None:
    assert (
        EvaluatorFactory(space, dataset, ON_CPU, memory_bytes=2**30)()(candidate(space)).status is Status.OK
    )


class MemoryWeights:
    """Keeps weights in this process."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        self._contents[digest_of(content)] = content
        return digest_of(content)

    def get(self, digest: str) -> bytes | None:
        return self._contents.get(digest)


def rung(space: SearchSpace, threshold: float, **changed) -> Candidate:
    return replace(candidate(space), rungs=(1, 2), thresholds=(-1.0, threshold), **changed)


def test_a_candidate_that_was_pruned_goes_on_from_what_it_left(space, dataset, monkeypatch) -> None:
    kept = MemoryWeights()
    evaluate = EvaluatorFactory(space, dataset, ON_CPU, weights=kept)()
    whole = evaluate(candidate(space))
    pruned = evaluate(rung(space, 1e9))
    assert (pruned.status, pruned.epochs, pruned.curve) == (Status.PRUNED, 2, whole.curve[:2])
    content = kept.get(pruned.weights)
    seen = []
    monkeypatch.setattr(
        evaluator, "train", lambda *_, course, **__: seen.append(course) or Trained(whole, None)
    )
    evaluate(replace(candidate(space), id=1, continues=0, starts_from=pruned.weights))
    monkeypatch.undo()
    continued = evaluate(replace(candidate(space), id=1, continues=0, starts_from=pruned.weights))
    assert seen[0].checkpoint == content is not None
    assert (continued.status, continued.curve, continued.metrics) == (Status.OK, whole.curve, whole.metrics)
    assert (continued.steps, continued.weights) == (whole.steps, "")


class Unreachable(MemoryWeights):
    def put(self, content: bytes) -> str:
        raise OSError("the disk is full")

    def get(self, digest: str) -> bytes | None:
        raise RunError("the bucket does not answer")


@pytest.mark.parametrize("weights", [MemoryWeights(), Unreachable(), None])
def test_without_what_it_left_it_begins_again_and_gives_the_same(space, dataset, weights) -> None:
    evaluate = EvaluatorFactory(space, dataset, ON_CPU, weights=weights)()
    whole = evaluate(candidate(space))
    continued = evaluate(replace(candidate(space), id=1, continues=0, starts_from="0" * 64))
    assert (continued.curve, continued.metrics) == (whole.curve, whole.metrics)


def test_a_score_counts_though_its_weights_cannot_be_kept(space, dataset) -> None:
    for weights in (Unreachable(), None):
        outcome = EvaluatorFactory(space, dataset, ON_CPU, weights=weights)()(rung(space, 1e9))
        assert (outcome.status, outcome.weights) == (Status.PRUNED, "")


def test_a_rung_without_a_threshold_prunes_nothing(space, dataset) -> None:
    evaluate = EvaluatorFactory(space, dataset, ON_CPU)()
    assert evaluate(replace(candidate(space), rungs=(1, 2), thresholds=(-1.0,))).status is Status.OK


def test_a_candidate_is_trained_on_its_cut(tmp_path) -> None:
    data = with_cuts(ParityTask.sample(tmp_path).read().dataset, 3)
    space = SearchSpace(SpaceOptions(widths=(4,)), data.signature, 3)
    evaluate = EvaluatorFactory(space, data, ON_CPU)()
    outcomes = [evaluate(replace(candidate(space), cut=number)) for number in (0, 1, 2, 1)]
    losses = [outcome.metrics["validation_loss"] for outcome in outcomes]
    assert len(set(losses)) == 3
    assert losses[1] == losses[3]
    alone = train(
        space.decode(candidate(space).genome), prepare(data.of_cut(2)), ON_CPU, epochs=3, seed=3
    ).outcome
    assert alone.metrics == outcomes[2].metrics


def test_a_cut_that_does_not_exist_is_a_failure_with_a_reason(space, dataset) -> None:
    outcome = EvaluatorFactory(space, dataset, ON_CPU)()(replace(candidate(space), cut=2))
    assert outcome.status is Status.FAILED
    assert outcome.error.startswith("DataError: sign of the mean has no cut 2; must be 0 to 0")


def test_a_cut_is_prepared_once_when_it_is_first_needed(tmp_path, monkeypatch) -> None:
    data = with_cuts(ParityTask.sample(tmp_path).read().dataset, 4)
    made: list[int] = []
    of_cut = Dataset.of_cut
    monkeypatch.setattr(Dataset, "of_cut", lambda self, number: made.append(number) or of_cut(self, number))
    prepared = PreparedCuts(data, torch.device("cpu"))
    assert made == []
    assert prepared.of(2) is prepared.of(2)
    assert prepared.of(2).starts is not prepared.of(1).starts
    assert made == [2, 1]
