"""The test scores of simple baselines, kept with the run; they are fitted once, since a run never changes its data."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from evo_nas.errors import RunError
from evo_nas.ledger import DamagedError, seal, storage_errors, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.ledger import Store

BASELINES_FILE = "baselines.json"
_log = logging.getLogger(__name__)


class _Kept(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    metric: str
    baselines: dict[str, float]


def read_baselines(store: Store, *, metric: str | None = None) -> dict[str, float] | None:
    """Returns the kept scores by name; None if they are missing, damaged or in another metric."""
    with storage_errors(store, "read the baselines of"):
        try:
            kept = _Kept.model_validate(unseal(store.read(BASELINES_FILE)))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, DamagedError, ValidationError):
            return None  # they can be fitted again, so nothing is lost
    return kept.baselines if metric in (None, kept.metric) else None


def keep_baselines(store: Store, baselines: Mapping[str, float], *, metric: str) -> None:
    """Writes the scores to the run; a failure is only logged, since they can be fitted again."""
    content = seal({"metric": metric, "baselines": dict(baselines)})
    try:
        with storage_errors(store, "write the baselines of"):
            if not store.create(BASELINES_FILE, content) and read_baselines(store, metric=metric) is None:
                # The file that is there is damaged or in another metric; no file of a run is ever overwritten.
                store.set_aside(BASELINES_FILE)
                store.create(BASELINES_FILE, content)
    except RunError as error:
        _log.warning("%s; they are fitted again next time", error)
