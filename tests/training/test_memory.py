from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from evo_nas.evaluation import Candidate, Status
from evo_nas.genome.parameters import count_parameters
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.training.evaluate import EvaluatorFactory
from evo_nas.training.memory import least_bytes, limit_memory


@pytest.fixture
def space(dataset) -> SearchSpace:
    return SearchSpace(SpaceOptions(widths=(4, 8)), dataset.signature, 3)


def founder(space: SearchSpace) -> Candidate:
    genome = space.seeds()[0][1]
    return Candidate(0, genome, space.canonical_hash(genome), (), "seed:lstm", 3, 1, 0)


def test_longer_sequences_and_larger_batches_need_more(space, dataset) -> None:
    architecture = space.decode(founder(space).genome)
    larger = replace(architecture, training=replace(architecture.training, batch_size=256))
    short, long, wide = (
        least_bytes(each, dataset.signature, steps=steps)
        for each, steps in ((architecture, 10), (architecture, 100), (larger, 100))
    )
    assert 16 * count_parameters(architecture, dataset.signature) < short < long < wide


def test_a_candidate_that_cannot_fit_is_too_big_and_says_by_how_much(space, dataset) -> None:
    outcome = EvaluatorFactory(space, dataset, memory_bytes=1000)()(founder(space))
    assert (outcome.status, outcome.epochs) == (Status.TOO_BIG, 0)
    assert outcome.error.startswith("needs at least ")
    assert outcome.error.endswith("bytes; this worker has 1000")


def test_a_candidate_that_fits_is_trained(space, dataset) -> None:
    assert EvaluatorFactory(space, dataset, memory_bytes=2**30)()(founder(space)).status is Status.OK


@pytest.mark.parametrize("share", [0.0, 1.0, 0.5])
def test_a_cpu_has_no_shares(share: float) -> None:
    assert limit_memory(torch.device("cpu"), gpu_share=share) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_process_is_kept_to_its_share_of_a_gpu() -> None:
    total = torch.cuda.get_device_properties(0).total_memory
    assert limit_memory(torch.device("cuda"), gpu_share=0.25) == total // 4
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(total // 3, dtype=torch.uint8, device="cuda")
