"""Random convolutions of sequences of any lengths, after MiniRocket (Dempster, Schmidt and Webb, 2021).

A kernel has nine weights: three are 2, the others -1. The sum of some columns is convolved with it and compared with
biases, which are quantiles of the same convolution of some sequences. A feature is the share of the steps at which a
bias is exceeded. Of a few steps that share has only a few values, so there a second feature tells by how much it is
exceeded on average, after MultiRocket (Tan et al., 2022); on longer sequences that makes the regression worse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.padding import padded
from evo_nas.data.scaling import Scaler
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    import numpy.typing as npt

    Values = npt.NDArray[np.float32]

KERNELS = tuple(combinations(range(9), 3))
"""Where the three large weights are, for each of the 84 kernels."""
FEATURES_EACH = 8
"""Features of one convolution: as many biases, or half as many with two features each."""
SHORT = 16
"""Sequences of fewer steps, by their median, have the second kind of feature."""
MOST_FEATURES, FEWEST_FEATURES = 10_000, 1000
MOST_FEATURES_OF_MANY = 2000
"""Of more than 2,000 sequences: the regression takes the cube of the smaller number, so that both stay at seconds."""
MOST_CELLS = 20_000_000
"""Rows times features of what is learnt from."""
FEATURES_PER_ROW = 100
"""A few rows need no more; so small data cost no seconds."""
MOST_WORK = 1e10
"""Steps times features, about ten seconds."""
MOST_STEPS = 100_000_000
"""Steps of all sequences; more would take minutes with the fewest features."""
BLOCK_STEPS = 1_000_000
"""Steps that are convolved at once: few enough for the cache of a processor and any memory."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution: which columns are added up, the kernel, the distance of its weights, and the biases.

    Without ``pads`` only steps count at which the whole kernel lies within the sequence.
    """

    columns: npt.NDArray[np.int64]
    kernel: tuple[int, ...]
    dilation: int
    pads: bool
    biases: Values

    def of(self, values: Values) -> Values:
        """Returns the convolution ``(time, n)`` of ``values`` ``(columns, time, n)``, with zeros beyond both ends."""
        signal = values[self.columns].sum(axis=0)
        reach, time = 4 * self.dilation, len(signal)
        # `np.pad` takes longer than the convolution of short sequences.
        wide = np.zeros((time + 2 * reach, signal.shape[1]), dtype=signal.dtype)
        wide[reach : reach + time] = signal
        taps = [wide[place * self.dilation : place * self.dilation + time] for place in range(9)]
        first, second, third = (taps[place] for place in self.kernel)
        convolved: Values = 3 * (first + second + third) - sum(taps[1:], start=taps[0])
        return convolved

    def counted(self, lengths: npt.NDArray[np.int64], time: int) -> npt.NDArray[np.bool_]:
        """Returns whether each step counts, ``(time, n)``, for sequences of ``lengths`` ``(n,)``."""
        steps = np.arange(time)[:, None]
        margin = 0 if self.pads else 4 * self.dilation
        return (steps >= margin) & (steps < lengths - margin)


@dataclass(frozen=True, slots=True)
class RandomConvolutions:
    """Convolutions that were drawn for some sequences and can be applied to others.

    Attributes:
        scaler: Mean and deviation of each column of the sequences.
        has_excess: Whether each bias has a second feature, by how much it is exceeded.
        convolutions: What was drawn.
    """

    scaler: Scaler
    has_excess: bool
    convolutions: tuple[Convolution, ...]

    @classmethod
    def drawn(cls, sequences: Sequence[npt.NDArray[np.generic]], *, features: int, seed: int = 0) -> Self:
        """Draws convolutions; every kernel is used about as often.

        Args:
            sequences: What the biases are taken from, ``(time, columns)`` each, without holes.
            features: Number of features, at least `FEATURES_EACH`.
            seed: Seed of the drawing.
        """
        rng = np.random.default_rng(seed)
        steps = np.concatenate([np.asarray(item, dtype=np.float64) for item in sequences])
        median = float(np.median([len(item) for item in sequences]))
        bare = cls(Scaler.fitted(steps), median < SHORT, ())
        count = features // FEATURES_EACH
        kernels = [KERNELS[place] for _ in range(-(-count // 84)) for place in rng.permutation(84)][:count]
        # Half of the sequences are at least as long as the widest kernel.
        longest = np.log2(max(1.0, (median - 1) / 8))
        # Most sequences are drawn many times.
        scaled = [bare.scaler(item.astype(np.float64)).astype(np.float32) for item in sequences]
        chosen = [
            bare._with_biases(scaled, kernel, int(2 ** rng.uniform(0, longest)), rng) for kernel in kernels
        ]
        return replace(bare, convolutions=tuple(chosen))

    def __call__(self, sequences: Sequence[npt.NDArray[np.generic]]) -> Values:
        """Returns the features float32 ``(n, features)`` of ``sequences``, ``(time, columns)`` each."""
        # Sequences of about the same length are convolved together, so that little is padded.
        order = np.argsort([len(item) for item in sequences], kind="stable")
        rows = np.empty((len(sequences), FEATURES_EACH * len(self.convolutions)), dtype=np.float32)
        for which in _blocks(order, sequences):
            values, lengths = _stacked([self.scaler(sequences[row].astype(np.float64)) for row in which])
            rows[which] = np.concatenate(
                [self._features(each, values, lengths) for each in self.convolutions]
            ).T
        return rows

    def _with_biases(
        self,
        scaled: Sequence[Values],
        kernel: tuple[int, ...],
        dilation: int,
        rng: np.random.Generator,
    ) -> Convolution:
        count = FEATURES_EACH // (1 + self.has_excess)
        columns = rng.permutation(len(self.scaler.mean))
        # Of many columns few are added up, since the sum of all would hide each of them.
        columns = columns[: int(2 ** rng.uniform(0, np.log2(min(len(columns), 9) + 1)))]
        values, lengths = _stacked([scaled[row] for row in rng.integers(0, len(scaled), count)])
        pads = bool(rng.integers(2)) or bool((lengths <= 8 * dilation).any())
        draft = Convolution(columns, kernel, dilation, pads, np.zeros(0, dtype=np.float32))
        convolved, counted = draft.of(values), draft.counted(lengths, values.shape[1])
        return replace(draft, biases=_quantiles(convolved, counted, rng.random(count)))

    def _features(self, convolution: Convolution, values: Values, lengths: npt.NDArray[np.int64]) -> Values:
        """Returns the share of the steps over each bias, and the mean excess, ``(features, n)``."""
        time = values.shape[1]
        counted = convolution.counted(lengths, time)
        convolved = np.where(counted, convolution.of(values), -np.inf)
        number = np.maximum(counted.sum(axis=0), 1)
        # Two bytes hold the count of all but the longest sequences, and add up twice as fast as eight.
        kind = np.uint16 if time < 2**16 else np.uint32
        sums = [np.add.reduce(convolved > bias, axis=0, dtype=kind) for bias in convolution.biases]
        if self.has_excess:
            sums += [np.maximum(convolved - bias, 0).sum(axis=0) for bias in convolution.biases]
        rows: Values = (np.stack(sums) / number).astype(np.float32)
        return rows


def number_of_features(learnt: int, steps: int) -> int:
    """Returns how many features random convolutions have: fewer for more data, so that they take seconds.

    Args:
        learnt: Number of sequences to learn from.
        steps: Steps of all sequences, those to test included.

    Raises:
        DataError: There are too many steps for any number.
    """
    if steps > MOST_STEPS:
        raise DataError(f"left out for {steps:,} steps in all, more than {MOST_STEPS:,}")
    affordable = int(min(MOST_CELLS / learnt, MOST_WORK / steps, FEATURES_PER_ROW * learnt))
    most = MOST_FEATURES if learnt <= MOST_FEATURES_OF_MANY else MOST_FEATURES_OF_MANY
    return min(max(affordable, FEWEST_FEATURES), most)


def _stacked(scaled: list[Values]) -> tuple[Values, npt.NDArray[np.int64]]:
    """Returns values ``(columns, time, n)``, zero after the ends, and lengths ``(n,)``."""
    lengths = np.array([len(item) for item in scaled], dtype=np.int64)
    return np.ascontiguousarray(padded(scaled, np.float32).transpose(2, 1, 0)), lengths


def _quantiles(values: Values, counted: npt.NDArray[np.bool_], levels: npt.NDArray[np.float64]) -> Values:
    """Returns the quantile of the steps that count, for each column of ``(time, n)`` at its level ``(n,)``."""
    # A call of `np.quantile` for each column takes ten times as long where sequences are short.
    ordered = np.sort(np.where(counted, values, np.inf), axis=0)
    place = levels * (counted.sum(axis=0) - 1)
    below, above = (
        np.take_along_axis(ordered, step.astype(np.int64)[None], axis=0)[0]
        for step in (np.floor(place), np.ceil(place))
    )
    quantiles: Values = (below + (above - below) * (place % 1)).astype(np.float32)
    return quantiles


def _blocks(
    order: npt.NDArray[np.int64], sequences: Sequence[npt.NDArray[np.generic]]
) -> Iterator[npt.NDArray[np.int64]]:
    """Yields positions of sequences that are convolved at once; ``order`` goes from the shortest to the longest."""
    start = 0
    while start < len(order):
        size = max(1, BLOCK_STEPS // len(sequences[order[start]]))
        # The last one is the longest, to whose length all are padded.
        longest = len(sequences[order[min(start + size, len(order)) - 1]])
        size = max(1, min(size, BLOCK_STEPS // longest))
        yield order[start : start + size]
        start += size
