"""What the comparison of columns, decoders, depth and dropout compares."""

import pytest

from benchmarks import macro
from benchmarks.trainings import Result
from evo_nas.genome.codec import architecture_hash


@pytest.mark.parametrize("name", macro.GROUPS)
def test_every_network_of_a_group_is_another(name):
    arms = macro.GROUPS[name].arms.values()
    assert len({architecture_hash(architecture) for architecture in arms}) == len(arms) > 1


def test_networks_are_compared_with_the_first_by_seed(monkeypatch, tmp_path):
    monkeypatch.setattr(macro, "FOLDER", tmp_path)
    trainings = macro._trainings("depth_digits")
    first, second = list(macro.GROUPS["depth_digits"].arms.values())[:2]
    for architecture, scores in ((first, (0.9, 0.8)), (second, (0.93, 0.85))):
        for seed, test in enumerate(scores):
            result = Result(test, test, 0.1, 10, 1.0, "", "accuracy", higher_is_better=True)
            trainings.keep(result, architecture, seed)
    rows = macro._table("depth_digits").rows
    assert [row[:2] for row in rows] == [
        ["1, no norm", "0.8500 ± 0.0707"],
        ["1, norm after", "0.8900 ± 0.0566"],
    ]
    assert rows[0][2] == ""
    assert rows[1][2].startswith("+0.0400 ± ")
