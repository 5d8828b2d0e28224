"""What trivial opponents reach on a run's task: fitted once, then kept with the run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from evo_nas.ledger import holds_run, open_store, storage_errors

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from evo_nas.experiment import Experiment
    from evo_nas.ledger import Store

FLOORS_FILE = "floors.json"

_log = logging.getLogger(__name__)


class _Kept(BaseModel):
    model_config = ConfigDict(strict=True)

    format: Literal[1]
    metric: str
    floors: dict[str, float]


def floors_of(run: str | os.PathLike[str], experiment: Experiment) -> Mapping[str, float]:
    """Returns the test metric of the task's trivial opponents by name.

    They are deterministic, and a run never changes its data: what is kept with the run at ``run`` is taken as it is.

    Raises:
        RunError: The run cannot be read.
    """
    store = open_store(run)
    with storage_errors(store, "read the floors of"):
        kept = _kept(store, metric=experiment.dataset.metric.name)
    if kept is not None:
        return kept
    floors = experiment.floors
    if holds_run(run):
        facts = _Kept(format=1, metric=experiment.dataset.metric.name, floors=dict(floors))
        try:
            store.create(FLOORS_FILE, facts.model_dump_json(indent=2).encode())
        except OSError as error:
            _log.warning("the floors of %s are not kept: %s", store.location, error)
    return floors


def _kept(store: Store, *, metric: str) -> dict[str, float] | None:
    """Returns the floors in ``metric``; None if there are none, another version wrote them, or they are damaged."""
    try:
        kept = _Kept.model_validate_json(store.read(FLOORS_FILE))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValidationError):
        return None
    return kept.floors if kept.metric == metric else None
