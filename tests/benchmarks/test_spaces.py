"""The comparison of the default space with a narrower one."""

import pytest

from benchmarks import spaces
from benchmarks.data_sets import DATA_SETS, DataSet
from evo_nas.genome.blocks import Front, Shortcut

TINY = DataSet(
    {
        "name": "tiny",
        "task": {"kind": "sines", "train": 40, "validation": 8, "test": 8, "length": 12},
        "space": {"layers": {"max": 1}, "widths": [4], "evolve_cell": False},
        "training": {"epochs": 1},
    }
)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(spaces, "FOLDER", tmp_path)
    monkeypatch.setattr(spaces, "EVALUATIONS", 3)
    monkeypatch.setattr(spaces, "SEARCHES", (1, 2))
    monkeypatch.setitem(DATA_SETS, "tiny", TINY)
    return tmp_path


def test_narrow_space_has_one_choice_of_each_block_and_the_default_one_more():
    choices = {}
    for arm, changes in {"narrow": spaces.NARROW, "default": spaces.default()}.items():
        space = TINY.experiment(*changes).space
        choices[arm] = {gene.name: gene.choices for gene in space.genes if gene.name in ("front", "shortcut")}
    assert choices["narrow"] == {"front": (Front(),), "shortcut": (Shortcut(),)}
    assert len(choices["default"]["shortcut"]) > 1


def test_searches_are_made_once_and_compared_in_pairs(folder):
    made = spaces.Comparison("tiny", make=True).row()
    assert made is not None
    assert made[0] == "tiny, mse"
    assert made[5] == "2"
    lines = (folder / "spaces" / "tiny.jsonl").read_text()
    assert spaces.Comparison("tiny", make=True).row() == spaces.Comparison("tiny", make=False).row() == made
    assert (folder / "spaces" / "tiny.jsonl").read_text() == lines


def test_what_was_not_made_has_no_row(folder):
    assert spaces.Comparison("tiny", make=False).row() is None
