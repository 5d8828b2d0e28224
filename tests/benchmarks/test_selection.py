"""The comparison of selection with and without awareness of noise."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import pytest

from benchmarks import selection
from benchmarks.data_sets import DataSet
from benchmarks.selection import ARMS, MODEL_SPACE, UNAWARE, Digits, Noisy, model_search
from evo_nas.evaluation import Candidate

if TYPE_CHECKING:
    from pathlib import Path

TINY = DataSet(
    {
        "name": "tiny",
        "task": {"kind": "sines", "train": 40, "validation": 8, "test": 8, "length": 12},
        "space": {"layers": {"max": 1}, "widths": [4], "evolve_cell": False},
        "training": {"epochs": 1},
    }
)


MODEL = Noisy(unstable=0.5)


def trainings(*, unstable: bool) -> list[Candidate]:
    """Returns many trainings of one architecture."""
    genome = tuple(gene.default for gene in MODEL_SPACE.genes)
    for number in count():
        first = Candidate(0, genome, f"{number:032x}", (), "random", 0, 1, 0)
        if MODEL.is_unstable(first) == unstable:
            return [replace(first, id=seed, seed=seed) for seed in range(400)]
    raise AssertionError("half of the architectures are unstable")


@pytest.mark.parametrize("unstable", [False, True])
def test_the_mean_of_many_trainings_of_the_model_is_its_truth(unstable: bool) -> None:
    trained = trainings(unstable=unstable)
    scores = [MODEL.trained(MODEL_SPACE, each, run=1).fitness or 0.0 for each in trained]
    truth = MODEL.truth(MODEL_SPACE, trained[0])
    assert fmean(scores) == pytest.approx(truth, abs=4 * stdev(scores) / 20)


@pytest.mark.parametrize("arm", ARMS)
def test_a_search_on_the_model_is_the_same_again(arm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MODEL_TRAININGS", 30)
    assert model_search(Noisy(), ARMS[arm], 1) == model_search(Noisy(), ARMS[arm], 1)


def test_real_searches_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "FOLDER", tmp_path)
    monkeypatch.setattr(selection, "DIGITS", TINY)
    monkeypatch.setattr(selection, "DIGITS_TRAININGS", 3)
    made = Digits().search(UNAWARE, 1)
    lines = (tmp_path / "selection" / "digits.jsonl").read_text()
    assert Digits().search(UNAWARE, 1) == made
    assert (tmp_path / "selection" / "digits.jsonl").read_text() == lines
