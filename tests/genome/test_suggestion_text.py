"""What another program proposes is read strictly, and never more than the text itself."""

from __future__ import annotations

import json
import random

import pytest

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.codec import cell_to_json
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.genome.suggestion_text import MOST_CHARACTERS, read_suggestion

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
NAMES = [gene.name for gene in SPACE.genes]
BASE = SPACE.seeds()[0][1]


def base_of(name):
    if name == "best":
        return BASE
    raise GenomeError(f"base is {name}")


def read(proposal):
    text = proposal if isinstance(proposal, str) else json.dumps(proposal)
    return read_suggestion(text, SPACE, base_of).genome


def test_a_genome_and_its_architecture_mean_the_same():
    genome = SPACE.random(random.Random(3))
    assert read({"genome": list(genome)}) == genome
    encoded = read({"architecture": json.loads(SPACE.to_json(genome)), "note": "wider"})
    assert SPACE.canonical_hash(encoded) == SPACE.canonical_hash(genome)


@pytest.mark.parametrize(
    "cell", ["gru", json.loads(cell_to_json(NAMED_CELLS["gru"])), cell_to_json(NAMED_CELLS["gru"])]
)
def test_a_cell_takes_the_place_of_those_of_the_base(cell):
    lstm = dict(SPACE.seeds())["lstm"]
    genome = read_suggestion(json.dumps({"cell": cell, "base": 7}), SPACE, lambda name: lstm).genome
    before, after = SPACE.decode(lstm), SPACE.decode(genome)
    assert {layer.cell for layer in after.layers} == {SPACE.decode(read({"cell": "gru"})).layers[0].cell}
    assert (after.head, after.training) == (before.head, before.training)


def test_a_recipe_changes_what_it_names_and_nothing_else():
    rate = SPACE.genes[NAMES.index("training.learning_rate")].choices[2]
    genome = read({"recipe": {"training.learning_rate": rate, "width": 160, "training.optimizer": "rmsprop"}})
    architecture = SPACE.decode(genome)
    assert architecture.training.learning_rate == rate
    assert architecture.training.optimizer == "rmsprop"
    assert {layer.width for layer in architecture.layers} == {160}
    changed = {NAMES[place] for place in range(len(BASE)) if genome[place] != BASE[place]}
    widths = {name for name in NAMES if name.endswith(".width")}
    assert changed <= {"training.learning_rate", "training.optimizer", *widths}


def test_a_recipe_may_name_a_cell_for_the_layers_that_it_makes():
    architecture = SPACE.decode(read({"recipe": {"cell": "gru", "layers": 2, "width": 128}}))
    assert len(architecture.layers) == 2
    expected = SPACE.decode(read({"cell": "gru"})).layers[0].cell
    assert {(layer.cell, layer.width) for layer in architecture.layers} == {(expected, 128)}


@pytest.mark.parametrize(
    ("proposal", "message"),
    [
        ("", "not JSON"),
        ("[]", "must be an object"),
        ("null", "must be an object"),
        ('{"genome": [1], "genome": [2]}', "occurs twice"),
        ('{"genome": [NaN]}', "finite"),
        ('{"genome": [1e999]}', "finite"),
        ('{"genome": [' + "9" * 5000 + "]}", "digits"),
        ("[" * 100_000, "nested deeper"),
        ('{"genome": ' + "[" * 50 + "]" * 50 + "}", "nested deeper"),
        (" " * (MOST_CHARACTERS + 1), "characters"),
        ({}, "exactly one of"),
        ({"genome": [], "cell": "lstm"}, "genome and cell"),
        ({"genome": list(BASE), "base": "best"}, "unknown key 'base'"),
        ({"genome": list(BASE), "weights": "/etc/passwd"}, "unknown key"),
        ({"genome": list(BASE)[:-1]}, "genes"),
        ({"genome": [True, *BASE[1:]]}, "integers"),
        ({"genome": [0.0, *BASE[1:]]}, "integers"),
        ({"genome": [-1, *BASE[1:]]}, "must be 0 to"),
        ({"genome": [10**17, *BASE[1:]]}, "must be 0 to"),
        ({"genome": "012"}, "integers"),
        ({"genome": list(BASE), "note": 3}, "note"),
        ({"genome": list(BASE), "note": "x" * 1001}, "note"),
        ({"architecture": 3}, "must be an object"),
        ({"architecture": {"format": 1}}, "layers is missing"),
        ({"architecture": {"format": 99, "layers": []}}, "newer"),
        ({"architecture": json.loads(SPACE.to_json(BASE)) | {"run": "rm"}}, "unknown key"),
        ({"cell": "lstmm"}, "did you mean lstm"),
        ({"cell": "/etc/passwd"}, "no known name"),
        ({"cell": "~/.ssh/id_rsa"}, "no known name"),
        ({"cell": ["lstm"]}, "must be a name"),
        ({"cell": "Genotype(recurrent=__import__('os').system('true'), concat=[1])"}, "enotype"),
        ({"cell": "lstm", "base": "worst"}, "base is worst"),
        ({"recipe": {}}, "must be an object"),
        ({"recipe": {"cell": "/etc/passwd"}}, "no known name"),
        ({"recipe": {"cell": None}}, "must be a name"),
        ({"recipe": {"width": 31}}, "must be one of"),
        ({"recipe": {"width": True}}, "must be one of"),
        ({"recipe": {"widht": 160}}, "no gene"),
        ({"recipe": {"layers": True}}, "must be one of"),
        ({"recipe": {"layer1.width": [160]}}, "must be one of"),
    ],
)
def test_what_is_malformed_is_refused_with_the_reason(proposal, message):
    with pytest.raises(GenomeError, match=message):
        read(proposal)


def test_any_bytes_are_read_or_refused():
    rng = random.Random(5)
    text = json.dumps({"architecture": json.loads(SPACE.to_json(BASE))})
    for _ in range(300):
        place, symbol = rng.randrange(len(text)), chr(rng.choice([*range(32, 127), 0, 0x2028, 0xD800]))
        damaged = text[:place] + symbol + text[place + rng.randrange(4) :]
        try:
            genome = read(damaged)
        except GenomeError:
            continue
        SPACE.decode(genome)
