"""An epoch is measured as a worker would train it."""

from __future__ import annotations

import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.evaluation import Outcome, Status
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.training import measuring
from evo_nas.training.course import Trained
from evo_nas.training.measuring import measured_epoch_s

TRAINING = TrainingConfig(device="cpu")


@pytest.fixture
def space(dataset) -> SearchSpace:
    return SearchSpace(SpaceOptions(widths=(4,)), dataset.signature, 8)


def test_an_epoch_is_measured_with_the_one_thread_of_a_worker(space, dataset, monkeypatch) -> None:
    threads: list[int] = []

    def train(*_: object, **__: object) -> Trained:
        threads.append(torch.get_num_threads())
        return Trained(Outcome(Status.OK, fitness=1.0, train_s=2.5), None)

    torch.set_num_threads(2)
    monkeypatch.setattr(measuring, "train", train)
    assert measured_epoch_s(space, dataset, TRAINING) == 2.5
    assert (threads, torch.get_num_threads()) == ([1, 1], 2)


@pytest.mark.parametrize(("seconds", "measured"), [([9.0, 0.3], 0.3), ([0.3, 0.4], 0.3), ([61.0], 61.0)])
def test_what_the_first_training_of_a_process_takes_longer_does_not_count(
    space, dataset, monkeypatch, seconds, measured
) -> None:
    outcomes = iter([Outcome(Status.OK, fitness=1.0, train_s=each) for each in seconds])
    monkeypatch.setattr(measuring, "train", lambda *_, **__: Trained(next(outcomes), None))
    assert measured_epoch_s(space, dataset, TRAINING) == measured
    assert next(outcomes, None) is None


def test_networks_that_do_not_train_tell_no_time(space, dataset, monkeypatch) -> None:
    failed = [Outcome(status, train_s=9.0) for status in (Status.DIVERGED, Status.TOO_BIG)]
    outcomes = iter([*failed, *2 * [Outcome(Status.OK, fitness=1.0, train_s=0.5)]])
    monkeypatch.setattr(measuring, "train", lambda *_, **__: Trained(next(outcomes), None))
    assert measured_epoch_s(space, dataset, TRAINING) == 0.5
    monkeypatch.setattr(measuring, "train", lambda *_, **__: Trained(Outcome(Status.FAILED), None))
    assert measured_epoch_s(space, dataset, TRAINING) is None


def test_a_process_without_the_gpus_of_its_workers_measures_nothing(space, dataset) -> None:
    assert measured_epoch_s(space, dataset, TRAINING, on_gpu=True) is None
