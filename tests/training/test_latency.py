from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
import torch

from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.network import Network
from evo_nas.models.streaming import StreamingModel
from evo_nas.training import latency
from evo_nas.training.latency import LEAST_CALLS, MOST_CALLS, WARM_UP, measure_latency

SERIES = Signature(features=3, outputs=2, steps=9)
TEXT = Signature(features=0, outputs=5, vocabulary=5, per_step=True, predicts_inputs=True)
GRU = NAMED_CELLS["gru"]


@pytest.fixture(autouse=True)
def as_many_calls_as_in_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "MOST_CALLS", MOST_CALLS)


def network(signature: Signature = SERIES, *, bidirectional: bool = False) -> Network:
    layer = Layer(GRU, 4, bidirectional=bidirectional)
    return Network(Architecture((layer,), embedding=4 if signature.vocabulary else None), signature).eval()


def ticking(step_s: float) -> Callable[[], float]:
    """A clock that goes on by a step whenever it is read."""
    ticks = count()
    return lambda: next(ticks) * step_s


@pytest.fixture
def reads(monkeypatch) -> list[int]:
    """The steps of every call of a network."""
    seen: list[int] = []
    whole, step, carried = Network.forward, StreamingModel.forward, None

    def forward(self, inputs, *args, **kwargs):
        seen.append(inputs.shape[1])
        return whole(self, inputs, *args, **kwargs)

    def forward_step(self, inputs, states):
        nonlocal carried
        assert (states is carried) == bool(seen)
        seen.append(1)
        outputs, carried = step(self, inputs, states)
        return outputs, carried

    monkeypatch.setattr(Network, "forward", forward)
    monkeypatch.setattr(StreamingModel, "forward", forward_step)
    return seen


@pytest.mark.parametrize("signature", [SERIES, TEXT])
def test_a_network_that_streams_reads_step_by_step_and_carries_its_states_on(signature, reads) -> None:
    found = measure_latency(network(signature), clock=ticking(0.001))
    assert set(reads) == {1}
    assert found["latency_steps"] == 1.0
    assert found["latency_p50_ms"] == pytest.approx(1.0)
    assert found["latency_p99_ms"] == pytest.approx(1.0)


def test_a_network_that_reads_backwards_waits_for_the_whole_sequence(reads) -> None:
    found = measure_latency(network(bidirectional=True), clock=ticking(0.001))
    assert set(reads) == {9}
    assert found["latency_steps"] == 9.0


@pytest.mark.parametrize(("step_s", "calls"), [(1e-9, MOST_CALLS), (10.0, LEAST_CALLS)], ids=["fast", "slow"])
def test_calls_are_enough_and_not_too_many_after_a_warm_up(step_s, calls, reads) -> None:
    measure_latency(network(), clock=ticking(step_s))
    assert len(reads) == WARM_UP + calls


def test_slow_calls_are_in_the_tail_and_not_in_the_median(monkeypatch) -> None:
    now, calls, read = 0.0, count(), StreamingModel.forward

    def forward(self, inputs, states):
        nonlocal now
        now += 0.1 if next(calls) % 25 == 0 else 0.001
        return read(self, inputs, states)

    monkeypatch.setattr(StreamingModel, "forward", forward)
    found = measure_latency(network(), clock=lambda: now)
    assert found["latency_p50_ms"] == pytest.approx(1.0)
    assert found["latency_p99_ms"] == pytest.approx(100.0)


def test_the_network_itself_stays_as_it_is() -> None:
    trained = network().train()
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    state = torch.get_rng_state()
    latency.measure_latency(trained, clock=ticking(1.0))
    assert trained.training
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
