"""What is written for recordings gives what the parts of networks give."""

from __future__ import annotations

import pytest
import torch

from evo_nas.models.attention import WindowedAttention
from evo_nas.models.hierarchy import Pace
from evo_nas.models.scanned import PaddedPace, UnfoldedAttention, recordable
from evo_nas.testing.champions import tiny_champion


@pytest.mark.parametrize("time", [1, 63, 64, 150])
def test_attention_that_is_unfolded_sees_the_same_window(time: int) -> None:
    attention = WindowedAttention(8)
    torch.nn.init.normal_(attention.distances)
    steps = torch.randn(2, time, 8)
    torch.testing.assert_close(
        UnfoldedAttention.like(attention)(steps), attention(steps), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("time", [1, 2, 3, 7])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_padded_pace_holds_the_same_outputs(time: int, bidirectional: bool) -> None:
    pace = Pace(3, 2, bidirectional=bidirectional)
    lengths = torch.tensor([time, max(1, time - 2)])
    inputs = torch.randn(2, time, 2 * (1 + bidirectional))

    def scan(chunks: torch.Tensor, ends: torch.Tensor | None) -> torch.Tensor:
        assert ends is not None
        valid = torch.arange(chunks.shape[1]) < ends[:, None]
        return (chunks + 1.0).masked_fill(~valid[..., None], 0.0)

    torch.testing.assert_close(
        PaddedPace.like(pace).run(scan, inputs, lengths), pace.run(scan, inputs, lengths)
    )


def test_what_is_recordable_has_the_weights_of_the_model() -> None:
    model = tiny_champion("classes by layers of several paces").model
    recorded, weights = recordable(model).state_dict(), model.state_dict()
    assert recorded.keys() == weights.keys()
    assert all(torch.equal(recorded[name], weights[name]) for name in weights)
