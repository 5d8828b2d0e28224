import random

import pytest

from evo_nas.champion.opponent import LEARNING_RATE_FACTORS, equal_lstm, tuned
from evo_nas.genome.architecture import Signature
from evo_nas.genome.cells import cell_name
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.parameters import count_parameters
from evo_nas.genome.space import SearchSpace

SIGNATURE = Signature(features=8, outputs=10)
SPACE = SearchSpace(SpaceOptions(), SIGNATURE, epochs=4)


@pytest.mark.parametrize("seed", range(20))
def test_the_opponent_is_an_lstm_of_about_the_same_size(seed):
    champion = SPACE.decode(SPACE.random(random.Random(seed)))
    opponent = equal_lstm(champion, SIGNATURE)
    assert {cell_name(layer.cell) for layer in opponent.layers} == {"lstm"}
    wanted = count_parameters(champion, SIGNATURE)
    assert abs(count_parameters(opponent, SIGNATURE) - wanted) < 0.05 * wanted


def test_the_opponent_keeps_all_but_cells_and_widths():
    champion = SPACE.decode(SPACE.random(random.Random(3)))
    opponent = equal_lstm(champion, SIGNATURE)
    assert (opponent.head, opponent.training) == (champion.head, champion.training)
    assert len(opponent.layers) == len(champion.layers)


def test_an_lstm_meets_its_equal():
    champion = SPACE.decode(dict(SPACE.seeds())["lstm"])
    assert SPACE.canonical(equal_lstm(champion, SIGNATURE)) == champion


def test_the_opponent_chooses_its_own_learning_rate():
    champion = SPACE.decode(SPACE.random(random.Random(3)))
    rates = [architecture.training.learning_rate for architecture in tuned(champion)]
    assert rates == [factor * champion.training.learning_rate for factor in LEARNING_RATE_FACTORS]
