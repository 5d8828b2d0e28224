"""What trivial opponents reach on a run's task: fitted once, then kept with the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evo_nas.ledger import holds_run, open_store, storage_errors

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from evo_nas.experiment import Experiment
    from evo_nas.ledger import Store

FLOORS_FILE = "floors.json"
FORMAT = 1


def floors_of(run: str | os.PathLike[str], experiment: Experiment) -> Mapping[str, float]:
    """Returns the test metric of the task's trivial opponents by name.

    They are deterministic, and a run never changes its data: what is kept with the run at ``run`` is taken as it is.

    Raises:
        RunError: The run cannot be read or written.
    """
    store = open_store(run)
    with storage_errors(store, "read the floors of"):
        kept = _kept(store, metric=experiment.dataset.metric.name)
    if kept is not None:
        return kept
    floors = experiment.floors
    if holds_run(run):
        facts = {"format": FORMAT, "metric": experiment.dataset.metric.name, "floors": dict(floors)}
        with storage_errors(store, "keep the floors of"):
            store.create(FLOORS_FILE, json.dumps(facts, indent=2).encode())
    return floors


def _kept(store: Store, *, metric: str) -> dict[str, float] | None:
    """Returns the floors in ``metric``; None if there are none, another version wrote them, or they are damaged."""
    try:
        facts = json.loads(store.read(FLOORS_FILE))
        if (facts["format"], facts["metric"]) != (FORMAT, metric):
            return None
        return {str(name): float(floor) for name, floor in facts["floors"].items()}
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return None
