"""Ridge regressions at which the linear shortcuts of forecasts start, fitted once for each data set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.genome.architecture import Forecast
from evo_nas.genome.blocks import ShortcutKind
from evo_nas.models.layers import last_step
from evo_nas.models.shortcuts import LinearShortcut
from evo_nas.training.batches import WindowSplit

if TYPE_CHECKING:
    from evo_nas.models.network import Network
    from evo_nas.training.batches import Batch, PreparedDataset, Split

PENALTIES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Factors of the squared weights that are added to the mean squared error; validation chooses."""
BLOCK = 1024
"""Most windows that are cut out at once."""
BLOCK_VALUES = 4_000_000
"""Most values of such windows, unless one alone has more."""
MOST_PRODUCTS = 2e11
"""About the products of two numbers that a regression may take, some ten seconds. Neighbouring windows have nearly all
values in common, so that of many windows every n-th one tells as much."""
MOST_INPUTS = 5000
"""Widest map that is fitted; its matrix of products needs 200 MB. A wider one starts at zero."""
MOST_ERRORS = 10_000
"""Windows whose errors give the quantiles: enough for every level in use, few enough for any memory."""
STARTED = frozenset({ShortcutKind.SHARED, ShortcutKind.FULL})


@dataclass(frozen=True, slots=True)
class RidgeStart:
    """The weights of a shortcut, in the shapes of its parameters."""

    weight: Tensor
    bias: Tensor


def start_shortcut(network: Network, data: PreparedDataset) -> None:
    """Lets ``network`` begin as the ridge regression of its shortcut, if it has one that starts so.

    The regression is fitted when a network first needs it and kept with the data. The output layer starts at zero, so
    that the network begins as exactly that forecast and learns what it lacks.

    Args:
        network: A network that is not trained yet, on the device of the data.
        data: What it is going to be trained on.
    """
    kind, shortcut = network.architecture.shortcut.kind, network.shortcut
    if kind not in STARTED or not isinstance(shortcut, LinearShortcut):
        return
    if shortcut.weight.shape[1] > MOST_INPUTS:
        return
    # A change and a relative change have the same regression: both are counted from the last value.
    key = kind, network.architecture.forecast is Forecast.VALUE
    with torch.no_grad():
        start = data.starts.get(key, lambda: _fitted(network, shortcut, data))
        shortcut.weight.copy_(start.weight)
        shortcut.bias.copy_(start.bias)
        for parameter in network.head.output.parameters():
            nn.init.zeros_(parameter)


def _fitted(network: Network, shortcut: LinearShortcut, data: PreparedDataset) -> RidgeStart:
    """Returns the regression on the training part whose penalty has the least squared error on the validation part.

    Where quantiles are forecast, each level is the same line, moved by that quantile of its errors in training.
    """
    moments = _Moments()
    lines, width = shortcut.weight.shape
    products = width * (width + len(PENALTIES) * lines) * (data.signature.outputs // lines)
    most, block = max(1, int(MOST_PRODUCTS / products)), _block(data)
    for batch in _some(data.train, most).in_order(block):
        moments.add(*_rows(network, shortcut, batch, data))
    solutions = [moments.solved(penalty) for penalty in PENALTIES]
    errors = torch.zeros(len(solutions), dtype=torch.float64, device=data.device)
    for batch in _some(data.validation, most).in_order(block):
        rows, wanted = _rows(network, shortcut, batch, data)
        errors += torch.stack(
            [(rows @ weight.T + bias - wanted).square().nansum() for weight, bias in solutions]
        )
    weight, bias = solutions[int(errors.argmin())]
    # Lines and outputs are both ordered by step first; a line serves all levels, and a shared one all targets.
    shortcut.weight.copy_(weight.repeat_interleave(len(shortcut.weight) // len(weight), dim=0))
    shortcut.bias.copy_(bias.repeat_interleave(len(shortcut.bias) // len(bias)))
    if data.levels is not None:
        shortcut.bias.add_(_error_quantiles(network, shortcut, data, data.levels))
    return RidgeStart(shortcut.weight.detach().clone(), shortcut.bias.detach().clone())


class _Moments:
    """Sums of products over all rows; memory does not grow with their number."""

    def __init__(self) -> None:
        self._products = self._crosses = self._sums = torch.zeros(())

    def add(self, rows: Tensor, wanted: Tensor) -> None:
        """Counts ``rows`` ``(n, width)`` with what is wanted of them, ``(n, lines)``; NaN is not known."""
        rows = torch.cat([rows.new_ones(len(rows), 1), rows], dim=1)
        known = ~wanted.isnan()
        self._products = rows.T @ rows + self._products
        self._crosses = rows.T @ wanted.nan_to_num(0.0) + self._crosses
        # The column of ones counts the rows, from which the centred moments follow without a second pass.
        self._sums = rows.T @ known.to(rows.dtype) + self._sums

    def solved(self, penalty: float) -> tuple[Tensor, Tensor]:
        """Returns weights ``(lines, width)`` and bias ``(lines,)`` of least squares with a penalty on squared weights.

        Each line is fitted to the rows in which it is known; the covariance of what is read is that of all rows.
        """
        products, counts = self._products, self._sums[0].clamp(min=1.0)
        # The means of what is read and wanted, over the rows in which each line is known.
        read, wanted = self._sums[1:] / counts, self._crosses[0] / counts
        mean = products[0, 1:] / products[0, 0]
        covariance = products[1:, 1:] / products[0, 0] - mean.outer(mean)
        covariance.diagonal().add_(penalty)
        weights = torch.linalg.solve(covariance, self._crosses[1:] / counts - read * wanted)
        return weights.T, wanted - (read * weights).sum(dim=0)


def _rows(
    network: Network, shortcut: LinearShortcut, batch: Batch, data: PreparedDataset
) -> tuple[Tensor, Tensor]:
    """Returns what the shortcut reads of a batch and what its lines should give, float64 ``(rows, ...)``."""
    read = shortcut.read(batch.inputs, batch.lengths).double()
    wanted = batch.targets - _anchors(network, batch, data)
    return read.flatten(0, -2), shortcut.as_lines(wanted).double()


def _anchors(network: Network, batch: Batch, data: PreparedDataset) -> Tensor:
    """Returns the values from which the forecast counts its changes, ``(batch, targets)``; zeros if it does not."""
    zeros = batch.targets.new_zeros(len(batch.targets), network.signature.outputs)
    if network.residual is None:
        return torch.zeros_like(batch.targets)
    outputs = network.residual.leave(zeros, last_step(batch.inputs, batch.lengths))
    return outputs[:, :: 1 if data.levels is None else len(data.levels)]


def _error_quantiles(
    network: Network, shortcut: LinearShortcut, data: PreparedDataset, levels: Tensor
) -> Tensor:
    """Returns for each output ``(outputs,)`` the quantile of the line's errors that belongs to its level."""
    errors = [
        batch.targets
        - _anchors(network, batch, data)
        - shortcut(batch.inputs, batch.lengths)[:, :: len(levels)]
        for batch in _some(data.train, MOST_ERRORS).in_order(_block(data))
    ]
    quantiles = torch.cat(errors).nanquantile(levels, dim=0)  # (levels, targets)
    return quantiles.nan_to_num(0.0).T.flatten()


def _block(data: PreparedDataset) -> int:
    """Returns how many windows are cut out at once."""
    values = data.signature.steps * data.signature.features
    return min(BLOCK, max(1, BLOCK_VALUES // values))


def _some(split: Split, most: int) -> Split:
    """Returns at most ``most`` of the windows of ``split``, evenly chosen; windows that were cut out are all kept."""
    if not isinstance(split, WindowSplit):
        return split
    return replace(split, origins=split.origins[:: -(-len(split.origins) // most)])
