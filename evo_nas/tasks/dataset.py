"""A task's data in memory, already split, with the objective of training and the metric of search."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from evo_nas.data.series_inputs import last_known, value_at
from evo_nas.data.statistics import NOTHING_LEARNT, Statistics
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.metrics import Metric
    from evo_nas.tasks.preparation import Preparation


class Objective(StrEnum):
    """What training minimises; `training.losses` maps each to torch."""

    CROSS_ENTROPY = "cross_entropy"
    """Network outputs are logits ``(batch[, time], classes)``, targets int64 ``(batch[, time])``."""
    BINARY_CROSS_ENTROPY = "binary_cross_entropy"
    """Logits and targets (float32, 0 or 1) are ``(batch[, time], outputs)``; the loss is summed over the outputs."""
    MSE = "mse"
    """Outputs and targets are float32 ``(batch[, time], outputs)``; targets that are NaN do not count."""
    QUANTILE = "quantile"
    """Targets are as for `MSE`; outputs are quantiles ``(batch[, time], targets * levels)``, ordered by target."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """One part of independent sequences.

    Attributes:
        inputs: float32 ``(n, time, features)``, or int64 ``(n, time)`` for tokens.
        targets: One row for each sequence, or for each step of each sequence; types as in `Objective`. NaN is a
            value that is not known; every sequence has at least one that is.
        lengths: int64 ``(n,)`` where sequences are padded at their end; None if all are full.
        scored: bool ``(n, time)``, the steps that count; None if all valid steps count.
    """

    inputs: npt.NDArray[np.generic]
    targets: npt.NDArray[np.generic]
    lengths: npt.NDArray[np.int64] | None = None
    scored: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def chosen(self, which: npt.NDArray[np.int64]) -> Sequences:
        """Returns the sequences at the positions ``which``, int64 ``(n,)``."""
        return Sequences(
            self.inputs[which],
            self.targets[which],
            None if self.lengths is None else self.lengths[which],
            None if self.scored is None else self.scored[which],
        )


@dataclass(frozen=True, slots=True)
class Windows:
    """One part of a forecast: windows of rows that all parts share, cut out when a batch is taken.

    An *origin* is the first row of a forecast: the network reads the ``window`` rows before it and forecasts the
    ``horizon`` rows from it on. A million rows of 7 columns are 28 MB plus 8 bytes for each origin, whatever the
    window.

    Attributes:
        inputs: float32 ``(rows, features)``.
        targets: float32 ``(rows, targets)``; outputs are ordered by step, then by target, then by level. NaN is a
            value that is not known; every window has at least one that is.
        origins: int64 ``(n,)``.
        window: Steps that are read.
        horizon: Steps that are forecast.
        starts: First row of each series, ascending, int64 ``(series,)``; one series if not given.
        last_known: Given where inputs were filled with values that come after them: row of the last known value at or
            before each row, int32 ``(rows, features)``, -1 where its series has none. In a window, what follows the
            last known value is that value, so that nothing from the forecast's time is read.
        stride: Of so many successive origins an epoch of training has one, drawn anew each time.
    """

    inputs: npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]
    origins: npt.NDArray[np.int64]
    window: int
    horizon: int
    starts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    last_known: npt.NDArray[np.int32] | None = None
    stride: int = 1

    def __len__(self) -> int:
        return len(self.origins)

    def rows_before(self) -> npt.NDArray[np.int64]:
        """Returns how many rows of its series lie before each origin, int64 ``(n,)``."""
        return self.origins - self.starts[np.searchsorted(self.starts, self.origins, side="right") - 1]

    def cut(self, which: slice = slice(None)) -> Sequences:
        """Returns some of the windows, all by default: inputs as read, targets ``(n, horizon * targets)``."""
        rows = self.origins[which, None] + np.arange(-self.window, self.horizon)
        inputs, targets = self.inputs[rows[:, : self.window]], self.targets[rows[:, self.window :]]
        if self.last_known is not None:
            last = self.last_known[self.origins[which] - 1]
            is_later = rows[:, : self.window, None] > last[:, None]
            inputs = np.where(is_later, value_at(self.inputs, last)[:, None], inputs)
        return Sequences(inputs, targets.reshape(len(targets), self.horizon * self.targets.shape[1]))

    def last_targets(self) -> npt.NDArray[np.float32]:
        """Returns the last known value of each target before each origin, float32 ``(n, targets)``.

        It is 0, the mean of training, where none is known in the series.
        """
        return value_at(self.targets, last_known(self.targets, self.starts)[self.origins - 1])


@dataclass(frozen=True, slots=True)
class Stream:
    """One part of a text; every token is predicted from all tokens before it.

    It is read in parallel rows, ``steps`` tokens at a time; states are carried on from one piece to the next,
    gradients are not (truncated back-propagation through time).

    Attributes:
        tokens: int64 ``(n,)``.
        steps: Tokens of one piece.
    """

    tokens: npt.NDArray[np.int64]
    steps: int

    def __len__(self) -> int:
        return len(self.tokens) - 1


Part = Sequences | Windows | Stream


class EpisodeSize(NamedTuple):
    """How many examples an episode has: first those that a network adapts to, then those that it is measured on."""

    support: int
    query: int

    @property
    def examples(self) -> int:
        """All examples of an episode."""
        return self.support + self.query


def steps_of(part: Part) -> int:
    """Returns the steps of the longest sequence that is read at once; 0 for a stream, which has no end."""
    if isinstance(part, Stream):
        return 0
    return part.window if isinstance(part, Windows) else part.inputs.shape[1]


class Cut(Protocol):
    """Another training and validation part of the rows of a data set; arrays are made when they are asked for."""

    @property
    def said(self) -> str:
        """What is in its parts, as a sentence without its number."""

    def applied(self, dataset: Dataset) -> Dataset:
        """Returns ``dataset`` with its parts, prepared with the statistics of its own training part."""


class Resampling(Protocol):
    """How further cuts are made of the training and validation rows of one data set."""

    def limit(self, dataset: Dataset) -> str:
        """Why there are not more of them, as the reason in a sentence."""

    def cuts(self, dataset: Dataset, count: int) -> Sequence[Cut]:
        """Returns ``count`` cuts, or fewer if there are no more; the first ones do not depend on ``count``."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A task's data, split without leakage; statistics come from ``train`` only.

    Attributes:
        name: A name for displays.
        signature: Shape of the networks that fit; its ``steps`` are taken from ``train``.
        objective: What training minimises.
        metric: What search optimises, on ``validation``; ``test`` is only used to judge champions.
        train: The part that networks learn from.
        validation: The part that search compares candidates on.
        test: The part that results are reported on.
        causal: Whether an output must not depend on later steps, so that no layer may read backwards.
        class_weights: float32 ``(classes,)``, factors of the training loss; None if all classes weigh the same.
        classes: Names of the classes, where there are classes.
        vocabulary: Token of each id, where inputs are tokens.
        groups: Names of the groups of each part, where a split kept groups together.
        remarks: How the files were understood, one sentence each.
        missing: How many values of each column of the files are missing; columns that are read have none.
        quantiles: Levels of the quantiles that are forecast, ascending, for `Objective.QUANTILE`.
        has_target_holes: Whether some targets are NaN, so that loss and metric have to leave them out.
        preparation: What leads from raw sequences to the inputs of a network and from its outputs to answers; None if
            the task does not say.
        statistics: What was learnt from ``train``, which another cut learns from its own training part.
        resampling: How further cuts are made, where the kind of the parts does not tell; see `tasks.cuts`.
        cuts: Other training and validation parts of the same rows, for trainings that must not see the first cut.
        episodes: Where each part is a series of episodes, small related tasks of this size, one after the other; then
            all parts are `Sequences`. See `training.adaptation`.
    """

    name: str
    signature: Signature
    objective: Objective
    metric: Metric
    train: Part
    validation: Part
    test: Part
    causal: bool = False
    class_weights: npt.NDArray[np.float32] | None = None
    classes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    quantiles: tuple[float, ...] = ()
    has_target_holes: bool = False
    preparation: Preparation | None = None
    statistics: Statistics = NOTHING_LEARNT
    resampling: Resampling | None = None
    cuts: tuple[Cut, ...] = ()
    episodes: EpisodeSize | None = None

    def __post_init__(self) -> None:
        # Here and not in each task, so that none can forget it.
        object.__setattr__(self, "signature", replace(self.signature, steps=steps_of(self.train)))

    @property
    def parts(self) -> dict[str, Part]:
        """The three parts by name, in the order of `data.splitting.PARTS`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def of_cut(self, number: int) -> Dataset:
        """Returns the data of a cut: 0 is this data set itself, and networks of all cuts have the same shape.

        Its metric gives figures in the units of this data set, so that those of different cuts can be averaged. It has
        no ``preparation``, since champions are trained on the data set itself.

        Raises:
            DataError: There is no such cut.
        """
        if number == 0:
            return self
        if not 0 < number <= len(self.cuts):
            raise DataError(
                f"{self.name} has no cut {number}; must be 0 to {len(self.cuts)}: raise validation.cuts to have more"
            )
        return self.cuts[number - 1].applied(self)

    def with_parts(self, train: Part, validation: Part, test: Part, **changes: Any) -> Dataset:
        """Returns the data of a cut with these parts and, by their names, other fields that differ."""
        parts = {"train": train, "validation": validation, "test": test}
        return self.in_same_shape(**parts, preparation=None, resampling=None, cuts=(), **changes)

    def with_signature(self, signature: Signature) -> Dataset:
        """Returns a copy for networks of an earlier training, whose longest sequence may have been another one."""
        other = replace(self)
        object.__setattr__(other, "signature", signature)
        return other

    def in_same_shape(self, **changes: Any) -> Dataset:
        """Returns a copy with other fields, for networks of the same shape."""
        other = replace(self, **changes)
        # The longest sequence may be in another part now, and a network must not change for that.
        object.__setattr__(other, "signature", self.signature)
        return other
