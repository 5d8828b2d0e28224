"""Steps that are recorded and replayed give what direct ones give, with a fake graph on the CPU."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef

from evo_nas.config import TrainingConfig
from evo_nas.evaluation import Status
from evo_nas.genome.architecture import Architecture, Head, Layer, Optimizer, Signature, Training
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.layers import set_dropout_generator
from evo_nas.tasks.dataset import Dataset, Objective, Sequences, Stream
from evo_nas.tasks.metrics import ACCURACY
from evo_nas.training import graphed_steps, trainer
from evo_nas.training.batches import Batch, prepare
from evo_nas.training.graphed_steps import WARM_UPS, GraphedSteps
from evo_nas.training.trainer import Trained, train
from tests.training.fake_cuda_graph import FakeCudaGraph


@pytest.fixture
def replays(monkeypatch) -> list[int]:
    """Grows by one with each replay."""
    seen: list[int] = []
    replay = FakeCudaGraph.replay
    monkeypatch.setattr(FakeCudaGraph, "replay", lambda graph: (seen.append(1), replay(graph)))
    return seen


def graphed(
    architecture, dataset, *, epochs: int = 8, memory_bytes: int | None = None, **settings
) -> Trained:
    """A training on the CPU whose steps are replayed as on a GPU."""
    return train(
        architecture,
        prepare(dataset),
        TrainingConfig(**settings),
        epochs=epochs,
        seed=7,
        memory_bytes=memory_bytes,
        graphs=FakeCudaGraph,
    )


def plain(architecture, dataset, *, epochs: int = 8, **settings) -> Trained:
    """The training as a CPU does it, without graphs."""
    return train(architecture, prepare(dataset), TrainingConfig(**settings), epochs=epochs, seed=7)


def directly(monkeypatch, architecture, dataset, **options) -> Trained:
    """The same training with every step launched by itself."""
    monkeypatch.setattr(graphed_steps, "WARM_UPS", 10**9)
    return graphed(architecture, dataset, **options)


def assert_equal(one: Trained, other: Trained) -> None:
    assert one.outcome.error == other.outcome.error == ""
    assert one.outcome.curve == other.outcome.curve
    assert one.outcome.metrics == other.outcome.metrics
    for name, weights in one.network.state_dict().items():
        assert torch.equal(weights, other.network.state_dict()[name])


@pytest.mark.parametrize("optimizer", Optimizer)
def test_replayed_steps_give_the_same_weights_bit_for_bit(
    optimizer, architecture, dataset, replays, monkeypatch
) -> None:
    """With all dropouts, a rate that falls, gradients that are clipped, and a last batch of another size."""
    training = Training(optimizer=optimizer, learning_rate=0.02, batch_size=24, clip=0.1, weight_decay=0.01)
    top = Layer(NAMED_CELLS["lstm"], 4, bidirectional=True, recurrent_dropout=0.3)
    layers = (*architecture.layers, top)
    one = replace(architecture, layers=layers, training=training, head=Head(dropout=0.2))
    monkeypatch.setattr(graphed_steps, "PAYS_OFF", 1)
    replayed = graphed(one, dataset, epochs=8, schedule="cosine")
    assert len(replays) > 12
    assert_equal(replayed, directly(monkeypatch, one, dataset, epochs=8, schedule="cosine"))


def test_lanes_replay_side_by_side_what_each_replays_alone(architecture, dataset, replays) -> None:
    data = prepare(dataset)

    def outcome(seed: int) -> dict[str, float]:
        trained = train(architecture, data, TrainingConfig(), epochs=8, seed=seed, graphs=FakeCudaGraph)
        return dict(trained.outcome.metrics)

    alone = [outcome(seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as lanes:
        assert list(lanes.map(outcome, range(3))) == alone
    assert replays


def test_a_training_with_graphs_agrees_with_one_on_the_cpu(architecture, dataset, replays) -> None:
    expected = plain(architecture, dataset).outcome
    replayed = graphed(architecture, dataset).outcome
    assert replays
    assert replayed.backends == ("bptt",)
    assert replayed.metrics == pytest.approx(expected.metrics, rel=1e-3)


def test_truncated_steps_are_launched_one_by_one_and_agree_with_the_cpu(
    architecture, dataset, replays
) -> None:
    expected = plain(architecture, dataset, truncation=2).outcome
    launched = graphed(architecture, dataset, truncation=2).outcome
    assert not replays
    assert launched.metrics == pytest.approx(expected.metrics, rel=1e-3)


def test_lowered_precision_is_captured_too(architecture, dataset, replays) -> None:
    both = replace(architecture, layers=(*architecture.layers, Layer(NAMED_CELLS["gru"], 4)))
    full, lowered = (graphed(both, dataset, precision=precision) for precision in ("float32", "bfloat16"))
    assert replays
    assert lowered.outcome.metrics != full.outcome.metrics
    assert lowered.outcome.metrics["train_loss"] == pytest.approx(full.outcome.metrics["train_loss"], rel=0.1)


def test_weights_a_unit_guards_and_delays_are_captured_too(
    architecture, dataset, replays, monkeypatch
) -> None:
    delayed = CellGraph(1, (Node(Op.LINEAR, (X, H)), Node(Op.DELAY_3, (H,)), Node(Op.MAX, (2, 3))), (4,))
    cells = (NAMED_CELLS["slstm"], NAMED_CELLS["lru"], NAMED_CELLS["rg_lru"], delayed)
    one = replace(architecture, layers=tuple(Layer(cell, 4) for cell in cells))
    monkeypatch.setattr(graphed_steps, "PAYS_OFF", 1)
    replayed = graphed(one, dataset, epochs=8)
    assert replays
    assert_equal(replayed, directly(monkeypatch, one, dataset, epochs=8))


def test_the_states_of_a_stream_are_carried_through_replays(replays, monkeypatch) -> None:
    stream = Stream(np.random.default_rng(0).integers(0, 5, size=2000), steps=10)
    dataset = Dataset(
        name="text",
        signature=Signature(features=0, vocabulary=5, outputs=5, per_step=True),
        objective=Objective.CROSS_ENTROPY,
        metric=ACCURACY,
        train=stream,
        validation=stream,
        test=stream,
    )
    one = Architecture(layers=(Layer(NAMED_CELLS["mgu"], 4),), training=Training(batch_size=8), embedding=3)
    replayed = graphed(one, dataset, epochs=3)
    assert len(replays) > 20
    assert_equal(replayed, directly(monkeypatch, one, dataset, epochs=3))


def test_steps_of_padded_sequences_are_captured_with_those_that_count(
    architecture, dataset, replays, monkeypatch
) -> None:
    inputs = dataset.train.inputs
    lengths = np.random.default_rng(0).integers(1, 5, size=len(inputs))
    targets = np.where(np.arange(4) < lengths[:, None], inputs[..., 0] > 0, -1).astype(np.int64)
    split = Sequences(inputs, targets, lengths)
    labelling = replace(
        dataset, signature=replace(dataset.signature, per_step=True), train=split, validation=split
    )
    replayed = graphed(architecture, labelling, epochs=20)
    assert len(replays) > 20
    assert_equal(replayed, directly(monkeypatch, architecture, labelling, epochs=20))
    expected = plain(architecture, labelling, epochs=20).outcome
    assert replayed.outcome.metrics == pytest.approx(expected.metrics, rel=1e-2)


def test_a_step_that_waits_for_a_result_is_launched_directly_and_the_reason_is_logged(caplog) -> None:
    step = Summing(waits=True)
    steps = GraphedSteps(step, FakeCudaGraph)
    with caplog.at_level(logging.INFO):
        for batch in batches(*([2] * 10)):
            steps(batch, progress=0.01)
    assert not steps.graphs
    assert step.total == 40
    assert len(caplog.messages) == 1
    assert "could not be captured: aten._local_scalar_dense.default waits for the device" in caplog.text


def test_the_first_error_of_a_capture_is_logged(caplog) -> None:
    class Invalidated(FakeCudaGraph):
        def record(self, run) -> None:
            try:
                super().record(run)
            finally:
                raise RuntimeError("operation failed due to a previous error during capture")

    steps = GraphedSteps(Summing(waits=True), Invalidated)
    with caplog.at_level(logging.INFO):
        for batch in batches(*([2] * 5)):
            steps(batch, progress=0.01)
    assert "aten._local_scalar_dense.default waits for the device" in caplog.text
    assert "previous error" not in caplog.text


def test_nothing_of_a_failed_capture_is_kept_when_its_step_is_launched_again() -> None:
    made: list[StorageWeakRef] = []
    kept: list[int] = []

    def step(batch: Batch) -> None:
        kept.append(sum(not storage.expired() for storage in made))
        activation = batch.inputs * 2
        made.append(StorageWeakRef(activation.untyped_storage()))
        activation.sum().item()

    steps = GraphedSteps(step, FakeCudaGraph)
    for batch in batches(*([2] * (WARM_UPS + 2))):
        steps(batch, progress=0.01)
    assert kept == [0] * (WARM_UPS + 3)


def test_after_a_failed_capture_no_graph_is_replayed() -> None:
    class Waiting(Summing):
        def __call__(self, batch: Batch) -> None:
            self._waits = len(batch.inputs) == 3
            super().__call__(batch)

    step, recovered = Waiting(), []
    steps = GraphedSteps(step, FakeCudaGraph, recover=lambda: recovered.append(steps.graphs))
    sizes = [*([2] * (WARM_UPS + 3)), *([3] * (WARM_UPS + 1)), 2, 3]
    for batch in batches(*sizes):
        steps(batch, progress=0.01)
    assert recovered == [0]
    assert steps.graphs == 0
    assert step.total == sum(size * size for size in sizes)


def test_after_a_failed_capture_dropout_draws_from_a_new_generator(
    architecture, dataset, monkeypatch
) -> None:
    def spoil(graph, run) -> None:
        raise RuntimeError("nothing can be captured here")

    given = []
    monkeypatch.setattr(FakeCudaGraph, "record", spoil)
    monkeypatch.setattr(
        trainer,
        "set_dropout_generator",
        lambda net, one: (given.append(one), set_dropout_generator(net, one)),
    )
    outcome = graphed(replace(architecture, head=Head(dropout=0.2)), dataset).outcome
    assert outcome.status is Status.OK
    first, second, last = given
    assert isinstance(second, torch.Generator)
    assert second is not first
    assert last is None


def test_a_graph_that_could_pass_the_memory_is_not_captured(architecture, dataset, replays, caplog) -> None:
    with caplog.at_level(logging.INFO):
        assert graphed(architecture, dataset, memory_bytes=5_000).outcome.status is Status.OK
    assert not replays
    assert "could pass the memory" in caplog.text


def test_divergence_is_noticed_although_steps_run_ahead(architecture, dataset) -> None:
    linear = CellGraph(1, (Node(Op.LINEAR, (X, 1), bias=True),), (2,))
    broken = replace(dataset, train=replace(dataset.train, inputs=np.float32(1e30) * dataset.train.inputs))
    outcome = graphed(replace(architecture, layers=(Layer(linear, 8),)), broken).outcome
    assert outcome.status is Status.DIVERGED
    assert outcome.error.endswith("in epoch 1")


class Summing:
    """A step that adds up what it is given."""

    def __init__(self, *, waits: bool = False) -> None:
        self.total = torch.zeros(())
        self._waits = waits

    def __call__(self, batch: Batch) -> None:
        added = batch.inputs.sum()
        self.total += added.item() if self._waits else added


def batches(*sizes: int) -> list[Batch]:
    return [Batch(torch.full((size, 1), float(size)), torch.zeros(size)) for size in sizes]


def test_shapes_that_come_seldom_and_late_are_not_captured() -> None:
    step = Summing()
    steps = GraphedSteps(step, FakeCudaGraph)
    sizes = [*([2] * (WARM_UPS + 5)), 3, 3, 4]
    for batch in batches(*sizes):
        steps(batch, progress=0.01)
    assert steps.graphs == 1
    for batch in batches(3, 3, 3, 3):
        steps(batch, progress=0.9)
    assert steps.graphs == 1
    assert step.total == sum(size * size for size in [*sizes, 3, 3, 3, 3])


def test_no_more_graphs_than_permitted_are_kept(monkeypatch, caplog) -> None:
    monkeypatch.setattr(graphed_steps, "MOST_GRAPHS", 2)
    step = Summing()
    steps = GraphedSteps(step, FakeCudaGraph)
    with caplog.at_level(logging.INFO):
        for batch in batches(*(list(range(1, 5)) * (WARM_UPS + 2))):
            steps(batch, progress=0.01)
    assert steps.graphs == 2
    assert step.total == (WARM_UPS + 2) * 30
    assert len(caplog.messages) == 1


def test_the_fake_graph_repeats_operations_and_not_python() -> None:
    calls, memory = [], torch.zeros(2)

    def run() -> None:
        calls.append(1)
        memory.add_(torch.ones(2) * len(calls))

    graph = FakeCudaGraph()
    graph.record(run)
    graph.replay()
    assert (calls, memory.tolist()) == ([1], [2.0, 2.0])


@pytest.mark.parametrize(
    "waits",
    [
        lambda x: x.sum().item(),
        lambda x: x[x > 0],
        lambda x: x.index_put((x > 0,), torch.zeros(3)),
        lambda x: x.index_put_((x > 0,), torch.zeros(3)),
        lambda x: x.nonzero(),
        lambda x: bool(x.any()),
        lambda x: torch.equal(x, x + 1),
        lambda x: x.repeat_interleave(torch.tensor([1, 2, 3])),
        lambda x: x.long().bincount(),
        lambda x: x.unique(),
        lambda x: x.unique_consecutive(),
        lambda x: torch.linalg.inv(x.diag()),
    ],
)
def test_the_fake_graph_refuses_to_wait(waits) -> None:
    with pytest.raises(RuntimeError, match="cannot be captured"):
        FakeCudaGraph().record(lambda: waits(torch.ones(3)))


@pytest.mark.parametrize(
    "goes_on",
    [
        lambda x: x[torch.tensor([0, 2])],
        lambda x: x.index_put_((torch.tensor([0, 2]),), torch.zeros(2)),
        lambda x: x.repeat_interleave(torch.tensor([1, 2, 3]), output_size=6),
        lambda x: x.masked_fill(x > 0, 0.0),
    ],
)
def test_the_fake_graph_lets_pass_what_does_not_wait(goes_on) -> None:
    FakeCudaGraph().record(lambda: goes_on(torch.ones(3)))
