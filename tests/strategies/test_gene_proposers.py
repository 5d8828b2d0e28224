"""Whatever proposes settings begins where it is told to, learns, and goes on where it was stopped."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from evo_nas.errors import ConfigError
from evo_nas.genome.gene import Gene, Genome
from evo_nas.strategies.gene_proposers import PROPOSERS, proposer_of


@dataclass(frozen=True)
class Genes:
    """Two numbers and a name."""

    genes: tuple[Gene, ...] = (
        Gene("x", tuple(range(9)), ordered=True, default=4),
        Gene("y", tuple(range(9)), ordered=True, default=4),
        Gene("kind", ("a", "b")),
    )

    def active_genes(self, genome: Genome) -> tuple[int, ...]:
        return (0, 1, 2)


SPACE, START = Genes(), (4, 4, 0)


def fitness(genome: Genome) -> float | None:
    x, y, kind = genome
    return None if (x, y) == (0, 0) else -((x - 7) ** 2) - (y - 2) ** 2 - 5.0 * kind


def tried(
    name: str, count: int, known: list[tuple[Genome, float | None]]
) -> list[tuple[Genome, float | None]]:
    proposer = proposer_of(name, SPACE, seed=3, start=START, known=known)
    found = list(known)
    for number in range(count):
        genome = proposer.suggest(str(number))
        assert genome is not None
        score = fitness(genome)
        if score is None:
            proposer.fail(str(number))
        else:
            proposer.complete(str(number), score)
        found.append((genome, score))
    return found


@pytest.mark.parametrize("name", PROPOSERS)
def test_it_begins_with_what_it_is_told_and_stays_within_bounds(name: str) -> None:
    found = tried(name, 6, [])
    assert found[0][0] == START
    assert all(
        0 <= value < gene.size for genome, _ in found for value, gene in zip(genome, SPACE.genes, strict=True)
    )


@pytest.mark.parametrize("name", ["botorch", "optuna", "random", "grid"])
def test_one_that_was_stopped_goes_on_with_something_new(name: str) -> None:
    known = tried(name, 4, [])
    found = tried(name, 4, known)
    assert found[:4] == known
    assert not {genome for genome, _ in found[4:]} <= {genome for genome, _ in known}


@pytest.mark.parametrize("name", ["botorch", "optuna"])
def test_one_that_learns_comes_close_to_the_best(name: str) -> None:
    scores = [score for _, score in tried(name, 36, []) if score is not None]
    assert max(scores) >= -2


def test_a_grid_tries_the_first_gene_first_and_ends() -> None:
    proposer = proposer_of("grid", SPACE, seed=1, start=START)
    found = [genome for number in range(200) if (genome := proposer.suggest(str(number))) is not None]
    assert len(found) == len(set(found)) == 9 * 9 * 2
    assert {genome[1:] for genome in found[:9]} == {START[1:]}


def test_an_unknown_one_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"searcher is opttuna; must be one of optuna, botorch"):
        proposer_of("opttuna", SPACE, seed=1, start=START)
