"""Passes over a part of the data, and the scores of a whole part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Architecture, Head, Layer, Signature
from evo_nas.genome.blocks import Front
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.network import Network
from evo_nas.tasks.dataset import Dataset, EpisodeSize, Objective, Stream
from evo_nas.tasks.metrics import ACCURACY, NLL
from evo_nas.training import forward
from evo_nas.training.batches import Batch, Split, as_split, prepare
from evo_nas.training.forward import StatefulForward, example_sums, score, score_part
from evo_nas.training.losses import TrainingLoss

OBJECTIVE = {"loss": TrainingLoss(Objective.CROSS_ENTROPY), "metric": ACCURACY}


@pytest.fixture
def network(architecture, dataset) -> Network:
    return Network(replace(architecture, head=Head(dropout=0.5)), dataset.signature)


def test_scores_do_not_depend_on_the_mode_and_leave_it(network, dataset) -> None:
    split = prepare(dataset).validation
    at_rest = score(network.eval(), split, **OBJECTIVE)
    assert not network.training
    assert score(network.train(), split, **OBJECTIVE) == at_rest
    assert network.training


def test_scores_do_not_depend_on_how_many_sequences_are_scored_at_once(network, dataset, monkeypatch) -> None:
    split = prepare(dataset).validation
    whole = score(network, split, **OBJECTIVE)
    monkeypatch.setattr(forward, "BATCH_SIZE", 7)  # the last of the 40 sequences are fewer
    pieces = score(network, split, **OBJECTIVE)
    assert pieces.metric == whole.metric
    assert pieces.loss == pytest.approx(whole.loss)


def test_each_part_of_a_dataset_has_scores_of_its_own(network, dataset) -> None:
    expected = score(network, prepare(dataset).train, **OBJECTIVE)
    assert score_part(network, dataset, "train") == expected
    assert score_part(network, dataset, "test") != expected


STREAM = Signature(features=0, vocabulary=5, outputs=5, per_step=True)


@pytest.fixture(params=["none", "ngrams 1-3 x 50", "convolution 3"])
def reader(request) -> Network:
    layers, front = (Layer(NAMED_CELLS["lstm"], 4),), Front.of(request.param)
    network = Network(Architecture(layers, embedding=3, front=front), STREAM).eval()
    for weights in network.front.parameters():
        torch.nn.init.normal_(weights)  # vectors of n-grams begin as zeros
    return network


@pytest.fixture
def stream() -> Split:
    tokens = np.random.default_rng(0).integers(0, 5, size=61)
    return as_split(Stream(tokens, steps=10), STREAM, torch.device("cpu"))


def outputs(passes: StatefulForward, batches: list[Batch]) -> torch.Tensor:
    """The outputs of successive batches, ``(rows, steps, outputs)``."""
    pieces = []
    for batch in batches:
        pieces.append(passes(batch).outputs.view(*batch.inputs.shape, -1))
        passes.advance()
    return torch.cat(pieces, dim=1)


def test_the_pieces_of_a_stream_give_what_its_rows_give_in_one_go(reader, stream) -> None:
    batches = list(stream.in_order(2))
    assert len(batches) > 1
    rows = torch.cat([batch.inputs for batch in batches], dim=1)
    torch.testing.assert_close(outputs(StatefulForward(reader, stream), batches), reader(rows))


def test_a_pass_that_is_restarted_forgets_the_one_before(reader, stream) -> None:
    passes, batches = StatefulForward(reader, stream), list(stream.in_order(2))
    first = outputs(passes, batches)
    assert not torch.equal(outputs(passes, batches), first)
    passes.restart()
    torch.testing.assert_close(outputs(passes, batches), first)


def test_states_stay_in_the_same_memory_since_a_graph_reads_them_there(reader, stream) -> None:
    passes, batches = StatefulForward(reader, stream), list(stream.in_order(2))
    outputs(passes, batches[:1])
    (before,) = passes._states.values()
    addresses = [state.data_ptr() for state in before.values()]
    outputs(passes, batches[1:])
    (after,) = passes._states.values()
    assert [state.data_ptr() for state in after.values()] == addresses


def test_gradients_do_not_reach_the_pieces_before(reader, stream) -> None:
    passes, batches = StatefulForward(reader, stream), list(stream.in_order(2))
    outputs(passes, batches[:1])
    assert all(not state.requires_grad for states in passes._states.values() for state in states.values())


def test_the_sums_of_all_examples_give_the_score_of_a_part(network, dataset) -> None:
    sums = example_sums(network.train(), dataset, "test")
    assert network.training
    assert len(sums) == len(dataset.test)
    assert sums.score(dataset.metric) == pytest.approx(score_part(network, dataset, "test").metric)


def test_the_steps_of_a_text_are_in_its_order_however_many_rows_are_read(reader) -> None:
    tokens = np.random.default_rng(0).integers(0, 5, size=64)
    text = Stream(tokens, steps=10)
    data = Dataset("text", STREAM, Objective.CROSS_ENTROPY, NLL, text, text, text)
    sums = example_sums(reader, data, "test")
    assert sums.score(NLL) == pytest.approx(score_part(reader, data, "test").metric)
    assert (len(sums), sums.block) == (63, 10)
    # It is read as six rows of eleven steps, and each row begins without context.
    for start in (0, 11, 22):
        with torch.inference_mode():
            alone = reader(torch.as_tensor(tokens[None, start : start + 10]))[0].log_softmax(-1)
        costs = [-float(alone[at, tokens[start + at + 1]]) for at in range(10)]
        assert sums.values[start : start + 10, 0] == pytest.approx(costs, rel=1e-4)


def test_episodes_have_no_sums_since_networks_adapt_to_them_first(network, dataset) -> None:
    with pytest.raises(DataError, match="adapted"):
        example_sums(network, replace(dataset, episodes=EpisodeSize(1, 1)), "test")
