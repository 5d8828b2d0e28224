"""What must never change by accident: hashes of architectures, and what the numbers of a genome mean.

Duplicates are recognised, trainings are seeded and recorded runs are gone on with by these. If a test fails, runs that
were recorded before cannot be resumed: undo the change, or mean it and say so in CHANGELOG.md.

What the values hang on:

* the number of each op in `genome/ops.py`, which orders the nodes of canonical cells;
* the order of the fields of the dataclasses in `architecture.py` and `cell.py`, and the texts of their enumerations,
  which are the JSON that is hashed; the order of the members of an enumeration does not matter;
* the order of the rows in `genome/slots.py` and of the nodes' genes in `genome/cgp.py`, which order the genome;
* the order of the choices in the options, which a run records, and its defaults in `genome/options.py`.
"""

from __future__ import annotations

from random import Random

import pytest

from evo_nas.genome.architecture import (
    Architecture,
    Forecast,
    Head,
    Layer,
    Norm,
    Optimizer,
    Pooling,
    Signature,
    Training,
)
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.codec import architecture_hash, to_json
from evo_nas.genome.ops import Op
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace

NAMED = {
    "rnn_tanh": "c42f047e3dfb0fb233304438b2560db7",
    "rnn_sigmoid": "2c7cfcbc9a31b6dc1290e1f2932c042a",
    "gru": "758ffd0b63b137e7c50a7781e90e5fcb",
    "lstm": "993ecc907cc4f0519b02d1f7a1e115d7",
    "mgu": "51217a95cb8f838d3a3e7c9d59b259a7",
    "ugrnn": "26590d669afc3cb6e8fbab561e025a63",
    "mingru": "949201ab9e6fbbe36f2ddc4cff1be946",
    "enas": "466b5b25e3c97db51a9ed0f04cbfa2b3",
    "darts_v2": "0651e6234bc14dc5f51ae55e25795ff7",
    "lstm_peephole": "1f18b7302e0264fabe45d9c936895edc",
    "lstm_slim1": "10f413e5d464f376672d7993f1584671",
    "lstm_slim2": "3860da4c02caf1858ac3f16f2ab46fbd",
    "lstm_slim3": "65f50106b5547a0a80c2425f52174f2b",
    "slstm": "37dcec90fe1f67e612281345e0b23d4b",
    "gru_d": "eaca4c577a9119f9a4f51e95451d7f0f",
    "brc": "5f89fd973ff66c7cef18a465d9b72e66",
    "nbrc": "8721201d3017d909ce2f8d9f66f1397b",
    "delta_rnn": "3f5d08f42208a74040f6bbb71975fd3c",
    "indrnn": "cb6c32f5a07e90ec0f85be1ad854668e",
    "sru": "202a113dfe1fe69fe30c1063256ecc41",
    "qrnn": "ed711cf5945dfd4301f65d501088efad",
    "gilr": "832b3f54a7b204fd52b02fc0437f0e4f",
    "minlstm": "f95a1c6462ebc3cb7fc19bae0830b107",
    "hgrn": "83b35a40b20a0ba00cec780ab1653531",
    "lru": "b2e974c962a5922c3bb1bf067ecbc80e",
    "rg_lru": "652a145c3d3f15e434c6ed3dd694ed22",
    "rwkv4": "ca9d69bd0485d9596bc1b1958670acea",
}
"""Hash of one layer of eight units with the cell."""


@pytest.mark.parametrize("name", NAMED_CELLS)
def test_hash_of_every_named_cell_is_what_it_was(name) -> None:
    assert architecture_hash(Architecture((Layer(canonical(NAMED_CELLS[name]), 8),))) == NAMED[name]


LSTM, GRU = (canonical(NAMED_CELLS[name]) for name in ("lstm", "gru"))
EVERY_OP = canonical(
    CellGraph(
        2,
        (
            Node(Op.LINEAR, (0, 1), bias=True),
            Node(Op.LINEAR, (1, 2)),
            Node(Op.SIGMOID, (3,)),
            Node(Op.RELU, (4,)),
            Node(Op.LEAKY_RELU, (4,)),
            Node(Op.TANH, (3,)),
            Node(Op.ADD, (6, 7, 2)),
            Node(Op.MUL, (8, 9)),
            Node(Op.MEAN, (10, 1)),
            Node(Op.BLEND, (5, 11, 8)),
        ),
        (12, 9),
    )
)
KINDS = {
    "series": (
        Architecture(
            (
                Layer(LSTM, 96, bidirectional=True, dropout=0.1, norm=Norm.LAYER),
                Layer(EVERY_OP, 64, skip=0),
            ),
            Head(Pooling.ATTENTION, hidden=64, dropout=0.3, skip=1),
            Training(Optimizer.RMSPROP, learning_rate=0.0123, weight_decay=1e-4, clip=0.25, batch_size=8),
        ),
        "21566a40da6d9ad7e46aa9910f84e436",
    ),
    "labels of every step": (
        Architecture((Layer(EVERY_OP, 32),), Head(hidden=8)),
        "0ecda4e3a8baa09fcdaa06524667686e",
    ),
    "tokens": (
        Architecture((Layer(GRU, 128),), Head(Pooling.MAX), embedding=64),
        "974cb32efe6ec2a5f0a74963fbb96097",
    ),
    "tied tokens": (
        Architecture((Layer(GRU, 128),), embedding=64, tied=True),
        "6ca585d10ebe5af443ddd38f26ffb5a4",
    ),
    "forecast of values": (Architecture((Layer(GRU, 16),)), "a84120bee4104b717f6f29909522521d"),
    "forecast of changes": (
        Architecture((Layer(GRU, 16),), forecast=Forecast.CHANGE),
        "84406420c28295e06b34524b02b82567",
    ),
    "forecast from changes": (
        Architecture((Layer(GRU, 16),), forecast=Forecast.RELATIVE),
        "3ac21282f7f57157268462e33e843d12",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_hash_of_an_architecture_of_every_kind_is_what_it_was(kind) -> None:
    architecture, expected = KINDS[kind]
    assert architecture_hash(architecture) == expected


def test_bytes_that_are_hashed_are_what_they_were() -> None:
    small = Architecture((Layer(canonical(NAMED_CELLS["rnn_tanh"]), 8),))
    assert to_json(small) == (
        '{"format":1,"layers":[{"cell":{"states":1,"nodes":[{"op":"linear","inputs":[0,1],"bias":true},'
        '{"op":"tanh","inputs":[2],"bias":false}],"outputs":[3]},"width":8,"bidirectional":false,"dropout":0.0,'
        '"norm":"none","skip":null}],"head":{"pooling":"last","hidden":0,"dropout":0.0,"skip":null},'
        '"training":{"optimizer":"adam","learning_rate":0.005,"weight_decay":0.0,"clip":1.0,"batch_size":32},'
        '"embedding":null}'
    )


SPACE = SearchSpace(
    SpaceOptions.model_validate(
        {
            "layers": {"min": 1, "max": 2},
            "widths": [8, 16],
            "cells": ["gru"],
            "cell_nodes": 3,
            "cell_states": 1,
        }
    ),
    Signature(features=3, outputs=4, last_values=(2, 0), horizon=2),
    epochs=100,
)
GENES = (
    "training.optimizer:2 training.learning_rate:9 training.weight_decay:4 training.clip:3 "
    "training.batch_size:3 forecast:3 front:1 shortcut:1 columns:2 head.pooling:4 head.hidden:1 "
    "head.dropout:5 head.skip:3 head.segment:1 layers:2 layer1.cell:2 layer1.width:2 "
    "layer1.bidirectional:1 layer1.dropout:5 layer1.norm:2 layer1.skip:1 layer1.residual:1 "
    "layer1.recurrent_dropout:1 layer1.period:1 layer1.context:1 layer2.cell:2 layer2.width:2 "
    "layer2.bidirectional:1 layer2.dropout:5 layer2.norm:2 layer2.skip:2 layer2.residual:1 "
    "layer2.recurrent_dropout:1 layer2.period:1 layer2.context:1 cell.node1.op:10 cell.node1.input1:2 "
    "cell.node1.input2:2 cell.node1.input3:2 cell.node2.op:10 cell.node2.input1:3 cell.node2.input2:3 "
    "cell.node2.input3:3 cell.node3.op:10 cell.node3.input1:4 cell.node3.input2:4 cell.node3.input3:4 "
    "cell.output1:4 "
)
"""Names and numbers of choices."""
SEEDS = {
    "gru+norm": (
        "0 5 1 1 1 0 0 0 0 0 0 1 0 0 0 1 1 0 1 1 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 6 2 2 2 0 0 0 0 2"
    ),
    "gru+apart": (
        "0 5 1 1 1 0 0 0 1 0 0 1 0 0 0 1 1 0 1 0 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 6 2 2 2 0 0 0 0 2"
    ),
    "gru+norm+max": (
        "0 5 1 1 1 0 0 0 0 2 0 1 0 0 0 1 1 0 1 1 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 6 2 2 2 0 0 0 0 2"
    ),
    "gru+norm, small": (
        "0 5 1 1 1 0 0 0 0 0 0 1 0 0 0 1 0 0 1 1 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 6 2 2 2 0 0 0 0 2"
    ),
    "rnn_sigmoid+norm": (
        "0 5 1 1 1 0 0 0 0 0 0 1 0 0 0 0 1 0 1 1 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 7 2 2 2 0 0 0 0 2"
    ),
    "gru": (
        "0 5 1 1 1 0 0 0 0 0 0 1 0 0 0 1 1 0 1 0 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 6 2 2 2 0 0 0 0 2"
    ),
    "gru+norm+stacked": (
        "0 5 1 1 1 0 0 0 0 0 0 1 0 0 1 1 1 0 1 1 0 0 0 0 0 1 1 0 1 1 0 0 0 0 0 0 0 1 0 6 2 2 2 0 0 0 0 2"
    ),
    "rnn_tanh+norm": (
        "0 5 1 1 1 0 0 0 0 0 0 1 0 0 0 0 1 0 1 1 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 6 2 2 2 0 0 0 0 2"
    ),
    "rnn_sigmoid": (
        "0 5 1 1 1 0 0 0 0 0 0 1 0 0 0 0 1 0 1 0 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 7 2 2 2 0 0 0 0 2"
    ),
    "rnn_tanh": (
        "0 5 1 1 1 0 0 0 0 0 0 1 0 0 0 0 1 0 1 0 0 0 0 0 0 0 1 0 1 0 0 0 0 0 0 0 0 1 0 6 2 2 2 0 0 0 0 2"
    ),
}
DRAWN = {
    0: (
        "1 6 0 1 2 1 0 0 1 2 0 4 0 0 0 0 1 0 2 0 0 0 0 0 0 1 1 0 4 1 1 0 0 0 0 1 0 0 1 2 0 0 2 7 3 3 0 3",
        "e48efbd7c18524c897980c5421eb8f5a",
    ),
    1: (
        "0 1 2 0 1 1 0 0 0 0 0 0 1 0 0 1 1 0 4 0 0 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 0 1 1 3 2 1 2 7 2 3 1 3",
        "2e9a5091fb64186a624be240033fb07f",
    ),
    2: (
        "0 1 0 1 0 2 0 0 0 0 0 3 2 0 1 1 1 0 0 1 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0 7 0 1 1 0 2 2 0 1 3 1 1 2",
        "ab50b0a3d1063bac0da30d76db7014ad",
    ),
    3: (
        "0 8 1 1 2 1 0 0 1 2 0 1 2 0 1 1 0 0 1 1 0 0 0 0 0 0 1 0 4 1 1 0 0 0 0 7 1 0 0 1 2 0 2 8 3 2 0 2",
        "01f5077766183f3073dd6aa24b8babea",
    ),
    4: (
        "0 4 0 2 1 1 0 0 0 0 0 4 1 0 0 1 1 0 0 1 0 0 0 0 0 0 1 0 2 0 1 0 0 0 0 2 0 1 1 1 0 0 1 7 3 2 2 3",
        "4f053cd2a74fe97cb192a0ddc9f1aaff",
    ),
    5: (
        "1 5 0 1 0 2 0 0 0 2 0 1 1 0 0 0 0 0 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 1 1 2 0 1 3 1 2",
        "808328614bc1c5a29c92228177d16301",
    ),
}
"""The genome that each seed draws, and the hash of what it means."""


def genome(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


def test_genes_of_a_space_are_in_the_order_that_recorded_genomes_have() -> None:
    assert [f"{gene.name}:{gene.size}" for gene in SPACE.genes] == GENES.split()


def test_seeds_are_spelled_as_they_were() -> None:
    assert SPACE.seeds() == tuple((name, genome(text)) for name, text in SEEDS.items())


@pytest.mark.parametrize("seed", DRAWN)
def test_genome_that_a_seed_draws_means_what_it_meant(seed) -> None:
    text, expected = DRAWN[seed]
    drawn = SPACE.random(Random(seed))
    assert drawn == genome(text)
    assert SPACE.canonical_hash(drawn) == expected
    assert SPACE.canonical_hash(SPACE.encode(SPACE.decode(drawn))) == expected


def test_default_choices_are_in_the_order_that_genomes_count() -> None:
    options = SpaceOptions()
    assert options.ops == (
        *("linear", "linear_no_bias", "blend", "add", "mul", "mean", "tanh", "sigmoid", "relu", "leaky_relu"),
    )
    assert options.poolings == ("last", "mean", "max", "attention")
    assert options.forecasts == ("relative", "change", "value")
    assert (options.norms, options.optimizers) == (("none", "layer"), ("adam", "rmsprop"))
    assert options.cells == ("lstm", "gru")
