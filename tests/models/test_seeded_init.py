from __future__ import annotations

import torch
from torch import nn

from evo_nas.models.seeded_init import SeededInit


def weights(seed: int) -> torch.Tensor:
    with SeededInit(torch.Generator().manual_seed(seed)):
        layers = nn.Linear(3, 4), nn.Embedding(5, 2)
    return torch.cat([parameter.detach().ravel() for layer in layers for parameter in layer.parameters()])


def test_layers_draw_their_weights_from_the_generator_and_leave_that_of_the_process() -> None:
    before = torch.get_rng_state()
    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))
    assert torch.equal(torch.get_rng_state(), before)


def test_who_names_a_generator_gets_it() -> None:
    named = torch.Generator().manual_seed(3)
    with SeededInit(torch.Generator()):
        drawn = torch.empty(2).uniform_(generator=named)
    assert torch.equal(drawn, torch.empty(2).uniform_(generator=torch.Generator().manual_seed(3)))
