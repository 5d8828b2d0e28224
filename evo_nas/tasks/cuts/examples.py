"""Cuts of examples that stand alone: other rows, or other whole groups, or those of an earlier time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.data.split_remarks import natural
from evo_nas.tasks.cuts.relearning import relearnt
from evo_nas.tasks.cuts.rows import counted_targets, rows_of
from evo_nas.tasks.dataset import Objective

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.redrawing import Draw, Redrawing
    from evo_nas.tasks.dataset import Dataset

    Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ExampleCut:
    """Another choice of the examples of the training and validation part.

    Attributes:
        train: Positions among the examples of training, followed by those of validation, ascending, int64 ``(n,)``.
        validation: Likewise.
        said: See `Cut`.
        divisors: What inputs and targets of each of all these examples are divided by, float32 ``(n,)``; None for 1.
    """

    train: Positions
    validation: Positions
    said: str
    divisors: npt.NDArray[np.float32] | None = None

    def applied(self, dataset: Dataset) -> Dataset:
        """Returns the data of this cut; see `Cut.applied`."""
        train, validation = (
            rows_of(dataset, positions, self.divisors) for positions in (self.train, self.validation)
        )
        return relearnt(dataset.with_parts(train, validation, dataset.test))


@dataclass(frozen=True, slots=True)
class ExampleResampling:
    """Draws examples as the split of a task did.

    Attributes:
        redrawing: The facts about the examples.
    """

    redrawing: Redrawing

    def limit(self, dataset: Dataset) -> str:  # noqa: ARG002 - it is the same for all
        """Why there are not more cuts."""
        return self.redrawing.limit

    def cuts(self, dataset: Dataset, count: int) -> Sequence[ExampleCut]:
        """Returns at most ``count`` cuts; see `Resampling.cuts`."""
        draws = self.redrawing.draws(count, lambda draw: _is_usable(dataset, draw))
        return [ExampleCut(*draw, self._said(draw)) for draw in draws]

    def _said(self, draw: Draw) -> str:
        said = f"{len(draw.train):,} training and {len(draw.validation):,} validation examples"
        places = self.redrawing.places_in_time(draw.validation)
        if places is not None:
            first, last = places
            return f"{said}, validation of the {first:,}. to {last:,}. by time, training before"
        groups = sorted(self.redrawing.groups_of(draw.validation), key=natural)
        return f"{said}, validation has {enumerated(groups)}" if groups else said


def _is_usable(dataset: Dataset, draw: Draw) -> bool:
    """Whether training has every class of the validation part, and numbers that vary where there are numbers."""
    train, validation = (counted_targets(dataset, positions) for positions in draw)
    if dataset.objective is Objective.CROSS_ENTROPY:
        learnt = np.unique(train)
        return len(learnt) > 1 and bool(np.isin(validation, learnt).all())
    if dataset.objective is Objective.BINARY_CROSS_ENTROPY:
        return True
    if any(_is_constant(column) for column in train.T):
        return False
    # A share of no variance is no number, for example.
    right = np.repeat(np.nan_to_num(validation), max(len(dataset.quantiles), 1), axis=-1)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(dataset.metric.score(right.astype(np.float32), validation)))


def _is_constant(column: npt.NDArray[np.generic]) -> bool:
    known = column[~np.isnan(column)]
    return not len(known) or bool(np.ptp(known) == 0)
