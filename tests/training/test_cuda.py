"""What only a GPU can show: that real graphs do what the fake one promises."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.evaluation import Outcome
from evo_nas.genome.architecture import Architecture, Head, Layer, Optimizer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.torch_kernels import TorchRecurrence
from evo_nas.tasks.dataset import Dataset
from evo_nas.training import graphed_steps
from evo_nas.training.batches import prepare
from evo_nas.training.graphed_steps import CudaGraph, CudaGraphs
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.runtime import training_thread
from evo_nas.training.trainer import train

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    pytest.mark.filterwarnings("ignore:RNN module weights are not part of"),
]

CUDA = torch.device("cuda")


@pytest.fixture
def replays(monkeypatch) -> list[int]:
    """Grows by one with each replay."""
    seen: list[int] = []
    replay = CudaGraph.replay
    monkeypatch.setattr(CudaGraph, "replay", lambda graph: (seen.append(1), replay(graph)))
    return seen


def fit(architecture: Architecture, dataset: Dataset, *, device: str = "cuda", **settings) -> Outcome:
    data, training = prepare(dataset, device), TrainingConfig(**settings)
    outcome = train(architecture, data, training, epochs=12, seed=7).outcome
    assert outcome.error == ""
    return outcome


def layered(architecture: Architecture, *names: str, **layer) -> Architecture:
    return replace(architecture, layers=tuple(Layer(NAMED_CELLS[name], 8, **layer) for name in names))


@pytest.mark.parametrize("optimizer", Optimizer)
@pytest.mark.parametrize("name", ["mgu", "lstm", "gru"])
def test_a_captured_training_is_one_of_direct_steps(
    name, optimizer, architecture, dataset, replays, monkeypatch
) -> None:
    training = Training(optimizer=optimizer, learning_rate=0.01, batch_size=16, clip=0.5, weight_decay=0.01)
    one = replace(layered(architecture, name, bidirectional=True), training=training)
    captured = fit(one, dataset, schedule="cosine")
    assert len(replays) > 30
    monkeypatch.setattr(graphed_steps, "WARM_UPS", 10**9)
    direct = fit(one, dataset, schedule="cosine")
    assert captured.metrics == pytest.approx(direct.metrics, rel=1e-3)
    on_cpu = fit(one, dataset, device="cpu", schedule="cosine")
    assert captured.metrics["train_loss"] == pytest.approx(on_cpu.metrics["train_loss"], rel=0.02)


def test_replays_draw_on_from_the_generator() -> None:
    with training_thread(CUDA):
        generator, drawn = torch.Generator(CUDA).manual_seed(1), torch.empty(100, device=CUDA)
        graph = CudaGraphs()(generator)
        graph.record(lambda: drawn.bernoulli_(0.5, generator=generator))
        first = drawn.clone()
        graph.replay()
        assert not torch.equal(drawn, first)


def test_a_training_with_dropout_is_captured(architecture, dataset, replays) -> None:
    one = replace(
        layered(architecture, "enas", "lstm", dropout=0.2, recurrent_dropout=0.2), head=Head(dropout=0.2)
    )
    assert fit(one, dataset).fitness is not None
    assert replays


def test_a_step_that_waits_for_the_device_is_launched_directly(
    architecture, dataset, replays, monkeypatch, caplog
) -> None:
    minimised = TrainingLoss.__call__

    def wait(loss, predictions):
        value = minimised(loss, predictions)
        value.item()
        return value

    monkeypatch.setattr(TrainingLoss, "__call__", wait)
    with caplog.at_level(logging.INFO):
        fit(replace(architecture, head=Head(dropout=0.2)), dataset)
    assert not replays
    assert "could not be captured" in caplog.text


def test_lanes_train_side_by_side_what_each_trains_alone(architecture, dataset, replays) -> None:
    candidates = [layered(architecture, name) for name in ("mgu", "lstm", "ugrnn", "gru")]
    alone = [fit(candidate, dataset).metrics for candidate in candidates]
    with ThreadPoolExecutor(4) as lanes:
        together = list(lanes.map(lambda candidate: fit(candidate, dataset).metrics, candidates))
    assert replays
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, rel=1e-3)


def test_bfloat16_learns_about_the_same(architecture, dataset, replays) -> None:
    both = layered(architecture, "mgu", "lstm")
    full, lowered = (fit(both, dataset, precision=precision) for precision in ("float32", "bfloat16"))
    assert replays
    assert lowered.metrics["train_loss"] == pytest.approx(full.metrics["train_loss"], rel=0.1)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh"])
def test_layers_of_cudnn_do_not_round_to_tf32_in_a_training(name) -> None:
    layer = TorchRecurrence(NAMED_CELLS[name], 64, 64).to(CUDA)
    reference = TorchRecurrence(NAMED_CELLS[name], 64, 64).to(CUDA).double()
    reference.load_state_dict(layer.state_dict())
    inputs = torch.randn(8, 20, 64, device=CUDA)
    with training_thread(CUDA):
        outputs = layer(inputs)
    torch.testing.assert_close(outputs.double(), reference(inputs.double()), rtol=0, atol=5e-6)
