"""What counts against the time limit of a training."""

from __future__ import annotations

import pytest
import torch

from evo_nas.training.clock import WALL_FACTOR, TrainingClock

CPU, GPU = torch.device("cpu"), torch.device("cuda")


class Times:
    """A clock on the wall and one of the processor, which a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = self.processor = 100.0
        monkeypatch.setattr("time.monotonic", lambda: self.wall)
        monkeypatch.setattr("time.thread_time", lambda: self.processor)

    def go(self, *, wall: float, processor: float) -> None:
        self.wall += wall
        self.processor += processor


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    return Times(monkeypatch)


def test_a_busy_machine_does_not_make_a_training_dearer(times) -> None:
    clock = TrainingClock(CPU, limit_s=10.0)
    times.go(wall=40.0, processor=9.0)
    assert (clock.counted_s, clock.wall_s, clock.is_over) == (9.0, 40.0, False)
    times.go(wall=1.0, processor=1.5)
    assert clock.is_over


def test_the_wall_clock_ends_a_training_that_waits_for_ever(times) -> None:
    clock = TrainingClock(CPU, limit_s=10.0)
    times.go(wall=10.0 * WALL_FACTOR + 1.0, processor=0.0)
    assert clock.is_over


def test_on_a_gpu_and_with_several_threads_the_wall_clock_counts(times, monkeypatch) -> None:
    on_gpu = TrainingClock(GPU, limit_s=10.0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    threaded = TrainingClock(CPU, limit_s=10.0)
    times.go(wall=11.0, processor=0.5)
    for clock in (on_gpu, threaded):
        assert (clock.counted_s, clock.is_over) == (11.0, True)


def test_what_is_done_for_all_candidates_counts_for_none(times) -> None:
    clock = TrainingClock(CPU, limit_s=10.0)
    with clock.stopped():
        times.go(wall=200.0, processor=100.0)
    assert (clock.counted_s, clock.wall_s, clock.is_over) == (0.0, 0.0, False)
