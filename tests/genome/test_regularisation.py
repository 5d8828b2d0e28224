"""Which genes regularise, and what they are where trainings are too short to judge them."""

from __future__ import annotations

import random
import re

import pytest

from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace

TEXT = Signature(features=0, outputs=50, vocabulary=50, per_step=True, predicts_inputs=True)
OPTIONS = SpaceOptions(embedding_dropouts=(0.0, 0.1), recurrent_dropouts=(0.0, 0.2))
LONG, SHORT = SearchSpace(OPTIONS, TEXT, epochs=30), SearchSpace(OPTIONS, TEXT, epochs=10)


def names(space: SearchSpace, positions: frozenset[int]) -> set[str]:
    return {space.genes[position].name for position in positions}


def test_dropout_and_weight_decay_regularise_and_nothing_else() -> None:
    assert names(LONG, LONG.regularisation_genes) == {
        gene.name for gene in LONG.genes if re.search("dropout|decay", gene.name)
    }
    assert "training.weight_decay" in names(LONG, LONG.regularisation_genes)


def test_where_all_trainings_are_short_no_gene_that_regularises_varies() -> None:
    assert SHORT.regularisation_genes == frozenset()
    genome = SHORT.random(random.Random(1))
    assert SHORT.with_default_regularisation(genome) == genome


@pytest.mark.parametrize(("epochs", "can"), [(19, False), (20, True)])
def test_short_trainings_cannot_judge_regularisation(epochs: int, can: bool) -> None:
    assert LONG.can_judge_regularisation(epochs) == can


def test_the_default_regularisation_is_that_of_short_trainings_and_leaves_the_rest() -> None:
    genome = tuple(gene.size - 1 for gene in LONG.genes)
    changed = LONG.with_default_regularisation(genome)
    assert {
        position for position in range(len(genome)) if genome[position] != changed[position]
    } == LONG.regularisation_genes
    architecture = LONG.decode(changed)
    assert architecture.training.weight_decay == OPTIONS.regularisation.frozen_weight_decay
    assert architecture.head.dropout == OPTIONS.regularisation.frozen_dropout
    assert architecture.embedding_dropout == 0.0
    assert {(layer.dropout, layer.recurrent_dropout) for layer in architecture.layers} == {(0.1, 0.0)}
