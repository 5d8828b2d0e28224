"""The benchmark for GPUs, played through on a CPU."""

from __future__ import annotations

import pytest
import torch

from benchmarks import recurrence_gpu
from benchmarks.recurrence_gpu import WAYS, Candidate, Setting, measure, speed
from tests.training.fake_cuda_graph import FakeCudaGraph

TINY = Setting("GRU", steps=3, width=4, device=torch.device("cpu"), new_graphs=lambda: FakeCudaGraph)


@pytest.fixture(autouse=True)
def _short(monkeypatch) -> None:
    monkeypatch.setattr(recurrence_gpu, "SECONDS", 0.005)


def test_every_way_is_measured_in_every_number_of_lanes() -> None:
    table = measure([TINY], [1, 2])
    ways = {row[3]: row for row in table.rows}
    assert list(ways) == [way.name for way in WAYS]
    assert {len(row) for row in table.rows} == {len(table.header)}
    for name, row in ways.items():
        assert (row[5] == "-") == (name not in ("bptt, graph", "torch, graph"))
        assert (row[-2] == "-") == ("graph" not in name)
        assert float(row[-1]) < 1e-4


def test_a_step_that_is_not_captured_is_not_passed_off_as_one(monkeypatch) -> None:
    def refuse(graph, run) -> None:
        raise RuntimeError("nothing can be captured here")

    monkeypatch.setattr(FakeCudaGraph, "record", refuse)
    graph = next(way for way in WAYS if way.captured)
    with pytest.raises(RuntimeError, match="could not be captured"):
        speed(graph, TINY, 2)


def test_a_lane_that_fails_for_any_reason_holds_up_no_other(monkeypatch) -> None:
    class FailsInOneLane(Candidate):
        def __init__(self, way, setting, *, seed) -> None:
            if seed == 1:
                raise ValueError("this lane has no candidate")
            super().__init__(way, setting, seed=seed)

    monkeypatch.setattr(recurrence_gpu, "Candidate", FailsInOneLane)
    with pytest.raises(ValueError, match="this lane has no candidate"):
        speed(WAYS[0], TINY, 2)
