"""Ridge regression on more windows than fit into memory at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from evo_nas.tasks.dataset import Windows

BLOCK = 8192
"""Windows that are cut out at once: enough for fast products of matrices, few enough for any memory."""


class Block(NamedTuple):
    """Some windows as a linear model reads them.

    Attributes:
        inputs: float32 ``(n, window * features)``.
        changes: Changes of the targets from their last known values, float32 ``(n, horizon * targets)``; NaN where a
            target is not known.
        last: The last known value for each of them, float32 ``(n, horizon * targets)``.
    """

    inputs: npt.NDArray[np.float32]
    changes: npt.NDArray[np.float32]
    last: npt.NDArray[np.float32]


def changes(windows: Windows, *, of_inputs: bool = False) -> Iterator[Block]:
    """Yields all windows, block by block.

    Args:
        windows: All windows.
        of_inputs: Whether inputs are changes from their last step as well.
    """
    last_targets = windows.last_targets()
    for start in range(0, len(windows), BLOCK):
        which = slice(start, start + BLOCK)
        block = windows.cut(which)
        inputs, targets = block.inputs.astype(np.float32), block.targets.astype(np.float32)
        if of_inputs:
            inputs -= inputs[:, -1:].copy()
        last = np.tile(last_targets[which], windows.horizon)
        yield Block(inputs.reshape(len(block), -1), targets - last, last)


@dataclass(frozen=True, slots=True)
class Ridge:
    """A linear model; float64 weights ``(inputs, outputs)`` and bias ``(outputs,)``."""

    weights: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]

    @classmethod
    def fitted(
        cls, blocks: Iterable[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]], *, penalty: float
    ) -> Ridge:
        """Returns the model of least squares with a penalty on squared weights.

        Where outputs are NaN, each of them is fitted to the rows in which it is known, and the covariance of the inputs
        is that of all rows.

        Args:
            blocks: Inputs ``(n, inputs)`` and outputs ``(n, outputs)``.
            penalty: Factor of the squared weights that are added to the mean squared error.
        """
        # Only sums of products are kept, so memory does not grow with the number of windows.
        products: npt.NDArray[np.float64] | float = 0.0
        crosses: npt.NDArray[np.float64] | float = 0.0
        sums: npt.NDArray[np.float64] | float = 0.0
        for x, y in blocks:
            known = ~np.isnan(y)
            rows = np.concatenate([np.ones((len(x), 1)), x], axis=1, dtype=np.float64)
            products = products + rows.T @ rows
            crosses = crosses + rows.T @ np.where(known, y, 0.0).astype(np.float64)
            # The column of ones counts the rows, from which the centred moments follow without a second pass.
            sums = sums + (rows.sum(axis=0)[:, None] if known.all() else rows.T @ known.astype(np.float64))
        products, crosses, sums = map(np.asarray, (products, crosses, sums))
        counts, of_inputs = np.maximum(sums[0], 1.0), sums[1:] / np.maximum(sums[0], 1.0)
        of_outputs = crosses[0] / counts
        mean = products[0, 1:] / products[0, 0]
        covariance = products[1:, 1:] / products[0, 0] - np.outer(mean, mean) + penalty * np.eye(len(mean))
        weights = np.linalg.solve(covariance, crosses[1:] / counts - of_inputs * of_outputs)
        return cls(weights, of_outputs - (of_inputs * weights).sum(axis=0))

    def __call__(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Returns the outputs for ``inputs`` ``(n, inputs)``."""
        return inputs @ self.weights + self.bias
