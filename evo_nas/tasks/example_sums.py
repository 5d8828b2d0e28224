"""`ExampleSums`: the statistic of a metric for each test example, from which two models are compared by a bootstrap."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.errors import DataError
from evo_nas.tasks.dataset import Sequences, Windows

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitted_models import BaselineModel
    from evo_nas.tasks.dataset import Dataset, Part
    from evo_nas.tasks.metrics import Metric

MOST_EXAMPLES = 4096
"""More than that are joined: a bootstrap of so many is as sharp as any, and they take some kilobytes of a run."""
MOST_VALUES = 2**22
"""Examples times values of a statistic; a confusion matrix of many classes gets fewer examples for it."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Which rows of the predictions for a part are resampled together.

    A row is what `Metric.statistic` counts: a sequence, or a step where every step has a target.

    Attributes:
        of_row: The example of each row that counts, int64 ``(rows,)``.
        count: Number of examples.
        block: How many successive examples depend on each other; 1 if they are independent.
    """

    of_row: npt.NDArray[np.int64]
    count: int
    block: int = 1

    @classmethod
    def of(cls, part: Part, *, per_step: bool) -> Self:
        """Returns the examples of ``part``.

        Sequences are independent examples, with all of their steps. Windows overlap, and the steps of a text hang
        together, so these are examples in blocks: as long as a horizon or a piece, and at least the cube root of their
        number (Hall, Horowitz and Jing, 1995). Windows of several series are taken for one series after the other.

        Args:
            part: A part of a data set.
            per_step: Whether every step of a sequence has a target.
        """
        if isinstance(part, Sequences):
            counts = _rows_of_each(part) if per_step else np.ones(len(part), dtype=np.int64)
            return cls(np.repeat(np.arange(len(part)), counts), len(part))
        if isinstance(part, Windows):
            gap = int(np.median(np.diff(part.origins))) if len(part) > 1 else 1
            reach = -(-part.horizon // max(1, gap))
        else:
            reach = part.steps
        return cls(np.arange(len(part)), len(part), max(reach, round(len(part) ** (1 / 3))))

    def at_most(self, count: int) -> Examples:
        """Returns ``count`` larger examples, or these if they are not more."""
        if self.count <= count:
            return self
        if self.block == 1:
            # At random, since files are often sorted by class.
            joined = np.random.default_rng(0).permutation(self.count) % count
            return Examples(joined[self.of_row], count)
        size = -(-self.count // count)
        return Examples(self.of_row // size, -(-self.count // size), -(-self.block // size))


@dataclass(frozen=True, slots=True)
class ExampleSums:
    """The statistic of a metric, summed over each example of a part.

    Attributes:
        values: float64 ``(examples, ...)``; ``metric.value(values.sum(axis=0))`` is the metric of these examples.
        places: Number of each example in the part, ascending, int64 ``(examples,)``.
        block: How many successive examples depend on each other; 1 if they are independent.
    """

    values: npt.NDArray[np.float64]
    places: npt.NDArray[np.int64]
    block: int = 1

    @classmethod
    def of(
        cls,
        metric: Metric,
        outputs: npt.NDArray[np.float32],
        targets: npt.NDArray[np.generic],
        examples: Examples,
        *,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> ExampleSums:
        """Returns the sums of predictions.

        Args:
            metric: The metric.
            outputs: What a model answered, ``(rows, outputs)``.
            targets: ``(rows,)`` or ``(rows, targets)``.
            examples: Which rows belong together.
            rows: Which rows of the part these are, ascending, where they are not all of them; an example that is not
                whole is left out.

        Raises:
            DataError: There are other rows than those of the examples.
        """
        given = np.arange(len(examples.of_row)) if rows is None else rows
        if len(given) != len(outputs):
            raise DataError(
                f"there are {len(outputs):,} predictions; must be {len(given):,}, one for each row that counts"
            )
        width = int(metric.statistic(outputs[:1], targets[:1]).size)
        examples = examples.at_most(min(MOST_EXAMPLES, max(1, MOST_VALUES // width)))
        of_row, whole = examples.of_row[given], np.bincount(examples.of_row, minlength=examples.count)
        counts = np.bincount(of_row, minlength=examples.count)
        places = np.flatnonzero((counts == whole) & (counts > 0))
        order = np.argsort(of_row, kind="stable")
        starts = np.cumsum(counts) - counts
        sums = [
            metric.statistic(outputs[which], targets[which])
            for which in (order[starts[place] : starts[place] + counts[place]] for place in places)
        ]
        # Where some examples are left out, as many fewer lie within the reach of each other.
        block = -(-examples.block * len(places) // examples.count)
        return cls(np.array(sums, dtype=np.float64), places, max(1, block))

    def __len__(self) -> int:
        return len(self.values)

    def at(self, places: npt.NDArray[np.int64]) -> ExampleSums:
        """Returns the sums of the examples ``places``, which must all be here."""
        return replace(self, values=self.values[np.searchsorted(self.places, places)], places=places)

    def score(self, metric: Metric) -> float:
        """Returns the metric of all examples."""
        return metric.value(self.values.sum(axis=0))

    def to_text(self) -> str:
        """Returns the sums as text, a few kilobytes: a compressed archive of numpy's arrays in base 64."""
        content = io.BytesIO()
        # Single precision is far finer than what a bootstrap can tell; columns compress better than rows.
        np.savez_compressed(
            content,
            values=np.moveaxis(self.values, 0, -1).astype(np.float32),
            places=np.diff(self.places, prepend=0).astype(np.int32),
            block=np.array(self.block),
        )
        return base64.b64encode(content.getvalue()).decode()

    @classmethod
    def from_text(cls, text: str) -> ExampleSums:
        """Returns the sums that `to_text` gave.

        Raises:
            DataError: The text is damaged.
        """
        try:
            with np.load(io.BytesIO(base64.b64decode(text, validate=True)), allow_pickle=False) as arrays:
                values = np.moveaxis(arrays["values"].astype(np.float64), -1, 0)
                places = np.cumsum(arrays["places"].astype(np.int64))
                block = int(arrays["block"])
        except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
            raise DataError("the sums of the test examples are damaged; make them again") from error
        return cls(np.ascontiguousarray(values), places, block)


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model reaches on the test part, and what it answered there where that is known.

    Attributes:
        score: Its test metric.
        outputs: Its answers, float32 ``(rows, outputs)``; None if they are not known.
        targets: Their targets, ``(rows,)`` or ``(rows, targets)``.
        rows: Which rows of the part these are, ascending, int64 ``(rows,)``; None for all of them.
        model: What answered, where it can be kept.
    """

    score: float
    outputs: npt.NDArray[np.float32] | None = field(default=None, compare=False)
    targets: npt.NDArray[np.generic] | None = field(default=None, compare=False)
    rows: npt.NDArray[np.int64] | None = field(default=None, compare=False)
    model: BaselineModel | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        metric: Metric,
        outputs: npt.NDArray[np.float32],
        targets: npt.NDArray[np.generic],
        *,
        rows: npt.NDArray[np.int64] | None = None,
        model: BaselineModel | None = None,
    ) -> Self:
        """Returns the score of ``outputs`` with what it was made of."""
        return cls(metric.score(outputs, targets), outputs, targets, rows, model)

    def sums(self, metric: Metric, examples: Examples) -> ExampleSums | None:
        """Returns the sums over the examples; None if the answers are not known, or are not those of the part."""
        if self.outputs is None or self.targets is None:
            return None
        try:
            return ExampleSums.of(metric, self.outputs, self.targets, examples, rows=self.rows)
        except DataError:
            return None


def examples_of_test(dataset: Dataset) -> Examples | None:
    """Returns the examples of the test part; None where it holds episodes, which networks adapt to first."""
    if dataset.episodes is not None:
        return None
    return Examples.of(dataset.test, per_step=dataset.signature.per_step)


def _rows_of_each(part: Sequences) -> npt.NDArray[np.int64]:
    """Returns how many steps of each sequence count, int64 ``(n,)``."""
    if part.scored is not None:
        counts: npt.NDArray[np.int64] = part.scored.sum(axis=1, dtype=np.int64)
        return counts
    return np.full(len(part), part.inputs.shape[1]) if part.lengths is None else part.lengths
