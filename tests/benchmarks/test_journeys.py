"""Journeys compute scores from raw files by themselves, and tell what did not succeed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.journeys_page import _compared, _exports
from benchmarks.raw_scores import Chorales, JapaneseVowels, OilTemperature


@pytest.fixture
def vowels(tmp_path: Path) -> Path:
    file = tmp_path / JapaneseVowels.file
    file.parent.mkdir()
    file.write_text("@problemName small\n@data\n1.0,2.0:3.0,4.0:1\n5.0:6.0:2\n")
    return tmp_path


def test_an_utterance_has_a_row_for_each_step_and_a_column_for_each_coefficient(vowels: Path) -> None:
    first, second = JapaneseVowels().sequences(vowels)
    assert first.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert second.tolist() == [[5.0, 6.0]]


def test_accuracy_counts_the_likeliest_class_after_the_last_step(vowels: Path) -> None:
    after_each_step = np.array([[0.1, 0.9], [0.8, 0.2]])
    assert JapaneseVowels().score(vowels, [after_each_step, np.array([0.8, 0.2])]) == 0.5


def test_a_forecast_is_judged_by_its_median_in_deviations_of_training(tmp_path: Path) -> None:
    data, values = OilTemperature(), np.arange(15_000.0)
    (tmp_path / data.file).parent.mkdir()
    pd.DataFrame({"OT": values}).to_csv(tmp_path / data.file, index=False)
    deviation = values[: data.learnt].std()
    last = values[data.test_ends - data.horizon : data.test_ends]
    levels = np.stack([last - 50, last + deviation, last + 99], axis=-1)  # (horizon, quantiles)
    assert len(data.sequences(tmp_path)) == 2_857
    assert data.score(tmp_path, [levels]) == pytest.approx(1.0)
    assert data.score(tmp_path, [last]) == 0.0


def test_a_chorale_is_judged_by_what_is_said_of_the_next_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    song = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    monkeypatch.setattr(Chorales, "sequences", lambda *_: [song])
    said = np.array([[0.5, 0.25], [0.5, 0.5], [0.9, 0.9]])  # the last is of a frame that nobody knows
    expected = -np.log([0.5 * 0.75, 0.5 * 0.5]).mean()
    assert Chorales().score(Path(), [said]) == pytest.approx(expected)


@pytest.mark.parametrize(("asked", "told"), [(0.9729731, "yes"), (0.9702703, "no")])
def test_scores_that_differ_by_a_single_sequence_are_not_equal(asked: float, told: str) -> None:
    assert told in _compared("vowels", 370, 0.9729730, 0.9729730, asked, None)


def test_an_export_that_was_refused_says_why() -> None:
    step = {"command": "evo-nas export", "exit_code": 2, "facts": {}, "error": "the layer reads backwards"}
    assert "refused: the layer reads backwards" in str(_exports({"jsb": {"export c": step}}))
