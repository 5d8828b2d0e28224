"""Scores of predictions, computed from the raw files of three data sets and from nothing that evo-nas has prepared.

Each data set says which raw sequences its test part has, and scores the answers for them: names of classes, forecasts
in the units of the file, or probabilities of keys. So an export, a file that ``evo-nas predict`` wrote and a verdict
can be compared on the same rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.io import loadmat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]


class RawData(ABC):
    """The test part of a data set as its raw file has it.

    Attributes:
        file: The raw file below the folder of the data, which ``predict`` gets.
    """

    file: str

    @abstractmethod
    def sequences(self, folder: Path) -> list[Numbers]:
        """Returns the raw sequences ``(time, columns)`` of the test part, NaN where a value is missing."""

    @abstractmethod
    def score(self, folder: Path, answers: Sequence[Any]) -> float:
        """Returns the metric of the verdict for the answers to the last of `sequences`, or to all of them.

        Args:
            folder: The folder of the data.
            answers: The probabilities of classes in the order of their sorted names, or a forecast by step and
                quantile, each also as the last of rows ``(time, ...)``; or the probabilities of keys ``(time, keys)``.
        """

    @abstractmethod
    def answers(self, table: pd.DataFrame) -> list[Numbers]:
        """Returns the answers that a file of ``predict`` has."""


class JapaneseVowels(RawData):
    """370 utterances, of which the speaker is to be named; accuracy."""

    file = "japanese_vowels/JapaneseVowels_TEST.ts"

    def sequences(self, folder: Path) -> list[Numbers]:
        """Reads the test part; see `RawData.sequences`."""
        return [
            np.array([[float(value) for value in column.split(",")] for column in line[:-1]]).T
            for line in self._lines(folder)
        ]

    def score(self, folder: Path, answers: Sequence[Any]) -> float:
        """Scores answers; see `RawData.score`."""
        truths = [line[-1].strip() for line in self._lines(folder)]
        classes = sorted(set(truths))
        said = [classes[int(np.argmax(np.atleast_2d(each)[-1]))] for each in answers]
        return float(np.mean([one == other for one, other in zip(said, truths, strict=True)]))

    def answers(self, table: pd.DataFrame) -> list[Numbers]:
        """Reads a file of ``predict``; see `RawData.answers`."""
        names = sorted(name for name in table if name.startswith("p_"))
        return list(table[names].to_numpy(float))

    def _lines(self, folder: Path) -> list[list[str]]:
        lines = (folder / self.file).read_text(encoding="utf-8").splitlines()
        start = next(at for at, line in enumerate(lines) if line.strip().lower() == "@data") + 1
        return [line.split(":") for line in lines[start:] if line.strip()]


class OilTemperature(RawData):
    """Each window of 96 hours of the last four months, after which 24 are forecast; squared error in deviations."""

    file = "etth1/ETTh1.csv"
    window, horizon, learnt, test_begins, test_ends = 96, 24, 8640, 11520, 14400

    def sequences(self, folder: Path) -> list[Numbers]:
        """Reads the test part; see `RawData.sequences`."""
        values = self._values(folder)
        return [values[origin - self.window : origin, None] for origin in self._origins()]

    def score(self, folder: Path, answers: Sequence[Any]) -> float:
        """Scores answers; see `RawData.score`."""
        values = self._values(folder)
        origins = self._origins()[-len(answers) :]
        truths = np.stack([values[origin : origin + self.horizon] for origin in origins])
        said = np.stack([_median(each, self.horizon) for each in answers])
        return float(np.mean(((said - truths) / values[: self.learnt].std()) ** 2))

    def answers(self, table: pd.DataFrame) -> list[Numbers]:
        """Reads a file of ``predict``; see `RawData.answers`."""
        return [table["OT"].to_numpy(float)]

    def _values(self, folder: Path) -> Numbers:
        return pd.read_csv(folder / self.file)["OT"].to_numpy(float)

    def _origins(self) -> range:
        return range(self.test_begins, self.test_ends - self.horizon + 1)


class Chorales(RawData):
    """77 chorales, of which the next keys are predicted at each step; nats per frame, the first excluded."""

    file = "jsb/JSB_Chorales.mat"

    def sequences(self, folder: Path) -> list[Numbers]:
        """Reads the test part; see `RawData.sequences`."""
        return [np.asarray(each, float) for each in loadmat(folder / self.file)["testdata"][0]]

    def score(self, folder: Path, answers: Sequence[Any]) -> float:
        """Scores answers; see `RawData.score`."""
        losses: list[float] = []
        for said, frames in zip(answers, self.sequences(folder), strict=True):
            truth, chance = frames[1:], np.clip(np.asarray(said, float)[: len(frames) - 1], 1e-12, 1 - 1e-7)
            losses += (-np.log(np.where(truth > 0, chance, 1 - chance)).sum(axis=1)).tolist()
        return float(np.mean(losses))

    def answers(self, table: pd.DataFrame) -> list[Numbers]:
        """Reads a file of ``predict``; see `RawData.answers`."""
        names = [name for name in table if name.startswith("p_")]
        return [rows[names].to_numpy(float) for _, rows in table.groupby("sequence", sort=True)]


def _median(answer: Any, horizon: int) -> Numbers:
    """Returns a forecast ``(horizon,)``, of quantiles in their order the one in the middle."""
    values = np.asarray(answer, float)
    # An export that answers at each step has the forecast in its last row, and a window is longer than a horizon.
    levels = (values if len(values) == horizon else values[-1]).reshape(horizon, -1)
    middle: Numbers = levels[:, levels.shape[1] // 2]
    return middle
