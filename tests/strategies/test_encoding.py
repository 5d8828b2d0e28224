"""Rows of genomes: distances block by block."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest

from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import Genome, SearchSpace
from evo_nas.strategies.encoding import Encoder, Metric
from evo_nas.strategies.weisfeiler_lehman import labels_of

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
AT = {gene.name: position for position, gene in enumerate(SPACE.genes)}
LSTM = dict(SPACE.seeds())["lstm"]


def changed(genome: Genome, **values: int) -> Genome:
    child = list(genome)
    for name, value in values.items():
        child[AT[name.replace("__", ".")]] = value
    return tuple(child)


ENCODER = Encoder(SPACE)


def distances(one: Genome, other: Genome) -> dict[str, float]:
    """Returns the squared distance of two genomes in each block in which they differ."""
    rows = ENCODER.rows([one, other])
    norms = rows[:, -len(ENCODER.blocks) :].sum(axis=0)
    squares = {
        block.name: norms[at] - 2 * rows[0, block.columns] @ rows[1, block.columns]
        for at, block in enumerate(ENCODER.blocks)
    }
    return {name: square for name, square in squares.items() if square > 1e-9}


def test_another_category_is_one_apart() -> None:
    pooled = changed(
        LSTM, head__pooling=(LSTM[AT["head.pooling"]] + 1) % SPACE.genes[AT["head.pooling"]].size
    )
    assert distances(LSTM, pooled) == {"head.pooling": pytest.approx(1.0)}


def test_values_of_an_ordered_gene_are_the_further_apart_the_more_lie_between_them() -> None:
    size = SPACE.genes[AT["training.learning_rate"]].size
    rates = [changed(LSTM, training__learning_rate=value) for value in range(size)]
    square = [distances(rates[0], rate).get("training.learning_rate", 0.0) for rate in rates]
    assert np.sqrt(square) == pytest.approx(np.arange(size) * np.sqrt(square[1]))
    pairs = [distances(one, other).get("training.learning_rate", 0.0) for one in rates for other in rates]
    assert np.mean(pairs) == pytest.approx(1.0)


def test_a_gene_that_the_network_does_not_depend_on_is_no_difference() -> None:
    position = next(
        at for at, gene in enumerate(SPACE.genes) if at not in SPACE.active_genes(LSTM) and gene.size > 1
    )
    other = list(LSTM)
    other[position] = (other[position] + 1) % SPACE.genes[position].size
    assert distances(LSTM, tuple(other)) == {}


def test_an_inactive_gene_is_about_as_far_from_its_values_as_they_are_from_each_other() -> None:
    shallow, deep = changed(LSTM, layers=0), changed(LSTM, layers=1)
    apart = distances(shallow, deep)
    assert apart["layer.norm"] == pytest.approx(1.0)
    assert 0.5 <= apart["layer.width"] <= 2.0


def test_cells_are_compared_as_graphs() -> None:
    named = dict(SPACE.seeds())
    related = distances(named["lstm"], named["gru"])
    assert 0 < related["graph 0"] < related["graph 1"] < related["graph 2"]
    assert related["graph 0"] < 0.5 < related["graph 2"] < 1.2


def labels(genome: Genome) -> Counter[int]:
    counts = Counter[int]()
    for layer in SPACE.decode(genome).layers:
        counts.update(labels_of(layer.cell)[2])
    return counts


def test_hashed_labels_are_about_as_far_apart_as_the_labels_themselves() -> None:
    rng = random.Random(1)
    drawn = [SPACE.random(rng) for _ in range(12)]
    errors = []
    for at, one in enumerate(drawn):
        for other in drawn[:at]:
            mine, its = labels(one), labels(other)
            dot = sum(times * its[label] for label, times in mine.items())
            norms = [math.sqrt(sum(times**2 for times in each.values())) for each in (mine, its)]
            errors.append(1 - dot / math.prod(norms) - distances(one, other).get("graph 2", 0.0))
    assert abs(np.mean(errors)) < 0.03
    assert np.std(errors) < 0.1


def test_chosen_positions_are_all_that_is_encoded() -> None:
    encoder = Encoder(SPACE, positions=SPACE.training_genes, graphs=False)
    assert {block.name for block in encoder.blocks} == {
        *("training.optimizer", "training.learning_rate", "training.clip", "training.batch_size"),
    }
    assert {block.metric for block in encoder.blocks} == {Metric.ORDERED, Metric.CATEGORICAL}
    drawn = SPACE.random(random.Random(1))
    same = tuple(drawn[at] if at in SPACE.training_genes else value for at, value in enumerate(LSTM))
    assert np.array_equal(*encoder.rows([drawn, same]))
