"""Ridge regression on more windows than fit into memory at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from evo_nas.tasks.dataset import Windows

BLOCK = 8192
"""Windows that are cut out at once: enough for fast products of matrices, few enough for any memory."""


def changes(
    windows: Windows, *, of_inputs: bool = False
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yields, block by block, inputs and the changes of targets from their last known values.

    Args:
        windows: All windows.
        of_inputs: Whether inputs are changes from their last step as well.

    Yields:
        float32 ``(n, window * features)`` and ``(n, horizon * targets)``.
    """
    for start in range(0, len(windows), BLOCK):
        which = slice(start, start + BLOCK)
        block = windows.cut(which)
        inputs, targets = block.inputs.astype(np.float32), block.targets.astype(np.float32)
        if of_inputs:
            inputs -= inputs[:, -1:].copy()
        last = windows.targets[windows.origins[which] - 1]
        yield inputs.reshape(len(block), -1), targets - np.tile(last, windows.horizon)


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

        Args:
            blocks: Inputs ``(n, inputs)`` and outputs ``(n, outputs)``.
            penalty: Factor of the squared weights that are added to the mean squared error.
        """
        # Only sums of products are kept, so memory does not grow with the number of windows.
        moments: npt.NDArray[np.float64] | float = 0.0
        inputs = 0
        for x, y in blocks:
            inputs = x.shape[1]
            rows = np.concatenate([np.ones((len(x), 1)), x, y], axis=1, dtype=np.float64)
            moments = moments + rows.T @ rows
        # The column of ones gives the sums, from which the centred moments follow without a second pass.
        moments = np.asarray(moments)
        count, sums = moments[0, 0], moments[0, 1:]
        centred = moments[1:, 1:] - np.outer(sums, sums) / count
        # The penalty is for the mean squared error, and the moments are sums: hence the count.
        covariance = centred[:inputs, :inputs] + count * penalty * np.eye(inputs)
        weights = np.linalg.solve(covariance, centred[:inputs, inputs:])
        means = sums / count
        return cls(weights, means[inputs:] - means[:inputs] @ weights)

    def __call__(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Returns the outputs for ``inputs`` ``(n, inputs)``."""
        return inputs @ self.weights + self.bias
