from __future__ import annotations

import random

import pytest

from evo_nas.errors import ConfigError, GenomeError
from evo_nas.replay import TableSpace
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.testing.histories import searched
from tests.replay.samples import ONCE

ROWS = {"a": (1, 10), "b": (2, 10), "c": (2, 30), "twin of c": (2, 30), "d": (5, 20)}
SPACE = TableSpace(ROWS, names=["gates", "width"], founders={"first": "d"})


def test_every_row_has_a_genome_that_means_it() -> None:
    assert [SPACE.canonical_hash(SPACE.genome_of(key)) for key in ROWS] == list(ROWS)


def test_every_genome_means_a_row() -> None:
    rng = random.Random(1)
    for _ in range(100):
        genome = tuple(rng.randrange(gene.size) for gene in SPACE.genes)
        assert SPACE.is_feasible(genome)
        assert SPACE.canonical_hash(genome) in ROWS


def test_the_genes_are_the_features_in_ascending_order() -> None:
    assert [(gene.name, gene.choices, gene.ordered) for gene in SPACE.genes[:2]] == [
        ("gates", (1, 2, 5), True),
        ("width", (10, 20, 30), True),
    ]


def test_changing_an_inactive_gene_never_changes_the_row() -> None:
    for key in ROWS:
        genome = SPACE.genome_of(key)
        for position, gene in enumerate(SPACE.genes):
            meant = {
                SPACE.canonical_hash((*genome[:position], value, *genome[position + 1 :]))
                for value in range(gene.size)
            }
            assert (len(meant) > 1) is (position in SPACE.active_genes(genome))


def test_rows_are_drawn_equally() -> None:
    rng = random.Random(1)
    drawn = [SPACE.canonical_hash(SPACE.random(rng)) for _ in range(500)]
    assert all(70 < drawn.count(key) < 130 for key in ROWS)


def test_founders_are_named() -> None:
    assert SPACE.seeds() == (("first", SPACE.genome_of("d")),)


@pytest.mark.parametrize("genome", [(0, 0), (0, 0, 9), (-1, 0, 0)])
def test_what_is_no_genome_is_refused(genome) -> None:
    with pytest.raises(GenomeError, match="one value for each gene"):
        SPACE.canonical_hash(genome)


def test_a_table_without_rows_or_with_an_odd_row_is_refused() -> None:
    with pytest.raises(ConfigError, match="no rows"):
        TableSpace({}, names=[])
    with pytest.raises(ConfigError, match="row a has 2 features; must be 1"):
        TableSpace({"a": (1, 2)}, names=["gates"])


@pytest.mark.parametrize("kind", ["aging", "bayesian", "differential", "random", "reinforce", "surrogate"])
def test_strategies_search_a_table(kind: str) -> None:
    rows = {f"row {number}": (number % 7, number // 7) for number in range(60)}
    space = TableSpace(rows, names=["rest", "quotient"]).as_search_space()
    options = STRATEGIES[kind].Options().following(40)
    asked, _ = searched(STRATEGIES[kind](space, options, seed=1, epochs=3, fitness=ONCE), 40)
    assert len({candidate.canonical_hash for candidate in asked}) == len(asked) >= 40
