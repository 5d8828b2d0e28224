from __future__ import annotations

import numpy as np
import pytest
import torch

from evo_nas.evaluation import Candidate, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.parameters import count_parameters
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.tasks.dataset import Sequences, Stream, Windows
from evo_nas.training.batches import Extent, as_split
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
    short, long, wide = (
        least_bytes(architecture, dataset.signature, Extent(*extent))
        for extent in ((64, 10), (64, 100), (256, 100))
    )
    assert 16 * count_parameters(architecture, dataset.signature) < short < long < wide


LENGTHS = np.array([9, 2, 5, 3, 7])
WORDS = np.arange(5 * 9 * 1, dtype=np.float32).reshape(5, 9, 1)
ROWS = np.zeros((40, 2), dtype=np.float32)


@pytest.mark.parametrize(
    "part",
    [
        Sequences(WORDS, np.arange(5)),
        Sequences(WORDS, np.arange(5), LENGTHS),
        Windows(ROWS, ROWS[:, :1], np.arange(5, 38), window=5, horizon=2),
        Stream(np.arange(101), steps=10),
        Stream(np.arange(25), steps=10),
        Stream(np.arange(4), steps=10),
    ],
    ids=lambda part: type(part).__name__,
)
@pytest.mark.parametrize("size", [1, 2, 4, 64])
def test_no_epoch_is_without_a_batch_of_the_least_extent(part, size) -> None:
    split = as_split(part, Signature(features=1, outputs=1), torch.device("cpu"))
    least, generator = split.least_batch(size), torch.Generator().manual_seed(size)
    assert least.rows * least.steps > 0
    for _ in range(20):
        extents = [batch.inputs.shape[:2] for batch in split.shuffled(size, generator)]
        assert any(rows >= least.rows and steps >= least.steps for rows, steps in extents)


def test_a_candidate_that_cannot_fit_is_too_big_and_says_by_how_much(space, dataset) -> None:
    outcome = EvaluatorFactory(space, dataset, device="cpu", memory_bytes=1000)()(founder(space))
    assert (outcome.status, outcome.epochs) == (Status.TOO_BIG, 0)
    assert outcome.error.startswith("needs at least ")
    assert outcome.error.endswith("bytes; this worker has 1000")


def test_a_candidate_that_fits_is_trained(space, dataset) -> None:
    assert (
        EvaluatorFactory(space, dataset, device="cpu", memory_bytes=2**30)()(founder(space)).status
        is Status.OK
    )


@pytest.mark.parametrize("share", [0.0, 1.0, 0.5])
def test_a_cpu_has_no_shares(share: float) -> None:
    assert limit_memory(torch.device("cpu"), gpu_share=share) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_process_is_kept_to_its_share_of_a_gpu() -> None:
    total = torch.cuda.get_device_properties(0).total_memory
    assert limit_memory(torch.device("cuda"), gpu_share=0.25) == total // 4
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(total // 3, dtype=torch.uint8, device="cuda")
