"""What a fitted baseline answers with: a few arrays and numbers, which files hold as plain safetensors and JSON.

Each is called as a network is: with inputs ``(n, time[, features])`` and the lengths of padded sequences. A baseline
that has no such model, such as one that is fitted anew to each series, has a score alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.scaling import Scaler
from evo_nas.errors import DataError
from evo_nas.tasks.baselines.random_convolutions import Convolution, RandomConvolutions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    import numpy.typing as npt

    Values = npt.NDArray[np.float64]
    Inputs = npt.NDArray[np.generic]
    Lengths = npt.NDArray[np.int64] | None
    Outputs = npt.NDArray[np.float32]

Reads = Literal["first", "last", "around"]
"""Which steps of a sequence are read; see `LinearMap`."""
LEAST_LOGIT = -30.0
"""Logit of a class that a model rules out; minus infinity would make one such error cost everything."""
CHUNK = 5000
"""Sequences whose features are in memory at once when a model predicts."""
CHUNK_VALUES = 50_000_000
"""Values of padded rows that are in memory at once then: 400 MB in 64 bits, where sequences are long."""
MOST_BYTES = 50_000_000
"""A model that is larger is not kept; only neighbours of a large training part and maps of many columns are."""


class BaselineModel(ABC):
    """A fitted baseline: a frozen dataclass of numpy arrays, and of numbers that JSON holds.

    Attributes:
        kind: Its name in files.
    """

    kind: ClassVar[str]

    @property
    def per_step(self) -> bool:
        """Whether it answers for every step of a sequence."""
        return False

    @abstractmethod
    def __call__(self, inputs: Inputs, lengths: Lengths = None) -> Outputs:
        """Returns outputs float32 ``(n, outputs)``, or ``(n, time, outputs)`` where it answers for every step.

        Args:
            inputs: ``(n, time, features)`` as the preparation of the baseline gives them, zero after the ends.
            lengths: int64 ``(n,)`` where sequences are padded at their end.
        """

    @property
    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Its arrays by the names of the fields."""
        return {name: value for name, value in self._values.items() if isinstance(value, np.ndarray)}

    @property
    def settings(self) -> dict[str, Any]:
        """All else, by the names of the fields."""
        return {name: value for name, value in self._values.items() if not isinstance(value, np.ndarray)}

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return sum(array.nbytes for array in self.arrays.values())

    @property
    def _values(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Constant(BaselineModel):
    """The same answer always.

    Attributes:
        outputs: float64 ``(outputs,)``.
        around: Whether each step has that answer.
    """

    kind = "constant"

    outputs: Values
    around: bool = False

    @property
    def per_step(self) -> bool:
        """Whether each step has an answer."""
        return self.around

    def __call__(self, inputs: Inputs, lengths: Lengths = None) -> Outputs:  # noqa: ARG002 - it reads none
        """Returns the outputs; see `BaselineModel.__call__`."""
        return self.of(inputs.shape[: 1 + self.around])

    def of(self, shape: tuple[int, ...]) -> Outputs:
        """Returns the outputs ``(*shape, outputs)``."""
        return np.broadcast_to(self.outputs, (*shape, len(self.outputs))).astype(np.float32)


@dataclass(frozen=True, eq=False)
class LinearMap(BaselineModel):
    """A linear map of steps side by side.

    Attributes:
        weight: float64 ``(steps * features, outputs)``.
        bias: float64 ``(outputs,)``.
        steps: Steps that are read.
        reads: Which: the first of a sequence, with zeros after its end; its last, with zeros before its beginning; or,
            for an answer at every step, those around it, where an end is repeated beyond it.
    """

    kind = "linear"

    weight: Values
    bias: Values
    steps: int
    reads: Reads = "first"

    @property
    def per_step(self) -> bool:
        """Whether each step has an answer."""
        return self.reads == "around"

    def __call__(self, inputs: Inputs, lengths: Lengths = None) -> Outputs:
        """Returns the outputs; see `BaselineModel.__call__`."""
        rows = rows_of(inputs, lengths, self.steps, self.reads).astype(np.float64)
        outputs: Outputs = (rows @ self.weight + self.bias).astype(np.float32)
        return outputs


@dataclass(frozen=True, eq=False)
class NearestNeighbour(BaselineModel):
    """The answer of the nearest row that was learnt, of steps side by side as in `LinearMap`.

    Attributes:
        rows: What was learnt, ``(n, steps * features)``.
        targets: Their classes int64 ``(n,)``, or numbers float32 ``(n, targets)``.
        steps: Steps of a row.
        classes: Number of classes; 0 for numbers.
        reads: As in `LinearMap`.
    """

    kind = "nearest neighbour"

    rows: Inputs
    targets: npt.NDArray[np.generic]
    steps: int
    classes: int = 0
    reads: Reads = "first"

    @property
    def per_step(self) -> bool:
        """Whether each step has an answer."""
        return self.reads == "around"

    def __call__(self, inputs: Inputs, lengths: Lengths = None) -> Outputs:
        """Returns the outputs; see `BaselineModel.__call__`."""
        rows = rows_of(inputs, lengths, self.steps, self.reads)
        wanted = rows.reshape(-1, rows.shape[-1]).astype(np.float64)
        found = self._search.kneighbors(wanted, return_distance=False)[:, 0]
        answers = self.targets[found]
        if self.classes:
            answers = np.where(np.eye(self.classes, dtype=np.bool_)[answers], 0.0, LEAST_LOGIT)
        outputs: Outputs = answers.reshape(*rows.shape[:-1], -1).astype(np.float32)
        return outputs

    @cached_property
    def _search(self) -> Any:
        from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - 1.5 s, which only baselines need

        return NearestNeighbors(n_neighbors=1).fit(self.rows.astype(np.float64))


@dataclass(frozen=True, eq=False)
class ConvolutionReadout(BaselineModel):
    """A linear map of the features of `RandomConvolutions`.

    Attributes:
        mean: Mean of each column, float64 ``(columns,)``.
        scale: Deviation of each column.
        columns: The columns that each convolution adds up, one after the other, int64.
        counts: How many of them each has, int64 ``(convolutions,)``.
        kernels: Places of the large weights of each, int64 ``(convolutions, 3)``.
        dilations: Distance of the weights of each, int64 ``(convolutions,)``.
        pads: Whether each reads zeros beyond the ends, bool ``(convolutions,)``.
        biases: float32 ``(convolutions, biases)``.
        weight: float64 ``(features, outputs)``.
        bias: float64 ``(outputs,)``.
        has_excess: As in `RandomConvolutions`.
    """

    kind = "random convolutions"

    mean: Values
    scale: Values
    columns: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    kernels: npt.NDArray[np.int64]
    dilations: npt.NDArray[np.int64]
    pads: npt.NDArray[np.bool_]
    biases: Outputs
    weight: Values
    bias: Values
    has_excess: bool

    @classmethod
    def of(cls, drawn: RandomConvolutions, weight: Values, bias: Values) -> Self:
        """Returns the model of convolutions that were drawn and of what was learnt from their features."""
        each = drawn.convolutions
        return cls(
            mean=drawn.scaler.mean,
            scale=drawn.scaler.scale,
            columns=np.concatenate([one.columns for one in each]),
            counts=np.array([len(one.columns) for one in each]),
            kernels=np.array([one.kernel for one in each]),
            dilations=np.array([one.dilation for one in each]),
            pads=np.array([one.pads for one in each]),
            biases=np.stack([one.biases for one in each]),
            weight=weight,
            bias=bias,
            has_excess=drawn.has_excess,
        )

    def __call__(self, inputs: Inputs, lengths: Lengths = None) -> Outputs:
        """Returns the outputs; see `BaselineModel.__call__`."""
        features = self._convolutions(cut(inputs, lengths))
        return (features @ self.weight + self.bias).astype(np.float32)

    @cached_property
    def _convolutions(self) -> RandomConvolutions:
        ends = [0, *np.cumsum(self.counts).tolist()]
        each = zip(
            [self.columns[start:end] for start, end in pairwise(ends)],
            map(tuple, self.kernels.tolist()),
            self.dilations.tolist(),
            self.pads.tolist(),
            self.biases,
            strict=True,
        )
        drawn = tuple(Convolution(*facts) for facts in each)
        return RandomConvolutions(Scaler(self.mean, self.scale), self.has_excess, drawn)


@dataclass(frozen=True, eq=False)
class ReservoirReadout(BaselineModel):
    """A linear map of the last state and the mean state of a recurrent network whose weights were drawn.

    Attributes:
        mean: Mean of each column, float64 ``(columns,)``.
        scale: Deviation of each column.
        drawn: The weights of the network, one after the other; see `models.reservoir.Reservoir`.
        weight: float64 ``(2 * units, outputs)``.
        bias: float64 ``(outputs,)``.
        units: Width of the state.
    """

    kind = "reservoir"

    mean: Values
    scale: Values
    drawn: Outputs
    weight: Values
    bias: Values
    units: int

    def __call__(self, inputs: Inputs, lengths: Lengths = None) -> Outputs:
        """Returns the outputs; see `BaselineModel.__call__`."""
        scaled = Scaler(self.mean, self.scale)(inputs.astype(np.float64))
        outputs: Outputs = (self._reservoir(scaled, lengths) @ self.weight + self.bias).astype(np.float32)
        return outputs

    @cached_property
    def _reservoir(self) -> Any:
        from evo_nas.models.reservoir import Reservoir  # noqa: PLC0415 - torch takes seconds to load

        return Reservoir(len(self.mean), self.units, drawn=self.drawn)


KINDS: Mapping[str, type[BaselineModel]] = {
    each.kind: each for each in (Constant, LinearMap, NearestNeighbour, ConvolutionReadout, ReservoirReadout)
}


def model_from(
    kind: str, arrays: Mapping[str, npt.NDArray[np.generic]], settings: Mapping[str, Any]
) -> BaselineModel:
    """Returns the model of a kind with these `BaselineModel.arrays` and `BaselineModel.settings`.

    Raises:
        DataError: There is no such kind, or it has other fields.
    """
    if kind not in KINDS:
        raise DataError(f"kind is {kind!r}; must be one of {', '.join(KINDS)}, or install a newer evo-nas")
    try:
        return KINDS[kind](**arrays, **settings)
    except TypeError as error:
        raise DataError(f"a {kind} has other fields: {error}") from error


def answers(model: BaselineModel, items: Sequence[Inputs]) -> Outputs:
    """Returns the outputs of a model for sequences, ``(n, outputs)``, or ``(all steps, outputs)`` if each has some.

    Args:
        model: The model.
        items: The sequences, ``(time, features)`` each.
    """
    found = []
    # Where each step has an answer, it has a row of the steps around it.
    width = model.steps if model.per_step and isinstance(model, LinearMap | NearestNeighbour) else 1
    largest = max((item.size for item in items), default=1)
    chunk = max(1, min(CHUNK, CHUNK_VALUES // (largest * width)))
    for start in range(0, len(items), chunk):
        some = items[start : start + chunk]
        # A type of its own: values far from zero are told apart in 64 bits alone.
        outputs = model(padded(some, some[0].dtype.type), lengths_of(some))
        ends = map(len, some)
        found += (
            [steps[:end] for steps, end in zip(outputs, ends, strict=True)] if model.per_step else [outputs]
        )
    return np.concatenate(found)


def rows_of(inputs: Inputs, lengths: Lengths, steps: int, reads: Reads) -> Inputs:
    """Returns ``steps`` of each sequence in one row, ``(n, steps * features)``; see `LinearMap.reads`.

    Args:
        inputs: ``(n, time[, features])``, zero after the ends.
        lengths: int64 ``(n,)`` where sequences are padded at their end.
        steps: How many.
        reads: Which; ``around`` gives ``(n, time, steps * features)``.
    """
    if reads == "around":
        return rows_around(inputs, lengths, steps)
    if reads == "first":
        if lengths is not None:
            # What lies behind an end is no value, and may be anything.
            valid = np.arange(inputs.shape[1]) < lengths[:, None]
            inputs = np.where(valid.reshape(*valid.shape, *[1] * (inputs.ndim - 2)), inputs, 0.0)
        chosen, missing = inputs[:, :steps], (0, max(0, steps - inputs.shape[1]))
    elif lengths is None:
        time = inputs.shape[1]
        chosen, missing = inputs[:, max(0, time - steps) :], (max(0, steps - time), 0)
    else:
        chosen, missing = padded_at_start(cut(inputs, lengths), steps), (0, 0)
    around = ((0, 0), missing, *[(0, 0)] * (inputs.ndim - 2))
    return np.pad(chosen, around).reshape(len(inputs), -1)


def padded_at_start(sequences: Sequence[Inputs], steps: int) -> Inputs:
    """Returns the last ``steps`` of each sequence, ``(n, steps, ...)``; a shorter one begins with zeros."""
    backwards = [sequence[::-1][:steps] for sequence in sequences]
    return padded(backwards, sequences[0].dtype.type, steps=steps)[:, ::-1]


def rows_around(inputs: Inputs, lengths: Lengths, width: int) -> Inputs:
    """Returns the ``width`` steps around each one, ``(n, time, width * features)``; an end is repeated beyond it."""
    time = inputs.shape[1]
    last = np.full(len(inputs), time - 1) if lengths is None else lengths - 1
    places = np.arange(time)[:, None] + np.arange(width) - width // 2  # (time, width)
    places = np.clip(places[None], 0, last[:, None, None])
    rows: Inputs = inputs[np.arange(len(inputs))[:, None, None], places].reshape(len(inputs), time, -1)
    return rows


def cut(inputs: Inputs, lengths: Lengths) -> Sequence[Inputs]:
    """Returns the sequences without their padding, ``(time, features)`` each."""
    if lengths is None:
        return list(inputs)
    return [sequence[:end] for sequence, end in zip(inputs, lengths.tolist(), strict=True)]
