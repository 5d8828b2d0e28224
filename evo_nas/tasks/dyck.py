"""Dyck languages: are the brackets of a word balanced?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.classifiers import classification_baselines
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.generated import Drawn, GeneratedClassesOptions, GeneratedTask
from evo_nas.tasks.languages import BRACKETS, balanced_word
from evo_nas.tasks.metrics import CLASSIFICATION

if TYPE_CHECKING:
    from evo_nas.tasks.baselines.fitting import Fit, TrainTest


class DyckOptions(GeneratedClassesOptions):
    """Options of the task ``dyck``.

    Its ``length`` is the number of brackets of the longest word.

    Attributes:
        kinds: Number of kinds of brackets.
    """

    kinds: Annotated[int, Field(ge=1, le=len(BRACKETS))] = 2


class DyckTask(GeneratedTask[DyckOptions]):
    """Balanced words, and as many words with one bracket replaced by another; both have random lengths."""

    kind = "dyck"
    Options = DyckOptions

    def _baselines(self, both: TrainTest[Sequences]) -> dict[str, Fit]:
        """Returns what fits classifiers that see the count of each bracket; see `classification_baselines`."""
        brackets = range(1, 2 * self.options.kinds + 1)
        return classification_baselines(
            both.map(
                lambda part: list(
                    np.stack([(part.inputs == bracket).sum(axis=1) for bracket in brackets], axis=1)
                )
            ),
            both.map(lambda part: part.targets.astype(np.int64)),
            metric=CLASSIFICATION[self.options.metric],
            classes=2,
        )

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        longest = self.options.length // 2 * 2
        inputs = np.zeros((count, longest), dtype=np.int64)
        lengths = 2 * rng.integers(1, longest // 2 + 1, count)
        targets = np.arange(count, dtype=np.int64) % 2
        for row, length, balanced in zip(inputs, lengths, targets, strict=True):
            row[:length] = 1 + np.array(balanced_word(rng, int(length), kinds=self.options.kinds))
            if not balanced:
                # One bracket replaced by any other never leaves a balanced word.
                at = rng.integers(length)
                row[at] = 1 + (row[at] - 1 + rng.integers(1, 2 * self.options.kinds)) % (
                    2 * self.options.kinds
                )
        return Sequences(inputs, targets, lengths)

    def _dataset(self, drawn: Drawn) -> Dataset:
        brackets = tuple("".join(BRACKETS[: self.options.kinds]))
        return Dataset(
            "Dyck language",
            Signature(0, 2, vocabulary=1 + len(brackets)),
            Objective.CROSS_ENTROPY,
            CLASSIFICATION[self.options.metric],
            *drawn,
            classes=("unbalanced", "balanced"),
            vocabulary=("_", *brackets),
        )
