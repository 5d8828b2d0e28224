"""The results of simple baselines, kept with the run; they are fitted once, since a run never changes its data."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evo_nas.errors import DataError, RunError
from evo_nas.ledger import DamagedError, seal, storage_errors, unseal
from evo_nas.tasks.baselines.fitting import BaselineResult, FittedBaselines
from evo_nas.tasks.example_sums import ExampleSums

if TYPE_CHECKING:
    from evo_nas.ledger import Store

BASELINES_FILE = "baselines.json"
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_log = logging.getLogger(__name__)


class _Kept(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    metric: str
    baselines: dict[str, BaselineResult]
    # Of each that says what it answered, the sums over the test examples; earlier runs have none.
    sums: dict[str, str] = Field(default_factory=dict)


def read_baselines(store: Store, *, metric: str | None = None) -> FittedBaselines | None:
    """Returns the kept results by name; None if they are missing, damaged or in another metric."""
    with storage_errors(store, "read the baselines of"):
        try:
            kept = _Kept.model_validate_json(json.dumps(unseal(store.read(BASELINES_FILE))))
            sums = {name: ExampleSums.from_text(text) for name, text in kept.sums.items()}
        except (*_MISSING, DamagedError, DataError, ValidationError):
            return None  # they can be fitted again, so nothing is lost
    return FittedBaselines(kept.baselines, sums) if metric in (None, kept.metric) else None


def keep_baselines(store: Store, baselines: FittedBaselines, *, metric: str) -> None:
    """Writes the results to the run; a failure is only logged, since they can be fitted again."""
    content = seal(
        {
            "metric": metric,
            "baselines": {name: asdict(result) for name, result in baselines.items()},
            "sums": {name: sums.to_text() for name, sums in baselines.sums.items()},
        }
    )
    try:
        with storage_errors(store, "write the baselines of"):
            if not store.create(BASELINES_FILE, content) and read_baselines(store, metric=metric) is None:
                # The file that is there is damaged or in another metric; no file of a run is ever overwritten.
                store.set_aside(BASELINES_FILE)
                store.create(BASELINES_FILE, content)
    except RunError as error:
        _log.warning("%s; they are fitted again next time", error)
