"""How a training ends before its time: with a status and a reason."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import torch

from evo_nas.evaluation import Status

if TYPE_CHECKING:
    from evo_nas.training.step import Maxima

LARGEST_LOSS = 1e4
"""A finite loss beyond this has diverged: tasks scale their targets, and a constant guess loses about 1."""
LARGEST_NORM = sys.float_info.max
LARGEST_FIRST_NORM = 1e5
"""A gradient norm beyond this in the first steps has diverged: of networks that learnt anything, none had above 1e4."""


class EndedError(Exception):
    """Ends a training early, with a status and a reason."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def cause_of(error: Exception) -> Status:
    """Returns the status of a candidate whose training raised ``error``."""
    if isinstance(error, EndedError):
        return error.status
    out_of_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    # Torch has no type for a CPU allocation that fails, only this RuntimeError.
    return Status.TOO_BIG if out_of_memory or "DefaultCPUAllocator" in str(error) else Status.FAILED


def description_of(error: Exception) -> str:
    """Returns ``error`` as one line for an outcome."""
    return str(error) if isinstance(error, EndedError) else f"{type(error).__name__}: {error}"


def check_converging(maxima: Maxima, largest_norm: float, *, epoch: int) -> None:
    """Ends a training whose loss, or norm of the gradient, is too large or not a number.

    Raises:
        EndedError: One of them is.
    """
    for name, value, bound in (
        ("loss", maxima.loss, LARGEST_LOSS),
        ("norm of the gradient", maxima.gradient_norm, largest_norm),
    ):
        if not value <= bound:  # written so that NaN is refused, too
            raise EndedError(Status.DIVERGED, f"{name} is {value:g} in epoch {epoch}")
