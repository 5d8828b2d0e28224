"""Evolutionary architecture search for recurrent networks, on a laptop or a Ray cluster.

Three functions are the whole Python interface::

    verdict = evo_nas.search("configs/quickstart.yaml")     # searches, or goes on where it was stopped
    table = evo_nas.load_run("runs/quickstart")             # every evaluation as a pyarrow.Table
    network = evo_nas.load_champion("champion/")            # an exported champion as a torch.nn.Module

Importing this package loads neither torch nor ray; each function loads what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evo_nas.api import load_champion, load_run, search

__all__ = ["load_champion", "load_run", "search"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("evo_nas.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
