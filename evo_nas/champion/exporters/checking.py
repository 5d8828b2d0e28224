"""The numeric check of an export: its outputs beside those of the model in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.champion.exporters.baseline_network import BaselineNetwork
    from evo_nas.genome.architecture import Signature
    from evo_nas.models.ensemble import Model

    Inputs = npt.NDArray[np.generic]
    Lengths = npt.NDArray[np.int64] | None

Run = Callable[["Inputs", "Lengths"], "npt.NDArray[np.floating]"]
"""Returns outputs ``(batch, ...)`` for inputs ``(batch, time[, features])`` and lengths ``(batch,)``, None for full
sequences."""
USUAL_STEPS = 12
"""Steps of a usual sequence where training had none of a certain length, as with texts that are read on and on."""
MOST_STEPS = 200
"""Longest usual sequence of a check: what differs shows up long before, and one step a call takes its time."""
BATCHES = (1, 3)
SEED = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """An export whose outputs are those of the model.

    Attributes:
        tolerance: Largest difference that is permitted.
        difference: Largest difference that was found; see `largest_difference`.
        lengths: Steps of the sequences that were compared.
        batches: Sequences that were read at once.
    """

    tolerance: float
    difference: float
    lengths: tuple[int, ...]
    batches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unchecked:
    """An export that could not be run here; ``reason`` says what is absent, and how to get it."""

    reason: str


CheckResult = Checked | Unchecked


@dataclass(frozen=True, slots=True)
class Sample:
    """Inputs of a comparison: ``(batch, time[, features])``, and ``(batch,)`` lengths or None for full sequences."""

    inputs: Inputs
    lengths: Lengths = None


def check_lengths(signature: Signature) -> tuple[int, int, int]:
    """Returns the steps at which exports are compared: one, a usual number, and more than in training."""
    usual = min(max(signature.steps, 2), MOST_STEPS) if signature.steps else USUAL_STEPS
    # More than training had, even where the usual length was cut to `MOST_STEPS`.
    longer = max(signature.steps, usual) + usual // 2 + 1 if signature.steps <= MOST_STEPS else usual * 2
    return 1, usual, longer


def samples(
    signature: Signature, *, lengths: Sequence[int] | None = None, batches: Sequence[int] = BATCHES
) -> list[Sample]:
    """Returns prepared inputs of several lengths and batch sizes, and batches of sequences that differ in length.

    Args:
        signature: Shape of the inputs.
        lengths: Steps of the longest sequences; `check_lengths` by default.
        batches: Sequences that are read at once.
    """
    rng = np.random.default_rng(SEED)
    found = []
    for steps in lengths or check_lengths(signature):
        for batch in batches:
            inputs = _drawn(rng, signature, batch, steps)
            found.append(Sample(inputs))
            if batch > 1:
                ends = np.r_[steps, rng.integers(1, steps + 1, batch - 1)].astype(np.int64)
                found.append(Sample(inputs, ends))
    return found


def compare(
    export: Run, model: Run, compared: Sequence[Sample], *, tolerance: float, per_step: bool = True
) -> Checked:
    """Returns the largest difference between two runs of the same inputs.

    Args:
        export: Runs what was written.
        model: Runs the model in memory.
        compared: The inputs.
        tolerance: Largest difference that is permitted.
        per_step: Whether the second axis of outputs with more than two is that of the steps, whose padding means
            nothing. Where it is another one, such as the horizon of a forecast, every value counts.

    Raises:
        ChampionError: The outputs have other shapes, or differ by more than the tolerance.
    """
    worst = 0.0
    for sample in compared:
        found, wanted = (run(sample.inputs, sample.lengths) for run in (export, model))
        if found.shape != wanted.shape:
            raise ChampionError(
                f"for inputs {sample.inputs.shape} the export gives outputs {found.shape}, the model {wanted.shape}; "
                "nothing was written: choose another format"
            )
        difference = largest_difference(found, wanted, lengths=sample.lengths if per_step else None)
        if not difference <= tolerance:
            raise ChampionError(
                f"for inputs {sample.inputs.shape} the outputs of the export differ from the model's by "
                f"{difference:.3g}; at most {tolerance:g} is permitted, so nothing was written: choose another format"
            )
        worst = max(worst, difference)
    return Checked(
        tolerance,
        worst,
        lengths=tuple(dict.fromkeys(sample.inputs.shape[1] for sample in compared)),
        batches=tuple(dict.fromkeys(len(sample.inputs) for sample in compared)),
    )


def largest_difference(
    found: npt.NDArray[np.floating],
    wanted: npt.NDArray[np.floating],
    *,
    lengths: Lengths = None,
) -> float:
    """Returns the largest difference between outputs, of large ones relative to their size: ``|a - b| / max(1, |b|)``.

    Padded steps mean nothing and do not count; NaN equals NaN, and an infinite value itself.

    Args:
        found: ``(batch, ...)``.
        wanted: Of the same shape.
        lengths: ``(batch,)`` where ``found`` has an output for each step ``(batch, time, ...)`` of padded sequences.
    """
    if lengths is not None and found.ndim > 2:
        valid = np.arange(found.shape[1]) < lengths[:, None]
        found, wanted = found[valid], wanted[valid]
    one, other = found.astype(np.float64), wanted.astype(np.float64)
    with np.errstate(invalid="ignore"):
        difference = np.abs(one - other) / np.maximum(1.0, np.abs(other))
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    difference = np.where(same, 0.0, np.nan_to_num(difference, nan=np.inf))
    return float(difference.max(initial=0.0))


def runs(model: Model | BaselineNetwork) -> Run:
    """Returns what runs a model in memory on prepared inputs."""

    def run(inputs: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
        with torch.inference_mode():
            ends = None if lengths is None else torch.from_numpy(lengths)
            outputs: npt.NDArray[np.floating] = model(torch.from_numpy(inputs), ends).numpy()
        return outputs

    return run


def _drawn(rng: np.random.Generator, signature: Signature, batch: int, steps: int) -> Inputs:
    if signature.vocabulary:
        return rng.integers(0, signature.vocabulary, (batch, steps))
    return rng.standard_normal((batch, steps, signature.features)).astype(np.float32)
