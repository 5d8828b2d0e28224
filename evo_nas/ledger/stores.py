"""Opens the store for the place of a run."""

from __future__ import annotations

import os
from pathlib import Path

from evo_nas.ledger.local_store import LocalStore
from evo_nas.ledger.store import Store

Place = str | os.PathLike[str] | Store
"""The place of a run: a directory, a URI, or the store itself."""


def open_store(place: Place) -> Store:
    """Returns the store at ``place``.

    Raises:
        RunError: Runs cannot be kept under a URI of this kind.
    """
    if isinstance(place, Store):
        return place
    if "://" in str(place):
        from evo_nas.ledger.object_store import ObjectStore  # noqa: PLC0415 - local runs need no fsspec

        return ObjectStore(str(place))
    return LocalStore(Path(place).absolute())
