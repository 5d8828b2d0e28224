"""The copy problem (Hochreiter and Schmidhuber, 1997): repeat what was read, long after."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, PositiveInt

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.classifiers import majority
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.generated import Drawn, GeneratedClassesOptions, GeneratedTask
from evo_nas.tasks.metrics import CLASSIFICATION

if TYPE_CHECKING:
    from evo_nas.tasks.baselines.fitting import Fit, TrainTest

BLANK, RECALL = 0, 1
FIRST_SYMBOL = 2  # ids of inputs; the targets of symbols start at 0


class CopyOptions(GeneratedClassesOptions):
    """Options of the task ``copy_memory``.

    Its ``length`` is the number of blanks between reading and recall.

    Attributes:
        symbols: Number of different symbols.
        remembered: Number of symbols to remember.
    """

    symbols: Annotated[int, Field(ge=2, le=1000)] = 8
    remembered: PositiveInt = 5


class CopyMemoryTask(GeneratedTask[CopyOptions]):
    """Symbols, blanks, a sign to recall, blanks; only the last steps count, where the symbols are repeated."""

    kind = "copy_memory"
    Options = CopyOptions

    def _baselines(self, both: TrainTest[Sequences]) -> dict[str, Fit]:
        """Returns what predicts the most frequent symbol."""
        targets = both.map(lambda part: part.targets[part.scored].astype(np.int64))
        metric = CLASSIFICATION[self.options.metric]
        return {"majority": partial(majority, *targets, metric=metric, classes=self.options.symbols)}

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        options = self.options
        due = options.remembered + options.length + 1
        symbols = rng.integers(0, options.symbols, (count, options.remembered))
        inputs = np.full((count, due + options.remembered), BLANK, dtype=np.int64)
        inputs[:, : options.remembered] = FIRST_SYMBOL + symbols
        inputs[:, due - 1] = RECALL
        targets = np.zeros_like(inputs)
        targets[:, due:] = symbols
        scored = np.zeros(inputs.shape, dtype=np.bool_)
        scored[:, due:] = True
        return Sequences(inputs, targets, scored=scored)

    def _dataset(self, drawn: Drawn) -> Dataset:
        symbols = tuple(chr(ord("a") + number) for number in range(self.options.symbols))
        return Dataset(
            "copy problem",
            Signature(0, len(symbols), vocabulary=FIRST_SYMBOL + len(symbols), per_step=True),
            Objective.CROSS_ENTROPY,
            CLASSIFICATION[self.options.metric],
            *drawn,
            causal=True,
            classes=symbols,
            vocabulary=("_", ">", *symbols),
        )
