"""Epochs as passes over the data, or as so many steps that go on through them."""

from __future__ import annotations

import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.evaluation import Status
from evo_nas.training.batches import Batch, prepare
from evo_nas.training.passes import Passes, Place
from evo_nas.training.trainer import train

SIZE, ROWS = 4, 10


class Numbers:
    """A split whose batches say which rows they have."""

    is_stream = False

    def __len__(self) -> int:
        return ROWS

    def shuffled(self, size: int, generator: torch.Generator):
        for rows in torch.split(torch.randperm(ROWS, generator=generator), size):
            yield Batch(rows[:, None, None], rows)


def passes(
    steps: int | None, restarts: list[int] | None = None, seed: int = 0
) -> tuple[Passes, torch.Generator]:
    generator = torch.Generator().manual_seed(seed)
    restart = (lambda: None) if restarts is None else (lambda: restarts.append(1))
    return Passes(Numbers(), SIZE, generator=generator, steps=steps, restart=restart), generator


def rows(made: Passes) -> list[list[int]]:
    return [batch.targets.tolist() for batch, _ in made.epoch()]


def test_a_pass_has_every_row_once_and_tells_how_far_it_is() -> None:
    made, _ = passes(None)
    assert sorted(row for batch in rows(made) for row in batch) == list(range(ROWS))
    assert [done for _, done in made.epoch()] == [0.0, 0.4, 0.8]
    assert made.place is None


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_epochs_of_steps_go_through_the_same_passes(steps) -> None:
    whole, _ = passes(None)
    expected = [batch for _ in range(20) for batch in rows(whole)]
    restarts: list[int] = []
    made, _ = passes(steps, restarts)
    given = [batch for _ in range(6) for batch in rows(made)]
    assert len(given) == 6 * steps
    assert given == expected[: len(given)]
    assert len(restarts) == -(-len(given) // 3)
    assert [done for _, done in made.epoch()] == [number / steps for number in range(steps)]


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_what_goes_on_at_a_place_gives_what_would_have_come(steps) -> None:
    whole, generator = passes(steps)
    for _ in range(3):
        rows(whole)
    place, state = whole.place, generator.get_state()
    assert place is not None
    other, fresh = passes(steps, seed=99)
    other.go_on(Place(place.drawn_from, place.taken))
    fresh.set_state(state)
    assert [rows(other) for _ in range(3)] == [rows(whole) for _ in range(3)]


@pytest.mark.parametrize("steps", [2, 3, 11])
def test_an_epoch_of_a_training_has_as_many_steps_as_were_asked_for(architecture, dataset, steps) -> None:
    training = TrainingConfig(device="cpu", steps_per_epoch=steps)
    outcome = train(architecture, prepare(dataset), training, epochs=5, seed=1).outcome
    assert outcome.status is Status.OK
    assert (len(outcome.curve), outcome.epochs, outcome.steps) == (5, 5, 5 * steps)


def test_as_many_steps_as_a_pass_has_give_the_same_training(architecture, dataset) -> None:
    trainings = [TrainingConfig(device="cpu", steps_per_epoch=steps) for steps in (None, 4)]
    passes_, steps_ = (train(architecture, prepare(dataset), each, epochs=3, seed=1) for each in trainings)
    assert passes_.outcome.metrics == steps_.outcome.metrics
    assert passes_.outcome.steps == steps_.outcome.steps == 12
