"""The copy problem (Hochreiter and Schmidhuber, 1997): say what was read, long after."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, PositiveInt

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.generated import GeneratedClassesOptions, GeneratedTask
from evo_nas.tasks.metrics import CLASSIFICATION
from evo_nas.tasks.opponents import majority
from evo_nas.tasks.task import Dataset, Loss, Sequences

BLANK, RECALL = 0, 1
FIRST_SYMBOL = 2


class CopyOptions(GeneratedClassesOptions):
    """Options of the task ``copy_memory``.

    Its ``length`` is the number of blanks between reading and recall.

    Attributes:
        symbols: How many different ones there are.
        remembered: How many are to be remembered.
    """

    symbols: Annotated[int, Field(ge=2, le=1000)] = 8
    remembered: PositiveInt = 5


class CopyMemoryTask(GeneratedTask):
    """Symbols, blanks, a sign to recall, blanks; what counts are the last steps, where the symbols are due."""

    kind = "copy_memory"
    Options = CopyOptions
    _options: CopyOptions

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of the most frequent symbol."""
        train, _, test = (part.targets[part.scored].astype(np.int64) for part in self._parts())
        metric = CLASSIFICATION[self._options.metric]
        return {"majority": majority(train, test, metric=metric, classes=self._options.symbols)}

    def _draw(self, rng: np.random.Generator, count: int) -> Sequences:
        options = self._options
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

    def _dataset(self, train: Sequences, validation: Sequences, test: Sequences) -> Dataset:
        symbols = tuple(chr(ord("a") + number) for number in range(self._options.symbols))
        return Dataset(
            "copy problem",
            Signature(0, len(symbols), vocabulary=FIRST_SYMBOL + len(symbols), per_step=True),
            Loss.CROSS_ENTROPY,
            CLASSIFICATION[self._options.metric],
            train,
            validation,
            test,
            causal=True,
            classes=symbols,
            vocabulary=("_", ">", *symbols),
        )
