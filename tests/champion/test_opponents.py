import random
from dataclasses import replace

import pytest

from evo_nas.champion.opponents import OPPONENTS, equal_around, equal_lstm, opponent
from evo_nas.genome.architecture import Signature
from evo_nas.genome.blocks import Shortcut
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS, cell_name
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.parameters import count_parameters, count_tables
from evo_nas.genome.space import SearchSpace

SIGNATURE = Signature(features=8, outputs=10)
SPACE = SearchSpace(SpaceOptions(), SIGNATURE, epochs=4)


@pytest.mark.parametrize("name", OPPONENTS)
def test_any_published_cell_can_stand_in_the_place_of_an_evolved_one(name: str) -> None:
    champion = SPACE.decode(SPACE.random(random.Random(1)))
    other = equal_around(canonical(NAMED_CELLS[name]), champion, champion, SIGNATURE)
    assert other == opponent(name, champion, SIGNATURE)
    assert {cell_name(layer.cell) for layer in other.layers} == {name}
    wanted = count_parameters(champion, SIGNATURE)
    assert abs(count_parameters(other, SIGNATURE) - wanted) < 0.05 * wanted


@pytest.mark.parametrize("seed", range(20))
def test_the_reference_is_an_lstm_of_about_the_same_size(seed):
    champion = SPACE.decode(SPACE.random(random.Random(seed)))
    wanted = count_parameters(champion, SIGNATURE)
    lstm = equal_lstm(champion, champion, SIGNATURE)
    assert {cell_name(layer.cell) for layer in lstm.layers} == {"lstm"}
    assert abs(count_parameters(lstm, SIGNATURE) - wanted) < 0.05 * wanted


def test_the_lstm_keeps_all_but_cells_and_widths():
    champion = SPACE.decode(SPACE.random(random.Random(3)))
    lstm = equal_lstm(champion, champion, SIGNATURE)
    assert (lstm.head, lstm.training) == (champion.head, champion.training)
    assert len(lstm.layers) == len(champion.layers)


def test_an_lstm_meets_its_equal():
    champion = SPACE.decode(dict(SPACE.seeds())["lstm"])
    assert SPACE.canonical(equal_lstm(champion, champion, SIGNATURE)) == champion


def test_a_table_neither_widens_the_lstm_nor_is_taken_from_it():
    texts = Signature(features=0, outputs=2, vocabulary=50)
    space = SearchSpace(SpaceOptions(shortcuts=("ngrams 1-2 x 4096",)), texts, epochs=4)
    champion = space.decode(dict(space.seeds())["lstm"])
    assert count_tables(champion, texts) == 2 * 4096
    assert space.canonical(equal_lstm(champion, champion, texts)) == champion
    without = equal_lstm(replace(champion, shortcut=Shortcut()), champion, texts)
    assert without.layers == champion.layers
