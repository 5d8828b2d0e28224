"""States of a random recurrent network, which only a linear readout learns from (Jaeger, 2001)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from evo_nas.genome.cell import X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.backends import backend_for

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.models.recurrence import Recurrence

SPECTRAL_RADIUS = 0.9
"""Largest eigenvalue of what a state is multiplied by: just below 1, so that the past fades slowly."""
INPUT_GAIN = 0.5
BLOCK_STEPS = 20_000
"""Steps that run at once; the states of all of them are held until they are averaged."""
LARGEST_BIAS = 2.0
"""Biases are spread this far on both sides of zero: units of a gated cell then forget at different speeds."""


class Reservoir:
    """A GRU whose weights are drawn and never learnt.

    Args:
        features: Inputs of each step.
        units: Width of the state.
        seed: Seed of the weights.
        drawn: The weights as `drawn` gave them, in place of a seed.

    Attributes:
        drawn: All weights, one after the other, float32.
    """

    def __init__(
        self, features: int, units: int, *, seed: int = 0, drawn: npt.NDArray[np.float32] | None = None
    ) -> None:
        cell = NAMED_CELLS["gru"]
        self._recurrence = backend_for(cell)(cell, features, units)
        if drawn is None:
            _draw_weights(self._recurrence, np.random.default_rng(seed))
        else:
            vector_to_parameters(torch.from_numpy(drawn.copy()), self._recurrence.parameters())
        with torch.no_grad():
            flat = parameters_to_vector(self._recurrence.parameters())
        self.drawn: npt.NDArray[np.float32] = flat.numpy().copy()

    def __call__(
        self, inputs: npt.NDArray[np.float32], lengths: npt.NDArray[np.int64] | None
    ) -> npt.NDArray[np.float32]:
        """Returns the last state of each sequence and the mean of its states, ``(n, 2 * units)``.

        Args:
            inputs: Standardised ``(n, time, features)``.
            lengths: ``(n,)``; None if no sequence is padded.
        """
        ends = np.full(len(inputs), inputs.shape[1]) if lengths is None else lengths
        size = max(1, BLOCK_STEPS // inputs.shape[1])
        blocks = [slice(start, start + size) for start in range(0, len(inputs), size)]
        return np.concatenate(
            [_ends_and_means(self._recurrence, inputs[some], ends[some]) for some in blocks]
        )


def _ends_and_means(
    recurrence: Recurrence, inputs: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    with torch.no_grad():
        states = recurrence(torch.from_numpy(np.ascontiguousarray(inputs)), torch.from_numpy(ends)).numpy()
    # States of padded steps are zero, so their sum is that of the steps of the sequence.
    means = states.sum(axis=1) / ends[:, None]
    return np.concatenate([states[np.arange(len(states)), ends - 1], means], axis=1).astype(np.float32)


def _draw_weights(recurrence: Recurrence, rng: np.random.Generator) -> None:
    for index, node in enumerate(recurrence.cell.nodes):
        for name, parameter in recurrence.named_parameters():
            if name == f"bias_{index}":
                drawn = rng.uniform(-LARGEST_BIAS, LARGEST_BIAS, recurrence.width)
                parameter.data = torch.from_numpy(drawn.astype(np.float32))
            elif name == f"weight_{index}":
                blocks = [_block(reference == X, recurrence, rng) for reference in node.inputs]
                parameter.data = torch.from_numpy(np.concatenate(blocks, axis=1).astype(np.float32))


def _block(reads_input: bool, recurrence: Recurrence, rng: np.random.Generator) -> npt.NDArray[np.float64]:  # noqa: FBT001
    if reads_input:
        # Many columns would saturate every unit together.
        gain = INPUT_GAIN / np.sqrt(recurrence.inputs)
        return rng.normal(scale=gain, size=(recurrence.width, recurrence.inputs))
    # The largest eigenvalue of a random matrix is about the root of its size (the circular law).
    scale = SPECTRAL_RADIUS / np.sqrt(recurrence.width)
    return rng.normal(scale=scale, size=(recurrence.width, recurrence.width))
