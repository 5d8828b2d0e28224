"""The comparisons of building blocks and champions tell what was trained, and train nothing twice."""

import json
import math

import pytest
from scipy.stats import ttest_rel

from benchmarks import ablation
from benchmarks.ablation_blocks import ABLATIONS, Ablation, Block, layers, network
from benchmarks.data_sets import DATA_SETS, DataSet
from benchmarks.paired import Difference
from benchmarks.trainings import Kept
from evo_nas.genome.architecture import Norm

TINY = DataSet(
    {
        "name": "tiny",
        "task": {"kind": "formal_language", "language": "anbn", "train": 40, "validation": 8, "test": 8},
        "training": {"epochs": 1},
    }
)
NORM = Block("layer norm", layers(), layers(norm=Norm.NONE))
NOTHING = Block("nothing", layers(), layers())


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(ablation, "FOLDER", tmp_path)
    ablation._kept.cache_clear()
    ablation._trainings.cache_clear()
    monkeypatch.setitem(DATA_SETS, "tiny", TINY)
    tiny = Ablation(network("gru", 4, rate=1e-2, batch=8, embedding=4), (NORM, NOTHING))
    monkeypatch.setitem(ABLATIONS, "tiny", tiny)
    return tmp_path / "ablation"


def test_difference_has_the_interval_of_a_paired_t_test():
    ours, theirs = [0.9, 0.95, 0.93], [0.8, 0.9, 0.91]
    difference = Difference.of(ours, theirs)
    low, high = ttest_rel(ours, theirs).confidence_interval(0.95)
    assert (difference.mean - difference.half, difference.mean + difference.half) == pytest.approx(
        (low, high)
    )
    assert not difference.is_gain
    assert not difference.is_loss


def test_difference_that_leaves_zero_out_is_a_gain_or_a_loss():
    ours, theirs = [0.9, 0.91, 0.92], [0.8, 0.81, 0.83]
    assert Difference.of(ours, theirs).is_gain
    assert Difference.of(theirs, ours).is_loss


def test_one_pair_says_nothing():
    difference = Difference.of([1.0], [0.0])
    assert math.isinf(difference.half)
    assert not difference.is_gain


def test_the_last_line_of_a_key_counts(tmp_path):
    kept = Kept(tmp_path / "some.jsonl")
    kept.add("a", {"test": 1})
    kept.add("a", {"test": 2})
    assert Kept(tmp_path / "some.jsonl").get("a") == {"test": 2}
    assert kept.get("b") is None


def test_trainings_are_kept_and_not_made_again(folder):
    ablation.ablate("tiny", range(2))
    lines = (folder / "tiny.jsonl").read_text().splitlines()
    # Two seeds with and without the norm; the block that does nothing is the network with the norm.
    assert len(lines) == 4
    ablation.ablate("tiny", range(2))
    assert (folder / "tiny.jsonl").read_text().splitlines() == lines
    assert all(math.isfinite(json.loads(line)["values"]["test"]) for line in lines)


def test_a_block_that_the_program_ignores_is_not_reported(folder, capsys):
    ablation.ablate("tiny", range(2))
    assert [each.block.name for each in ablation.compared("tiny")] == ["layer norm"]
    assert "nothing is not in the program" in capsys.readouterr().out


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_block_is_on_in_one_arm_alone(name):
    of = ABLATIONS[name]
    names = [block.name for block in of.blocks]
    assert len(set(names)) == len(names)
    for block in of.blocks:
        assert block.training or block.off_data or block.on(of.network) != block.off(of.network), block.name
