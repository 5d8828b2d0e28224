from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest
import torch

from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.ops import Op
from evo_nas.models.paths import PATHS
from evo_nas.tasks.metrics import ACCURACY
from evo_nas.training.batches import prepare
from evo_nas.training.lane import flushes_denormals, lane, unrounded_recurrence
from evo_nas.training.trainer import Regimen, train

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor flushes nothing")


@pytest.mark.parametrize("path", [path for path in PATHS if path.path != "torch"], ids=lambda path: path.path)
def test_denormals_are_flushed_on_every_path(path) -> None:
    copy = CellGraph(1, (Node(Op.LINEAR, (X,)),), (2,))
    recurrence = path(copy, 1, 1)
    recurrence.load_state_dict({"weight_0": torch.full((1, 1), 0.25)})
    inputs = torch.full((2, 3, 1), torch.finfo(torch.float32).tiny)
    assert recurrence(inputs).all()
    with lane(CPU):
        assert not recurrence(inputs).any()


def test_the_thread_that_trains_flushes_denormals_and_is_left_as_it_was(architecture, dataset) -> None:
    seen = []

    def statistic(outputs, targets):
        seen.append(flushes_denormals())
        return ACCURACY.statistic(outputs, targets)

    data = prepare(replace(dataset, metric=replace(ACCURACY, statistic=statistic)))
    with ThreadPoolExecutor(1) as threads:
        threads.submit(train, architecture, data, Regimen(1, 0)).result()
    train(architecture, data, Regimen(1, 0))
    assert seen
    assert all(seen)
    assert not flushes_denormals()


def test_who_flushed_before_flushes_afterwards() -> None:
    torch.set_flush_denormal(True)
    try:
        with lane(CPU):
            pass
        assert flushes_denormals()
    finally:
        torch.set_flush_denormal(False)


def test_recurrent_layers_do_not_round_until_the_last_thread_has_left() -> None:
    rnn = torch.backends.cudnn.rnn
    before = rnn.fp32_precision
    with ExitStack() as one, ExitStack() as other:
        one.enter_context(unrounded_recurrence())
        other.enter_context(unrounded_recurrence())
        one.close()
        assert rnn.fp32_precision == "ieee" != before
    assert rnn.fp32_precision == before
