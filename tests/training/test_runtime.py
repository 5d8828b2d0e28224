"""The device, its memory, and the state of the thread that trains."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import get_args

import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.config.schema import DeviceChoice
from evo_nas.errors import ConfigError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.blocks import Columns, Context, Front
from evo_nas.genome.cell import CellGraph, Node, Op, X
from evo_nas.genome.parameters import count_parameters
from evo_nas.models.backends import BACKENDS
from evo_nas.tasks.metrics import ACCURACY
from evo_nas.training.batches import BatchShape, prepare
from evo_nas.training.runtime import (
    device_for,
    device_name,
    flushes_denormals,
    graph_bytes,
    least_bytes,
    limit_memory,
    resolve_device,
    training_thread,
    unrounded_recurrence,
)
from evo_nas.training.trainer import train

CPU = torch.device("cpu")
GPU = torch.cuda.is_available()
needs_flushing = pytest.mark.skipif(
    not torch.set_flush_denormal(False), reason="this processor flushes nothing"
)


def test_auto_is_the_gpu_where_there_is_one() -> None:
    assert resolve_device("auto").type == ("cuda" if GPU else "cpu")


def test_the_cpu_is_always_there() -> None:
    assert resolve_device("cpu").type == device_name("cpu") == "cpu"


@pytest.mark.skipif(GPU, reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="this process sees no GPU: set it to auto"):
        resolve_device("cuda")


@pytest.mark.parametrize("choice", get_args(DeviceChoice))
def test_every_device_of_a_configuration_is_known(choice) -> None:
    if choice == "cuda" and not GPU:
        pytest.skip("this machine has no GPU")
    assert resolve_device(choice).type in ("cpu", "cuda")


def test_a_configuration_says_where_to_train() -> None:
    assert device_for(TrainingConfig(device="cpu")) == CPU


@pytest.mark.skipif(GPU, reason="this machine has a GPU")
def test_a_cpu_does_not_train_in_bfloat16() -> None:
    with pytest.raises(ConfigError, match="precision is bfloat16; this process trains on its CPU"):
        device_for(TrainingConfig(precision="bfloat16"))


def test_longer_sequences_and_larger_batches_need_more(architecture, dataset) -> None:
    short, long, wide = (
        least_bytes(architecture, dataset.signature, BatchShape(*shape))
        for shape in ((64, 10), (64, 100), (256, 100))
    )
    assert 16 * count_parameters(architecture, dataset.signature) < short < long < wide


def test_segments_need_memory_for_each_of_them_and_not_for_each_step(architecture, dataset) -> None:
    segmented = replace(architecture, front=Front.of("segments 8"))
    for rows in (64, 128):
        by_steps, by_segments = (
            least_bytes(each, dataset.signature, BatchShape(rows, 81))
            - 16 * count_parameters(each, dataset.signature)
            for each in (architecture, segmented)
        )
        assert by_steps * 11 == by_segments * 81
    by_steps = graph_bytes(architecture, dataset.signature, BatchShape(1, 11))
    assert graph_bytes(segmented, dataset.signature, BatchShape(1, 81)) == by_steps


@pytest.mark.parametrize("context", [Context.ATTENTION, Context.MEMORY])
def test_a_context_needs_more_memory_in_proportion_to_the_steps(architecture, dataset, context) -> None:
    def surplus(steps: int, period: int = 1) -> int:
        first = replace(architecture.layers[0], period=period)
        plain, other = (
            least_bytes(replace(architecture, layers=(layer,)), dataset.signature, BatchShape(8, steps))
            - 16 * count_parameters(replace(architecture, layers=(layer,)), dataset.signature)
            for layer in (first, replace(first, context=context))
        )
        return other - plain

    assert surplus(10) > 0
    assert surplus(2000) == 2 * surplus(1000) == 4 * surplus(2000, period=4)


def test_a_graph_needs_memory_for_every_node_at_every_step(architecture, dataset) -> None:
    layer = architecture.layers[0]
    one_step = graph_bytes(architecture, dataset.signature, BatchShape(1, 1))
    assert one_step == 2 * 4 * len(layer.cell.nodes) * layer.width
    assert graph_bytes(architecture, dataset.signature, BatchShape(16, 10)) == 160 * one_step


def test_columns_that_are_read_apart_need_the_memory_of_as_many_sequences(architecture) -> None:
    signature = Signature(features=3, outputs=6, last_values=(0, 1, 2), horizon=2)
    apart, shape = replace(architecture, columns=Columns.APART), BatchShape(16, 10)
    steps = 4 * 16 * 10 * architecture.layers[0].width
    parameters = 16 * count_parameters(apart, signature)
    assert least_bytes(apart, signature, shape) == parameters + 3 * steps
    assert graph_bytes(apart, signature, shape) == 3 * graph_bytes(architecture, signature, shape)


@pytest.mark.parametrize("share", [0.0, 1.0, 0.5])
def test_a_cpu_has_no_shares(share: float) -> None:
    assert limit_memory(torch.device("cpu"), gpu_share=share) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_process_is_kept_to_its_share_of_a_gpu() -> None:
    total = torch.cuda.get_device_properties(0).total_memory
    assert limit_memory(torch.device("cuda"), gpu_share=0.25) == total // 4
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(total // 3, dtype=torch.uint8, device="cuda")


@needs_flushing
@pytest.mark.parametrize(
    "backend",
    [backend for backend in BACKENDS if backend.backend_name != "torch"],
    ids=lambda backend: backend.backend_name,
)
def test_denormals_are_flushed_on_every_backend(backend) -> None:
    copy = CellGraph(1, (Node(Op.LINEAR, (X,)),), (2,))
    recurrence = backend(copy, 1, 1)
    recurrence.load_state_dict({"weight_0": torch.full((1, 1), 0.25)})
    inputs = torch.full((2, 3, 1), torch.finfo(torch.float32).tiny)
    assert recurrence(inputs).all()
    with training_thread(CPU):
        assert not recurrence(inputs).any()


@needs_flushing
def test_the_thread_that_trains_flushes_denormals_and_is_left_as_it_was(architecture, dataset) -> None:
    seen = []

    def statistic(outputs, targets):
        seen.append(flushes_denormals())
        return ACCURACY.statistic(outputs, targets)

    data = prepare(replace(dataset, metric=replace(ACCURACY, statistic=statistic)))
    with ThreadPoolExecutor(1) as threads:
        threads.submit(train, architecture, data, TrainingConfig(), epochs=1, seed=0).result()
    train(architecture, data, TrainingConfig(), epochs=1, seed=0)
    assert seen
    assert all(seen)
    assert not flushes_denormals()


@needs_flushing
def test_a_thread_that_flushed_before_flushes_afterwards() -> None:
    torch.set_flush_denormal(True)
    try:
        with training_thread(CPU):
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
