"""Mutation operators by name: what each changes, and how far."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from evo_nas.genome.architecture import Signature
from evo_nas.genome.gene import Gene
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.mutation import blocks_of, moved, mutated, operators_of

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
TEXT = SearchSpace(SpaceOptions(), Signature(features=0, vocabulary=30, outputs=30, per_step=True), epochs=30)
OPERATORS = {operator.name: operator for operator in operators_of(SPACE)}


def test_operators_are_named_after_the_genes_that_they_change() -> None:
    assert set(OPERATORS) == {
        *("training", "learning-rate", "front", "head", "depth", "cell-swap", "width", "layer"),
        *("cell-node", "cell-edge"),
    }
    named = {SPACE.genes[position].name for position in OPERATORS["width"].positions}
    assert named == {"layer1.width", "layer2.width"}


@pytest.mark.parametrize("space", [SPACE, TEXT])
def test_every_gene_that_varies_belongs_to_one_operator(space: SearchSpace) -> None:
    changed = Counter(position for operator in operators_of(space) for position in operator.positions)
    varying = [position for position, gene in enumerate(space.genes) if gene.size > 1]
    assert changed == Counter(varying)


def test_a_space_without_a_choice_has_no_operators() -> None:
    only = {
        "layers": {"min": 1, "max": 1}, "cells": ["gru"], "evolve_cell": False, "skips": False, "heads": [0],
        "clips": [1.0], "fronts": ["none"], "widths": [4], "norms": ["none"], "poolings": ["last"],
        "optimizers": ["adam"], "batch_sizes": [8], "learning_rates": {"min": 1e-2, "max": 1e-2, "count": 1},
    }  # fmt: skip
    space = SearchSpace(SpaceOptions.model_validate(only), Signature(features=3, outputs=2), epochs=4)
    assert operators_of(space) == ()


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_a_mutation_changes_an_active_gene_of_its_own_and_none_of_another_operator(name: str) -> None:
    operator, tried = OPERATORS[name], 0
    for seed in range(30):
        rng = random.Random(seed)
        parent = SPACE.random(rng)
        active = set(SPACE.active_genes(parent)) & set(operator.positions)
        child = mutated(parent, operator, space=SPACE, rng=rng)
        changed = {place for place, (old, new) in enumerate(zip(parent, child, strict=True)) if old != new}
        assert changed <= set(operator.positions)
        assert bool(changed & active) is bool(active)
        tried += bool(active)
    assert tried > 5


def test_a_genome_without_an_active_gene_of_the_operator_stays_as_it_is() -> None:
    lstm = dict(SPACE.seeds())["lstm"]
    cell = SPACE.genes[OPERATORS["cell-swap"].positions[0]]
    values = list(lstm)
    values[OPERATORS["cell-swap"].positions[0]] = cell.choices.index("lstm")
    named = tuple(values)
    assert not set(SPACE.active_genes(named)) & set(OPERATORS["cell-node"].positions)
    assert mutated(named, OPERATORS["cell-node"], space=SPACE, rng=random.Random(1)) == named


def test_a_step_of_an_ordered_gene_is_half_as_likely_with_each_choice_that_it_goes_further() -> None:
    gene = Gene("width", tuple(range(21)), ordered=True)
    rng = random.Random(1)
    steps = Counter(abs(moved(gene, 10, rng) - 10) for _ in range(4000))
    assert steps[0] == 0
    assert 1800 < steps[1] < 2200
    assert 800 < steps[2] < 1200
    assert max(steps) >= 6


def test_the_far_end_of_an_ordered_gene_is_reached_in_one_step() -> None:
    gene = Gene("width", (96, 128, 160, 192, 224, 256), ordered=True)
    rng = random.Random(1)
    assert {moved(gene, 0, rng) for _ in range(600)} == {1, 2, 3, 4, 5}


def test_an_unordered_gene_moves_to_every_other_choice_equally_often() -> None:
    gene = Gene("op", tuple("abcd"))
    rng = random.Random(1)
    counts = Counter(moved(gene, 2, rng) for _ in range(3000))
    assert set(counts) == {0, 1, 3}
    assert min(counts.values()) > 900


def test_blocks_are_the_cell_the_layers_and_single_genes() -> None:
    names = [{SPACE.genes[position].name for position in block} for block in blocks_of(SPACE)]
    assert sum(len(block) for block in blocks_of(SPACE)) == len(SPACE.genes)
    assert {"head.pooling"} in names
    assert {gene.name for gene in SPACE.genes if gene.name.startswith("cell.")} in names
    assert {gene.name for gene in SPACE.genes if gene.name.startswith("layer2.")} in names
