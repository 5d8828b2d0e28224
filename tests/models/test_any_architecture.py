"""What holds for every architecture of a wide space, whatever the blocks that meet in it."""

from __future__ import annotations

from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.genome.architecture import Architecture, Norm, Signature
from evo_nas.genome.blocks import Columns, Context
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.parameters import count_parameters
from evo_nas.genome.space import SearchSpace, SpaceOptions
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit

STEPS = 4
WIDE = SpaceOptions(
    layers={"min": 1, "max": 3},
    widths=(2, 5),
    cells=tuple(NAMED_CELLS),
    bidirectional=True,
    heads=(0, 3),
    periods=(1, 2),
    contexts=tuple(Context),
    norms=tuple(Norm),
    residuals=(False, True),
    recurrent_dropouts=(0.0, 0.5),
    embedding_dropouts=(0.0, 0.5),
)


def space(signature: Signature, **options: object) -> SearchSpace:
    return SearchSpace(WIDE.model_copy(update=options), signature, 50)


def forecasts(*shortcuts: str, outputs: int = 6, last_values: tuple[int, ...] = ()) -> SearchSpace:
    return space(
        Signature(features=3, outputs=outputs, horizon=3, steps=STEPS, last_values=last_values),
        columns=tuple(Columns),
        segments=(0, 2, 3),
        fronts=("none", "segments 2", "convolution 3/2"),
        shortcuts=shortcuts,
    )


SPACES = {
    "series": space(
        Signature(features=3, outputs=2, steps=STEPS),
        fronts=("none", "differences", "segments 3", "convolution 4/2"),
        shortcuts=("none", "flat", "pooled"),
    ),
    "tokens": space(
        Signature(features=0, vocabulary=7, outputs=4, steps=STEPS),
        fronts=("none", "ngrams 1-2 x 9", "subwords 1-2 x 9", "convolution 3/2"),
        shortcuts=("none", "ngrams 1-1 x 9", "ngrams 2-5 x 9"),
    ),
    "a label a step": space(
        Signature(features=3, outputs=4, per_step=True, steps=STEPS),
        fronts=("none", "differences", "convolution 3"),
    ),
    "the next token": space(
        Signature(features=0, vocabulary=7, outputs=7, per_step=True, predicts_inputs=True),
        fronts=("none", "ngrams 1-3 x 9", "subwords 1-2 x 9", "convolution 3"),
        shortcuts=("none", "ngrams 1-1 x 9", "ngrams 2-4 x 9"),
        bidirectional=False,
    ),
    "a forecast": forecasts("none", "shared", "full", last_values=(2, 0)),
    "a forecast of quantiles": forecasts("none", "shared", "full", outputs=12, last_values=(2, 2, 0, 0)),
    "a forecast of what is not read": forecasts("none", "full"),
}
IN_ORDER = space(
    Signature(features=3, outputs=4, per_step=True, steps=STEPS),
    fronts=("none", "differences", "convolution 3"),
    bidirectional=False,
)


def drawn(permitted: SearchSpace, seed: int) -> tuple[Architecture, Network]:
    """Returns a random architecture and its network, in which no weight is still zero but the rows of no n-gram."""
    architecture = permitted.decode(permitted.random(Random(seed)))
    network = Network(architecture, permitted.signature).eval()
    network.front.read_spellings(("a", "bb", "ccc", "", "née", "e f", "gg")[: permitted.signature.vocabulary])
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not parameter.any():
                parameter.normal_()
                if name in ("shortcut.table", "front.stem.vectors.weight"):
                    parameter[0] = 0.0
    return architecture, network


def inputs_for(signature: Signature, batch: int = 3, time: int = STEPS) -> torch.Tensor:
    if signature.vocabulary:
        return torch.randint(signature.vocabulary, (batch, time))
    return torch.randn(batch, time, signature.features)


@pytest.mark.parametrize("kind", SPACES)
@given(seed=st.integers(0, 2**32))
def test_it_builds_with_the_parameters_that_were_counted(kind, seed) -> None:
    signature = SPACES[kind].signature
    architecture, network = drawn(SPACES[kind], seed)
    outputs = network(inputs_for(signature), torch.tensor([4, 1, 2]))
    assert outputs.shape == ((3, STEPS) if signature.per_step else (3,)) + (signature.outputs,)
    assert sum(p.numel() for p in network.parameters()) == count_parameters(architecture, signature)


@pytest.mark.parametrize("kind", SPACES)
@given(seed=st.integers(0, 2**32))
def test_a_sequence_gives_the_same_alone_and_padded_among_others(kind, seed) -> None:
    signature = SPACES[kind].signature
    _, network = drawn(SPACES[kind], seed)
    inputs = inputs_for(signature)

    padded, alone = network(inputs, torch.tensor([4, 2, 4]))[1], network(inputs[1:2, :2])[0]

    valid = padded[:2] if signature.per_step else padded
    torch.testing.assert_close(valid, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("permitted", [IN_ORDER, SPACES["the next token"]], ids=["numbers", "tokens"])
@given(seed=st.integers(0, 2**32), cut=st.integers(1, 11))
def test_no_step_of_forward_layers_sees_a_later_one(permitted, seed, cut) -> None:
    _, network = drawn(permitted, seed)
    inputs = inputs_for(permitted.signature, time=12)
    changed = torch.cat([inputs[:, :cut], inputs_for(permitted.signature, time=12 - cut)], dim=1)
    torch.testing.assert_close(network(inputs)[:, :cut], network(changed)[:, :cut], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("permitted", [IN_ORDER, SPACES["the next token"]], ids=["numbers", "tokens"])
@given(seed=st.integers(0, 2**32), sizes=st.permutations((1, 1, 2, 3, 5)))
def test_pieces_give_what_the_whole_gives(permitted, seed, sizes) -> None:
    _, network = drawn(permitted, seed)
    inputs = inputs_for(permitted.signature, time=12)
    states, outputs = None, []
    for piece in inputs.split(sizes, dim=1):
        output, states = network.forward_from(piece, states)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=1), network(inputs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", SPACES)
def test_none_draws_its_weights_from_the_generator_of_the_process(kind) -> None:
    permitted, before = SPACES[kind], torch.get_rng_state()
    for seed in range(20):
        architecture = permitted.decode(permitted.random(Random(seed)))
        states = []
        for _ in range(2):
            with SeededInit(torch.Generator().manual_seed(seed)):
                states.append(Network(architecture, permitted.signature).state_dict())
        assert all(torch.equal(weights, states[1][name]) for name, weights in states[0].items())
    assert torch.equal(torch.get_rng_state(), before)
