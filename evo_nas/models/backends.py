"""The table of backends, and the choice of one for a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.native import NativeRecurrence
from evo_nas.models.torch_kernels import TorchRecurrence

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.recurrence import Recurrence

BACKENDS: tuple[type[Recurrence], ...] = (NativeRecurrence, TorchRecurrence, BpttRecurrence, EagerRecurrence)
"""Fastest first; the last one supports every cell on every device."""


def backend_for(cell: CellGraph, *, device: str = "cpu") -> type[Recurrence]:
    """Returns the fastest backend that supports ``cell`` on a type of device, such as ``cpu`` or ``cuda``."""
    return next(backend for backend in BACKENDS if backend.supports(cell, device=device))
