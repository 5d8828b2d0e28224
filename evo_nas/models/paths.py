"""Which way of running a cell a layer takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.models.eager import EagerRecurrence
from evo_nas.models.fused import TorchRecurrence

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.recurrence import Recurrence

PATHS: tuple[type[Recurrence], ...] = (TorchRecurrence, EagerRecurrence)
"""Fastest first; the last supports every cell."""


def path_for(cell: CellGraph) -> type[Recurrence]:
    """Returns the fastest path that supports ``cell``."""
    return next(path for path in PATHS if path.supports(cell))
