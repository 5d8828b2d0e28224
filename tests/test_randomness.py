import random

from evo_nas.randomness import derive_seed, lent_to_global, stream


def test_streams_with_the_same_key_draw_the_same_numbers():
    assert [stream(1, "ask", 7).random() for _ in range(3)] == [stream(1, "ask", 7).random()] * 3


def test_streams_differ_by_run_seed_purpose_and_key():
    seeds = {
        derive_seed(1, "ask", 7),
        derive_seed(2, "ask", 7),
        derive_seed(1, "train", 7),
        derive_seed(1, "ask", 8),
    }
    assert len(seeds) == 4


def test_adjacent_parts_of_a_key_cannot_be_confused():
    assert derive_seed(1, "ask", "1", "23") != derive_seed(1, "ask", "12", "3")


def test_seeds_fit_a_signed_64_bit_column():
    assert all(0 <= derive_seed(seed, "training", "x") < 2**63 for seed in range(200))


def test_lending_advances_the_lent_stream_and_leaves_the_global_one_alone():
    random.seed(5)
    undisturbed = random.Random(5).random()
    rng, twin = random.Random(3), random.Random(3)
    with lent_to_global(rng):
        drawn = random.random()
    assert drawn == twin.random()
    assert rng.random() == twin.random()
    assert random.random() == undisturbed


def test_the_global_stream_is_given_back_when_the_borrower_raises():
    random.seed(5)
    undisturbed = random.Random(5).random()
    try:
        with lent_to_global(random.Random(3)):
            random.random()
            raise KeyError
    except KeyError:
        pass
    assert random.random() == undisturbed
