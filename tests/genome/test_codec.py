from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Signature
from evo_nas.genome.cell import CellGraph
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.codec import (
    architecture_hash,
    cell_from_json,
    cell_to_json,
    from_json,
    signature_from_json,
    to_json,
)
from evo_nas.genome.space import SearchSpace, SpaceOptions

SPACE = SearchSpace(SpaceOptions(bidirectional=True), Signature(features=3, outputs=2), epochs=50)
SMALL = Architecture((Layer(NAMED_CELLS["rnn_tanh"], 8),), Head(skip=0), embedding=4)
[LAYER] = json.loads(to_json(SMALL))["layers"]
NODE = {"op": "tanh", "inputs": [1]}


def edited(*path, value):
    """The JSON of `SMALL` with one value replaced."""
    plain = json.loads(to_json(SMALL))
    *way, last = path
    place = plain
    for step in way:
        place = place[step]
    place[last] = value
    return json.dumps(plain)


@given(cell=st.from_type(CellGraph))
def test_cell_comes_back_from_json(cell):
    assert cell_from_json(cell_to_json(cell)) == cell


@pytest.mark.parametrize("seed", range(20))
def test_architecture_comes_back_from_json(seed):
    architecture = SPACE.decode(SPACE.random(random.Random(seed)))
    assert from_json(to_json(architecture)) == architecture


@pytest.mark.parametrize("change", [{"tied": True}, {"forecast": Forecast.RELATIVE}])
def test_a_later_field_is_written_only_where_it_differs_from_its_default(change):
    changed = replace(SMALL, **change)
    [field] = change
    assert f'"{field}":' in to_json(changed)
    assert f'"{field}":' not in to_json(SMALL)
    assert from_json(to_json(changed)) == changed
    assert architecture_hash(changed) != architecture_hash(SMALL)


def test_json_is_one_line_with_a_format():
    assert to_json(SMALL).startswith('{"format":1,"layers":[{"cell":')
    assert "\n" not in to_json(SMALL)


def test_hash_is_the_same_in_another_process():
    program = (
        "from evo_nas.genome.codec import architecture_hash, from_json\n"
        "import sys; print(architecture_hash(from_json(sys.stdin.read())))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], input=to_json(SMALL), capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == architecture_hash(SMALL)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the architecture is not JSON"),
        ("[1, 2", "the architecture is not JSON"),
        ("[]", r"architecture is \[\]; must be an object"),
        ("[" * 10_000, "nested deeper than 16 levels"),
        ('{"layers":' * 10_000, "nested deeper than 16 levels"),
        (" " * 4_000_001, "has 4000001 characters; at most 4000000"),
        ('{"format": 1, "format": 1}', "the key 'format' occurs twice"),
        ('{"format": NaN}', "a number is NaN; numbers must be finite"),
        ('{"format": 1e999}', "a number is '1e999'; numbers must be finite"),
        ('{"format": ' + "9" * 100_000 + "}", "a number has 100000 digits; at most 18"),
        ("{}", "architecture.format is missing"),
        (edited("format", value=2), "architecture.format is 2; this evo-nas reads 1 to 1"),
        (edited("tied", value=1), "architecture.tied is 1; must be true or false"),
        (edited("colour", value=1), "architecture has the unknown key 'colour'"),
        ('{"format": 1}', "architecture.layers is missing"),
        (edited("format", value=True), "architecture.format is True; must be an integer"),
        (edited("layers", value=None), "architecture.layers is None; must be a list"),
        (
            edited("layers", value=json.loads(to_json(SMALL))["layers"] * 65),
            "architecture.layers has 65 entries; at most 64",
        ),
        (edited("layers", value=[3]), r"architecture.layers\[0\] is 3; must be an object"),
        (edited("layers", value=[]), "the number of layers is 0"),
        (edited("layers", 0, "width", value=10**9), "layer.width is 1000000000; must be 1 to 65536"),
        (
            edited("layers", 0, "width", value="8"),
            "width is '8'; must be an integer",
        ),
        (edited("layers", 0, "norm", value="batch"), "norm is 'batch'; must be one of none, layer"),
        (edited("layers", 0, "norm", value=["none"]), "must be one of none, layer"),
        (edited("layers", 0, "bidirectional", value=1), "bidirectional is 1; must be true or false"),
        (edited("layers", 0, "dropout", value="x" * 99), "dropout is 'x{39}...; must be a number"),
        (
            edited("layers", 0, "colour", value="red"),
            r"layers\[0\] has the unknown key 'colour'",
        ),
        (
            edited("layers", 0, "cell", "nodes", value=[{"op": "tanh", "inputs": [1]}] * 257),
            "nodes has 257 entries; at most 256",
        ),
        (edited("layers", 0, "cell", "nodes", value=[0] * 1_000_000), r"nodes\[0\] is 0; must be an object"),
        (
            json.dumps({"format": 1} | {str(key): 1 for key in range(100_000)}),
            "an object has 100001 keys; at most 1000",
        ),
        (edited("layers", 0, "cell", "nodes", 0, "op", value="exec"), "op is 'exec'; must be one of linear"),
        (edited("layers", 0, "cell", "nodes", 0, "inputs", value=[0, 99]), "reads 99; must read an earlier"),
        (edited("layers", 0, "cell", "outputs", value=[10**17]), "outputs refers to 100000000000000000"),
        (edited("layers", 0, "cell", "states", value=10**9), "cell.states is 1000000000; must be 1 to 4"),
        (edited("head", "hidden", value=10**9), "head.hidden is 1000000000"),
        (edited("training", "batch_size", value=0), "training.batch_size is 0"),
        (
            edited("training", "learning_rate", value=-1),
            "learning_rate is -1.0; must be a finite number",
        ),
        (edited("embedding", value=10**9), "embedding is 1000000000; must be 1 to 65536"),
    ],
)
def test_untrusted_architecture_is_refused_with_its_reason(text, message):
    with pytest.raises(GenomeError, match=message):
        from_json(text)


def signature(**changes):
    return json.dumps({"features": 3, "outputs": 4} | changes)


@pytest.mark.parametrize(
    "given",
    [
        Signature(features=3, outputs=2),
        Signature(features=0, outputs=50, vocabulary=50, per_step=True, predicts_inputs=True),
        Signature(features=3, outputs=4, last_values=(2, 0)),
    ],
)
def test_signature_comes_back_from_json(given):
    assert signature_from_json(json.dumps(asdict(given))) == given


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (signature(outputs=0), "signature.outputs is 0; must be 1 to 10000000"),
        (signature(features=-1), "signature.features is -1; must be 0 to 65536"),
        (signature(vocabulary=10**8), "signature.vocabulary is 100000000"),
        (signature(per_step=1), "signature.per_step is 1; must be true or false"),
        (
            signature(last_values=[3]),
            r"signature.last_values is \[3\]; must be positions of features, 0 to 2",
        ),
        (signature(last_values=[0] * 5), "at most as many as outputs, 4"),
        (signature(more=1), "signature has the unknown key 'more'"),
        ('{"features": 3}', "signature.outputs is missing"),
    ],
)
def test_untrusted_signature_is_refused_with_its_reason(text, message):
    with pytest.raises(GenomeError, match=message):
        signature_from_json(text)


@given(text=st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_text_that_is_no_architecture_is_a_genome_error(text):
    with pytest.raises(GenomeError):
        from_json(text)
