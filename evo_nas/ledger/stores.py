"""From the place of a run, as a person writes it, to the store that holds it."""

from __future__ import annotations

import os
from pathlib import Path

from evo_nas.ledger.local_store import LocalStore
from evo_nas.ledger.store import Store

Place = str | os.PathLike[str] | Store
"""Where a run is: a directory, a URI, or the store itself."""


def open_store(place: Place) -> Store:
    """Returns the store at ``place``.

    Raises:
        RunError: It is a URI that cannot hold runs.
    """
    if isinstance(place, Store):
        return place
    if "://" in str(place):
        from evo_nas.ledger.object_store import ObjectStore  # noqa: PLC0415 - local runs need no fsspec

        return ObjectStore(str(place))
    return LocalStore(Path(place).absolute())
