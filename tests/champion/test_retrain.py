"""One training of the verdict: the same wherever it is made, and known by what was asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load

from evo_nas.champion.retrain import Retrained, Retraining, retrain_here, retrain_one
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.cuts.parts import PartsCut
from evo_nas.tasks.dataset import Dataset
from evo_nas.tasks.parity import ParityTask
from evo_nas.training import trainer

TRAINING = TrainingConfig(epochs=1, device="cpu", time_limit_s=1e-9)
"""Its time limit is one of the search: a training of the verdict comes to its end."""
REQUEST = Retraining(
    "the champion", Architecture(layers=(Layer(NAMED_CELLS["gru"], 4),), embedding=2), epochs=1, seed=3
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return ParityTask.sample(tmp_path_factory.mktemp("parity")).read().dataset


def test_equal_requests_have_one_key_and_other_ones_have_others() -> None:
    others = [
        replace(REQUEST, seed=4),
        replace(REQUEST, epochs=2),
        replace(REQUEST, keeps_weights=True),
        replace(REQUEST, cut=1),
        replace(REQUEST, schedule="cosine"),
        replace(REQUEST, architecture=Architecture(layers=(Layer(NAMED_CELLS["lstm"], 4),), embedding=2)),
    ]
    assert replace(REQUEST, name="under another name").key == REQUEST.key
    assert len({REQUEST.key, *(other.key for other in others)}) == 7


def test_it_gives_the_same_here_and_in_a_process_of_its_own(dataset: Dataset) -> None:
    asked = replace(REQUEST, keeps_weights=True)
    ((request, here, weights),) = filter(None, retrain_here([asked], dataset, TRAINING))
    there, others = retrain_one(asked, dataset, TRAINING)
    assert request is asked
    assert here == there
    assert here.succeeded
    assert weights is not None
    assert weights == others
    assert sum(tensor.numel() for tensor in load(weights).values()) == here.parameters


def test_a_training_on_another_cut_learns_from_its_rows(dataset: Dataset) -> None:
    # The rows of the first cut are learnt by heart only where they are the ones that are learnt from.
    swapped = replace(dataset, cuts=(PartsCut(dataset.validation, dataset.train),))
    first, other = (retrain_one(replace(REQUEST, cut=cut), swapped, TRAINING)[0] for cut in (0, 1))
    assert other == retrain_one(REQUEST, swapped.of_cut(1), TRAINING)[0]
    assert other != first
    ((_, here, _),) = filter(None, retrain_here([replace(REQUEST, cut=1)], swapped, TRAINING))
    assert here == other


def test_no_training_looks_at_the_test_part(dataset: Dataset) -> None:
    without = replace(dataset, test=None)  # type: ignore[arg-type]
    assert retrain_one(REQUEST, without, TRAINING) == retrain_one(REQUEST, dataset, TRAINING)


def test_a_schedule_of_its_own_takes_the_place_of_that_of_the_search(dataset: Dataset) -> None:
    asked = replace(REQUEST, epochs=3, keeps_weights=True)
    cosine = TRAINING.model_copy(update={"schedule": "cosine"})
    own = retrain_one(replace(asked, schedule="cosine"), dataset, TRAINING)
    assert own == retrain_one(asked, dataset, cosine)
    assert own[1] != retrain_one(asked, dataset, TRAINING)[1]


def test_weights_are_given_only_where_they_are_wanted(dataset: Dataset) -> None:
    assert retrain_one(REQUEST, dataset, TRAINING)[1] is None


def test_a_training_that_fails_says_why(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise FloatingPointError("a gradient was infinite")

    monkeypatch.setattr(trainer._Fit, "run", explode)
    result, weights = retrain_one(replace(REQUEST, keeps_weights=True), dataset, TRAINING)
    assert not result.succeeded
    assert "a gradient was infinite" in result.error
    assert weights is None


def test_scores_survive_json(tmp_path: Path) -> None:
    result = Retrained(12, validation=0.5, train_s=0.25)
    kept = json.loads(json.dumps(result.to_values() | {"weights": ""}))
    assert Retrained.from_values(kept) == result
    assert not Retrained(12, validation=0.5, error="it diverged").succeeded
