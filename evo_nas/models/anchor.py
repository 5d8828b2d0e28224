"""Forecasts that start from the last values of their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Forecast

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Signature


class Anchor(nn.Module):
    """Takes the last step off the inputs where the forecast is relative, and adds the last values to the outputs.

    Raises:
        GenomeError: The signature does not say which features are the last values of the targets.
    """

    columns: Tensor

    def __init__(self, forecast: Forecast, signature: Signature) -> None:
        super().__init__()
        targets = len(signature.last_values)
        known = all(0 <= column < signature.features for column in signature.last_values)
        if not (targets and known) or signature.outputs % targets:
            raise GenomeError(
                f"architecture.forecast is {forecast}; must be {Forecast.VALUE} for {signature.outputs} outputs, of "
                f"which the last values are the features {signature.last_values} of {signature.features}"
            )
        self.is_relative = forecast is Forecast.RELATIVE
        columns = torch.tensor(signature.last_values).repeat(signature.outputs // targets)
        self.register_buffer("columns", columns, persistent=False)

    def read(self, inputs: Tensor, last: Tensor) -> Tensor:
        """Returns what the network is to read of ``inputs`` ``(batch, time, features)``."""
        return inputs - last[:, None] if self.is_relative else inputs

    def told(self, outputs: Tensor, last: Tensor) -> Tensor:
        """Returns the values that changes ``(batch, outputs)`` lead to from ``last`` ``(batch, features)``."""
        return outputs + last[:, self.columns]


def last_step(inputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns the last step ``(batch, features)`` of sequences ``(batch, time, features)`` within their lengths."""
    if lengths is None:
        return inputs[:, -1]
    return inputs[torch.arange(len(inputs), device=inputs.device), lengths - 1]
