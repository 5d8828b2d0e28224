from __future__ import annotations

import math
import pickle
import random
import re

import pytest

from evo_nas.errors import ConfigError
from evo_nas.genome.admission import Admission
from evo_nas.genome.architecture import Norm, Signature
from evo_nas.genome.blocks import Context
from evo_nas.genome.costs import Costs
from evo_nas.genome.footprint import activation_bytes
from evo_nas.genome.space import SearchSpace, SpaceOptions

SERIES = Signature(features=3, outputs=2, steps=12)
FORECAST = Signature(features=3, outputs=6, horizon=3, last_values=(2, 0), steps=12)
TEXT = Signature(features=0, vocabulary=9, outputs=9, per_step=True, predicts_inputs=True)
SPACES = {
    "series": (
        SERIES,
        {"fronts": ("none", "differences", "segments 3"), "shortcuts": ("none", "flat", "pooled")},
    ),
    "forecast": (FORECAST, {"fronts": ("none", "convolution 4/2"), "shortcuts": ("shared", "full")}),
    "text": (TEXT, {"fronts": ("none", "ngrams 1-3 x 9"), "shortcuts": ("none", "ngrams 1-1 x 9")}),
}
WIDE = SpaceOptions(
    widths=(3, 6),
    periods=(1, 3),
    contexts=tuple(Context),
    norms=(Norm.LAYER, Norm.BEFORE),
    heads=(0, 4),
    residuals=(True, False),
    embeddings=(4, 8),
    batch_sizes=(16, 8),
)
SIZES = {
    "max_parameters": lambda network, signature: Costs.of(network, signature).parameters,
    "max_flops": lambda network, signature: Costs.of(network, signature).flops,
    "max_state_bytes": lambda network, signature: Costs.of(network, signature).state_bytes,
    "max_activation_bytes": lambda network, signature: activation_bytes(
        network, signature, rows=network.training.batch_size, steps=signature.steps or 5
    ),
}


def space(kind: str, **limits: int) -> SearchSpace:
    signature, blocks = SPACES[kind]
    options = WIDE.model_copy(update=blocks | limits)
    return SearchSpace(options, signature, 5, batch_steps=5 if signature is TEXT else None)


def smallest_of(kind: str, option: str) -> float:
    """The smallest size in the space, as the error says it."""
    with pytest.raises(ConfigError) as caught:
        space(kind, **{option: 1})
    found = re.search(
        rf"space.{option} is 1, but the smallest architecture of the space has ([\d.]+) ", str(caught.value)
    )
    assert found, caught.value
    assert "\n" not in str(caught.value)
    return float(found[1])


@pytest.mark.parametrize("option", SIZES)
@pytest.mark.parametrize("kind", SPACES)
def test_a_limit_that_nothing_keeps_is_refused_with_the_smallest_size_there_is(kind, option) -> None:
    smallest, permitted = smallest_of(kind, option), space(kind)
    sizes = [
        SIZES[option](permitted.decode(permitted.random(random.Random(seed))), permitted.signature)
        for seed in range(100)
    ]
    assert smallest <= min(sizes)
    # Not tight: the least cell that may evolve is hardly ever drawn.
    assert smallest > 0.25 * min(sizes)


@pytest.mark.parametrize("option", SIZES)
@pytest.mark.parametrize("kind", SPACES)
def test_what_is_drawn_keeps_the_limit(kind, option) -> None:
    limit = math.ceil(2 * smallest_of(kind, option))
    limited, free = space(kind, **{option: limit}), space(kind)
    draws = [limited.decode(limited.random(random.Random(seed))) for seed in range(8)]
    assert all(SIZES[option](network, limited.signature) <= limit for network in draws)
    assert all(
        SIZES[option](limited.decode(genome), limited.signature) <= limit for _, genome in limited.seeds()
    )
    others = [free.random(random.Random(seed)) for seed in range(30)]
    verdicts = [limited.is_feasible(genome) for genome in others]
    assert verdicts == [SIZES[option](free.decode(genome), free.signature) <= limit for genome in others]
    assert not all(verdicts)


def test_an_obstacle_says_size_and_limit() -> None:
    limited, free = space("series", max_flops=500), space("series")
    large = next(
        network
        for seed in range(100)
        if SIZES["max_flops"](network := free.decode(free.random(random.Random(seed))), SERIES) > 500
    )
    flops = SIZES["max_flops"](large, SERIES)
    assert limited.admission.obstacle(large) == f"{flops:.12g} FLOPs a step are more than the 500 permitted"


def test_a_space_travels_with_the_steps_of_its_batches() -> None:
    limit = math.ceil(smallest_of("text", "max_activation_bytes"))
    limited = space("text", max_activation_bytes=limit)
    copy = pickle.loads(pickle.dumps(limited))
    network = limited.decode(limited.random(random.Random(0)))
    assert limited.admission.obstacle(network) == copy.admission.obstacle(network) == ""
    with pytest.raises(ConfigError, match="max_activation_bytes"):
        SearchSpace(limited.options, TEXT, 5, batch_steps=6)


def test_limits_that_nothing_keeps_together_are_named() -> None:
    free = space("series")
    drawn = [free.decode(free.random(random.Random(seed))) for seed in range(20)]
    flops, states = (
        sorted(SIZES[option](network, SERIES) for network in drawn)
        for option in ("max_flops", "max_state_bytes")
    )
    one = Admission(free.options.model_copy(update={"max_flops": int(flops[0]) - 1}), SERIES)
    assert re.match(
        rf"space.max_flops is \d+; the smallest of 20 random architectures has {flops[0]:.12g} FLOPs",
        one.why_none(drawn),
    )
    both = {"max_flops": math.ceil(flops[3]), "max_state_bytes": math.ceil(states[5])}
    text = Admission(free.options.model_copy(update=both), SERIES).why_none(drawn)
    assert text.startswith("none of 20 random architectures keeps space.max_flops and space.max_state_bytes")
    assert "raise space.max_flops" in text
