"""Which way of running a cell a layer takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.models.bptt import BpttRecurrence
from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.fused import TorchRecurrence
from evo_nas.models.native import NativeRecurrence

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.recurrence import Recurrence

PATHS: tuple[type[Recurrence], ...] = (NativeRecurrence, TorchRecurrence, BpttRecurrence, EagerRecurrence)
"""Fastest first; the last supports every cell."""
CPU_ONLY = (NativeRecurrence,)


def path_for(cell: CellGraph, *, device: str = "cpu") -> type[Recurrence]:
    """Returns the fastest path that supports ``cell`` on a type of device, such as ``cpu`` or ``cuda``."""
    return next(path for path in PATHS if path.supports(cell) and (device == "cpu" or path not in CPU_ONLY))
