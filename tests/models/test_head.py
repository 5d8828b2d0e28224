from __future__ import annotations

import pytest
import torch

from evo_nas.genome.architecture import Head, Pooling
from evo_nas.models.head import POOLINGS, OutputHead

STEPS = torch.tensor([[[1.0, 5.0], [3.0, -2.0], [9.0, 9.0]], [[2.0, 0.0], [4.0, 1.0], [6.0, 8.0]]])
LENGTHS = torch.tensor([2, 3])
BOTH_FORWARD = (False, False)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        (Pooling.LAST, [[3.0, -2.0], [6.0, 8.0]]),
        (Pooling.MEAN, [[2.0, 1.5], [4.0, 3.0]]),
        (Pooling.MAX, [[3.0, 5.0], [6.0, 8.0]]),
    ],
)
def test_pooling_sees_the_steps_of_each_sequence_only(pooling, expected) -> None:
    assert POOLINGS[pooling](BOTH_FORWARD)(STEPS, LENGTHS).tolist() == expected


def test_the_last_output_of_a_backward_cell_is_at_the_first_step() -> None:
    last = POOLINGS[Pooling.LAST]((False, True))
    assert last(STEPS, LENGTHS).tolist() == [[3.0, 5.0], [6.0, 0.0]]
    assert last(STEPS, None).tolist() == [[9.0, 5.0], [6.0, 0.0]]


def test_attention_weighs_steps_by_the_softmax_of_their_scores() -> None:
    attention = POOLINGS[Pooling.ATTENTION](BOTH_FORWARD)
    pooled = attention(STEPS, LENGTHS)
    scores = STEPS @ attention.score.weight[0]
    first = scores[0, :2].softmax(0) @ STEPS[0, :2]
    second = scores[1].softmax(0) @ STEPS[1]
    torch.testing.assert_close(pooled, torch.stack([first, second]))


@pytest.mark.parametrize("pooling", Pooling)
def test_without_padding_lengths_make_no_difference(pooling) -> None:
    pool = POOLINGS[pooling]((False, True))
    torch.testing.assert_close(pool(STEPS, None), pool(STEPS, torch.tensor([3, 3])))


@pytest.mark.parametrize("hidden", [0, 4])
@pytest.mark.parametrize(("per_step", "shape"), [(False, (2, 7)), (True, (2, 3, 7))])
def test_outputs_keep_time_where_every_step_has_one(hidden, per_step, shape) -> None:
    head = OutputHead(Head(hidden=hidden), BOTH_FORWARD, outputs=7, per_step=per_step)
    assert head(STEPS, LENGTHS).shape == shape


def test_the_hidden_layer_is_a_tanh() -> None:
    head = OutputHead(Head(hidden=4), BOTH_FORWARD, outputs=1, per_step=True)
    expected = head.output(torch.tanh(head.hidden(STEPS)))
    torch.testing.assert_close(head(STEPS, None), expected)
