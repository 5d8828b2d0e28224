"""Chooses examples of the training and validation part of a data set, and puts them into one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from evo_nas.tasks.dataset import Sequences

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.tasks.dataset import Dataset

    Array = npt.NDArray[np.generic]
    Positions = npt.NDArray[np.int64]

Number = TypeVar("Number", bound=np.generic)


def rows_of(
    dataset: Dataset, positions: Positions, divisors: npt.NDArray[np.float32] | None = None
) -> Sequences:
    """Returns some of the sequences of both parts, padded to the longest of them.

    Args:
        dataset: A data set of sequences.
        positions: Ascending positions among those of training, followed by those of validation, int64 ``(n,)``.
        divisors: What inputs and targets of each of all these sequences are divided by; None for 1.
    """
    chosen = _both(dataset, positions)
    lengths = np.concatenate([_lengths(part) for part in chosen])
    longest = int(lengths.max())
    per_step = dataset.signature.per_step
    inputs = _joined([part.inputs for part in chosen], longest)
    targets = [part.targets for part in chosen]
    wanted = _joined(targets, longest) if per_step else np.concatenate(targets)
    if divisors is not None:
        inputs = _divided(inputs, divisors[positions])
        wanted = _divided(wanted, divisors[positions])
    scored = None
    if any(part.scored is not None for part in chosen):
        scored = _joined([_scored(part) for part in chosen], longest)
    return Sequences(inputs, wanted, None if (lengths == longest).all() else lengths, scored)


def counted_targets(dataset: Dataset, positions: Positions) -> Array:
    """Returns the targets of some sequences, or of those of their steps that count; see `rows_of`."""
    chosen = _both(dataset, positions)
    if not dataset.signature.per_step:
        return np.concatenate([part.targets for part in chosen])
    return np.concatenate([part.targets[_scored(part)] for part in chosen])


def valid_steps(part: Sequences) -> npt.NDArray[np.bool_]:
    """Returns which steps are no padding, bool ``(n, time)``."""
    return np.arange(part.inputs.shape[1]) < _lengths(part)[:, None]


def _both(dataset: Dataset, positions: Positions) -> list[Sequences]:
    train, validation = dataset.train, dataset.validation
    assert isinstance(train, Sequences)
    assert isinstance(validation, Sequences)
    is_first = positions < len(train)
    return [train.chosen(positions[is_first]), validation.chosen(positions[~is_first] - len(train))]


def _lengths(part: Sequences) -> Positions:
    return np.full(len(part), part.inputs.shape[1]) if part.lengths is None else part.lengths


def _scored(part: Sequences) -> npt.NDArray[np.bool_]:
    return valid_steps(part) if part.scored is None else part.scored


def _joined(arrays: list[npt.NDArray[Number]], steps: int) -> npt.NDArray[Number]:
    """Returns arrays ``(n, time, ...)`` as one with ``steps`` steps."""
    shape = (sum(map(len, arrays)), steps, *arrays[0].shape[2:])
    whole = np.zeros(shape, dtype=arrays[0].dtype)
    start = 0
    for array in arrays:
        few = array[:, :steps]
        whole[start : start + len(few), : few.shape[1]] = few
        start += len(few)
    return whole


def _divided(values: Array, divisors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    of_each = divisors.reshape(-1, *(1,) * (values.ndim - 1))
    return np.divide(values.astype(np.float32), of_each, dtype=np.float32)
