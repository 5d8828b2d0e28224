"""The parts of a space in which the same genes matter have every architecture, and are counted honestly."""

from __future__ import annotations

import itertools
import math

import pytest

from evo_nas.config.reference import find, sections_of
from evo_nas.config.schema import SearchConfig
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace

SMALL = {
    "evolve_cell": False, "cells": ["lstm", "gru"], "widths": [4, 8], "norms": ["none"], "fronts": ["none"],
    "shortcuts": ["none"], "heads": [0], "poolings": ["last"], "optimizers": ["adam"], "clips": [1.0],
    "batch_sizes": [8], "learning_rates": {"count": 2}, "residuals": [False],
}  # fmt: skip
EVOLVED = {**SMALL, "layers": {"max": 1}, "evolve_cell": True, "cell_nodes": 2, "cell_states": 1}


def space(**options: object) -> SearchSpace:
    section = SpaceOptions.model_validate({**SMALL, **options})
    return SearchSpace(section, Signature(features=3, outputs=2), epochs=4)


def every_architecture(made: SearchSpace) -> set[str]:
    genomes = itertools.product(*(range(gene.size) for gene in made.genes))
    return {made.canonical_hash(genome) for genome in genomes}


def those_of_parts(made: SearchSpace) -> set[str]:
    return {
        made.canonical_hash(genome) for part in made.subspaces() for genome in itertools.product(*part.values)
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"layers": {"min": 2, "max": 3}, "learning_rates": {"count": 1}, "cells": ["gru"]},
        {"skips": False, "bidirectional": True},
        {**EVOLVED, "ops": ["linear"], "widths": [4], "learning_rates": {"count": 1}},
        {**EVOLVED, "cell_nodes": 1, "ops": ["linear", "tanh"], "cells": []},
    ],
)
def test_the_parts_have_every_architecture_of_the_space(options: dict[str, object]) -> None:
    made = space(**options)
    assert those_of_parts(made) == every_architecture(made)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_without_an_evolved_cell_the_count_is_that_of_the_architectures(layers: int) -> None:
    made = space(layers={"min": 1, "max": layers}, learning_rates={"count": 1}, cells=["gru"])
    assert sum(part.most for part in made.subspaces()) == len(every_architecture(made))


def test_with_an_evolved_cell_the_count_is_a_bound() -> None:
    made = space(**{**EVOLVED, "cell_nodes": 1, "ops": ["linear", "tanh"]})
    named, evolved = made.subspaces()
    assert named.most == 2 * 2 * 2 * 2  # rates, widths, cells, a skip of the head
    found = {made.canonical_hash(genome) for genome in itertools.product(*evolved.values)}
    assert len(found) <= evolved.most < math.prod(gene.size for gene in made.genes)


def test_genes_that_are_fixed_keep_their_default() -> None:
    made = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=30)
    fixed = made.regularisation_genes
    assert fixed
    for part in made.subspaces(fixed=fixed):
        assert all(len(part.values[position]) == 1 for position in fixed)
        assert all(part.values[position][0] in {0, made.genes[position].default} for position in fixed)


def test_the_count_of_a_large_space_is_as_cheap() -> None:
    made = SearchSpace(SpaceOptions(cell_nodes=20), Signature(features=3, outputs=2), epochs=4)
    assert max(part.most for part in made.subspaces()) > 10**80


def test_every_gene_names_the_key_that_decides_its_choices() -> None:
    keys = sections_of(SearchConfig, models={"space": SpaceOptions}, kinds={})
    signature = Signature(features=0, outputs=5, vocabulary=9, per_step=True, predicts_inputs=True)
    spaces = (
        SearchSpace(SpaceOptions(), of_task, epochs=30)
        for of_task in (Signature(features=3, outputs=2), signature)
    )
    named = {gene.option: gene.name for made in spaces for gene in made.genes}
    assert len(named) > 20
    for option, gene in named.items():
        assert find(f"space.{option}", keys)[1] is not None, gene
