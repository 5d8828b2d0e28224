"""The benchmark of packed cells, played through on a CPU."""

from __future__ import annotations

import pytest
import torch

from benchmarks import packed_linear_gpu
from benchmarks.packed_linear_gpu import Setting, different_cells, measure
from tests.models.emulated_gpu import COMPILER, launch_on_cpu


@pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler")
def test_every_way_gives_the_gradients_of_the_plain_loop(monkeypatch) -> None:
    monkeypatch.setattr(packed_linear_gpu, "SECONDS", 0.005)
    monkeypatch.setattr(packed_linear_gpu, "BATCH", 2)
    setting = Setting(cells=9, steps=3, width=4, device=torch.device("cpu"))
    table = measure([setting], launch=launch_on_cpu, captured=lambda step: step)
    assert [row[3] for row in table.rows] == ["one by one", "one by one, graph", "packed", "packed, graph"]
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert all(float(row[-1]) < 1e-3 for row in table.rows)


def test_all_cells_differ() -> None:
    assert len(set(different_cells(10))) == 10
