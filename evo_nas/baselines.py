"""What trivial opponents reach on a run's task: fitted once, then kept with the run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from evo_nas.ledger import LedgerReader, open_store, storage_errors

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from evo_nas.experiment import Experiment
    from evo_nas.ledger import Store

BASELINES_FILE = "baselines.json"

_log = logging.getLogger(__name__)


class _Kept(BaseModel):
    model_config = ConfigDict(strict=True)

    format: Literal[1]
    metric: str
    baselines: dict[str, float]


def baselines_of(run: str | os.PathLike[str], experiment: Experiment) -> Mapping[str, float]:
    """Returns the test metric of the task's trivial opponents by name.

    They are deterministic, and a run never changes its data: what is kept with the run at ``run`` is taken as it is.

    Raises:
        RunError: The run cannot be read.
    """
    store = open_store(run)
    with storage_errors(store, "read the baselines of"):
        kept = _kept(store, metric=experiment.dataset.metric.name)
    if kept is not None:
        return kept
    baselines = experiment.baselines
    if LedgerReader(store).exists():
        facts = _Kept(format=1, metric=experiment.dataset.metric.name, baselines=dict(baselines))
        try:
            store.create(BASELINES_FILE, facts.model_dump_json(indent=2).encode())
        except OSError as error:
            _log.warning("the baselines of %s are not kept: %s", store.location, error)
    return baselines


def _kept(store: Store, *, metric: str) -> dict[str, float] | None:
    """Returns the baselines in ``metric``; None if there are none, another version wrote them, or they are damaged."""
    try:
        kept = _Kept.model_validate_json(store.read(BASELINES_FILE))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValidationError):
        return None
    return kept.baselines if kept.metric == metric else None
