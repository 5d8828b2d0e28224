"""Which building blocks are switched on and off, on which data, in which network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Norm, Pooling, Training
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.dataset import Windows

if TYPE_CHECKING:
    from evo_nas.tasks.dataset import Dataset

Change = Callable[[Architecture], Architecture]


@dataclass(frozen=True)
class Block:
    """A building block.

    Attributes:
        name: What is switched.
        on: Gives the network with it.
        off: Gives the network without it.
        training: Options of training with it.
        off_data: Changes the data of the training without it.
    """

    name: str
    on: Change
    off: Change = lambda network: network
    training: Mapping[str, object] = field(default_factory=dict)
    off_data: Callable[[Dataset], Dataset] | None = None


@dataclass(frozen=True)
class Ablation:
    """The blocks that are tried on a data set.

    Attributes:
        network: A known-good network, the same for all blocks.
        blocks: What is switched in it.
    """

    network: Architecture
    blocks: tuple[Block, ...]


def network(
    cell: str,
    width: int,
    *,
    rate: float,
    batch: int,
    embedding: int | None = None,
    forecast: Forecast = Forecast.VALUE,
) -> Architecture:
    """Returns one layer with layer norm, as a network that is known to be good has it."""
    return Architecture(
        (Layer(NAMED_CELLS[cell], width, norm=Norm.LAYER, dropout=0.1),),
        Head(dropout=0.1),
        Training(learning_rate=rate, batch_size=batch),
        embedding=embedding,
        forecast=forecast,
    )


def front(text: str) -> Change:
    return lambda network: replace(network, front=Front.of(text))


def shortcut(text: str) -> Change:
    return lambda network: replace(network, shortcut=Shortcut.of(text))


def whole(**fields: object) -> Change:
    return lambda network: replace(network, **fields)  # type: ignore[arg-type]


def head(**fields: object) -> Change:
    return lambda network: replace(network, head=replace(network.head, **fields))  # type: ignore[arg-type]


def layers(**fields: object) -> Change:
    return lambda network: replace(
        network,
        layers=tuple(replace(layer, **fields) for layer in network.layers),  # type: ignore[arg-type]
    )


def all_of(*changes: Change) -> Change:
    return lambda network: reduce(lambda changed, change: change(changed), changes, network)


def deeper(**fields: object) -> Change:
    """Returns what puts a second layer of the same kind on top, with other ``fields``."""
    return lambda network: replace(
        network,
        layers=(*network.layers, replace(network.layers[-1], **fields)),  # type: ignore[arg-type]
    )


def same_origins(dataset: Dataset) -> Dataset:
    """Returns the data with the first of every ``stride`` windows in each epoch."""
    train = dataset.train
    assert isinstance(train, Windows)
    return replace(dataset, train=replace(train, origins=train.origins[:: train.stride], stride=1))


NORM = Block("layer norm after, or none", layers(), layers(norm=Norm.NONE))
BEFORE = Block("layer norm before, or after", layers(norm=Norm.BEFORE))
DIFFERENCES = Block("differences", front("differences"))
FLAT = Block("flat shortcut", shortcut("flat"))
POOLED = Block("pooled shortcut", shortcut("pooled"))
SHARED = Block("shared shortcut", shortcut("shared"))
FULL = Block("full shortcut", shortcut("full"))
RECURRENT = Block("recurrent dropout .2", layers(recurrent_dropout=0.2))
EMBEDDING = Block("embedding dropout .1", whole(embedding_dropout=0.1))
RESIDUAL = Block("two layers, residual or not", all_of(deeper(), layers(residual=True)), deeper())
PERIOD = Block("two layers, the second every 4 steps or every step", deeper(period=4), deeper())
SKIP = Block("skip from the input to the outputs", head(skip=0))
ATTENTION = Block("attention", layers(context=Context.ATTENTION))
MEMORY = Block("memory", layers(context=Context.MEMORY))
MAXIMUM = Block("maximum, or last step", head(pooling=Pooling.MAX))
BOTH_WAYS = Block(
    "maximum of both directions, or of one",
    all_of(layers(bidirectional=True), head(pooling=Pooling.MAX)),
    head(pooling=Pooling.MAX),
)
RELATIVE = Block("changes from relative inputs, or values", layers(), whole(forecast=Forecast.VALUE))
CHANGE = Block("changes from values, or from relative inputs", whole(forecast=Forecast.CHANGE))
ORIGINS = Block("origins drawn anew each epoch, or always the same", layers(), off_data=same_origins)
APART = Block("columns apart", whole(columns=Columns.APART))
SEGRNN = all_of(whole(columns=Columns.APART), front("segments 24"), head(segment=24))


def convolution(text: str) -> Block:
    return Block(f"convolution {text}", front(f"convolution {text}"))


def segments(size: int, *, beside: str = "none") -> Block:
    named = f"segments of {size}" + (f" beside a {beside} shortcut" if beside != "none" else "")
    return Block(named, all_of(front(f"segments {size}"), shortcut(beside)), shortcut(beside))


def decoder(segment: int) -> Block:
    return Block(f"parallel decoder, segments of {segment}", head(segment=segment))


def bag(text: str) -> Block:
    return Block(f"n-gram shortcut {text}", shortcut(f"ngrams {text}"))


def hashed(kind: str, text: str, *, beside: str = "none") -> Block:
    named = f"{kind} in front {text}" + (" beside that shortcut" if beside != "none" else "")
    return Block(named, all_of(front(f"{kind} {text}"), shortcut(beside)), shortcut(beside))


LAYERS = (NORM, BEFORE, RECURRENT, RESIDUAL, PERIOD, ATTENTION, MEMORY)
"""Blocks for every task."""
SERIES = (*LAYERS, DIFFERENCES, FLAT, POOLED, MAXIMUM, BOTH_WAYS)
"""Blocks for sequences of numbers with one answer."""
TEXTS = (*LAYERS, EMBEDDING, MAXIMUM, BOTH_WAYS)
"""Blocks for texts with one answer."""
FORECASTS = (NORM, BEFORE, RECURRENT, SHARED, FULL, RELATIVE, CHANGE, ATTENTION, MEMORY)
"""Blocks for forecasts."""
DIFFERENCES_FLAT = Block(
    "flat shortcut beside differences",
    all_of(front("differences"), shortcut("flat")),
    front("differences"),
)
ABLATIONS = {
    "airline": Ablation(
        network("lstm", 16, rate=5e-3, batch=8, forecast=Forecast.RELATIVE), (*FORECASTS, segments(4))
    ),
    "sunspots": Ablation(
        network("lstm", 16, rate=5e-3, batch=8, forecast=Forecast.RELATIVE), (*FORECASTS, segments(4))
    ),
    "japanese_vowels": Ablation(network("lstm", 64, rate=5e-3, batch=16), SERIES),
    "digits": Ablation(
        network("lstm", 64, rate=5e-3, batch=32),
        (*SERIES, DIFFERENCES_FLAT, convolution("3"), segments(2)),
    ),
    "etth1": Ablation(
        network("lstm", 32, rate=2e-3, batch=64, forecast=Forecast.RELATIVE),
        (*FORECASTS, ORIGINS, segments(8), segments(8, beside="shared"), decoder(8)),
    ),
    "etth1_seven": Ablation(
        network("lstm", 64, rate=2e-3, batch=64, forecast=Forecast.RELATIVE),
        (
            *(*FORECASTS, ORIGINS, APART, segments(8), segments(8, beside="shared"), decoder(24)),
            Block("SegRNN: columns apart, segments and decoder of 24", SEGRNN),
            Block("shared shortcut beside SegRNN", all_of(SEGRNN, shortcut("shared")), SEGRNN),
        ),
    ),
    "pendigits": Ablation(
        network("lstm", 64, rate=5e-3, batch=64), (*SERIES, DIFFERENCES_FLAT, convolution("3"))
    ),
    "coal": Ablation(
        network("lstm", 32, rate=5e-3, batch=128, forecast=Forecast.RELATIVE),
        (*FORECASTS, ORIGINS, segments(5)),
    ),
    "trec": Ablation(
        network("lstm", 64, rate=5e-3, batch=32, embedding=64),
        (
            *(*TEXTS, bag("1-2 x 8192"), hashed("ngrams", "1-2 x 8192"), hashed("subwords", "3-6 x 4096")),
            *(hashed("ngrams", "1-2 x 8192", beside="ngrams 1-2 x 8192"), convolution("3")),
        ),
    ),
    "promoters": Ablation(
        network("lstm", 64, rate=5e-3, batch=32, embedding=16),
        (
            *(
                *TEXTS,
                bag("3-6 x 4096"),
                hashed("ngrams", "3-6 x 4096"),
                convolution("7"),
                convolution("5/2"),
            ),
            hashed("ngrams", "3-6 x 4096", beside="ngrams 3-6 x 4096"),
        ),
    ),
    "mnist1d": Ablation(
        network("gru", 48, rate=1e-2, batch=32), (*SERIES, convolution("5"), convolution("5/2"), segments(4))
    ),
    "jsb": Ablation(network("lstm", 128, rate=5e-3, batch=8), (*LAYERS, SKIP, DIFFERENCES, convolution("3"))),
    "tinyshakespeare": Ablation(
        network("lstm", 128, rate=4e-3, batch=16, embedding=32),
        (*LAYERS, EMBEDDING, bag("2-5 x 16384"), hashed("ngrams", "2-4 x 4096")),
    ),
    "anbncn": Ablation(network("lstm", 32, rate=1e-2, batch=32, embedding=8), LAYERS),
    "addition": Ablation(network("lstm", 32, rate=1e-2, batch=32, embedding=8), LAYERS),
}
