from evo_nas.randomness import derive_seed, stream


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
