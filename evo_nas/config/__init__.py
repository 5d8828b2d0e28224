"""Reads one YAML file into one `SearchConfig`, which holds everything that determines a search.

The file is read with the scalars of YAML 1.2, without aliases and within bounds. Pydantic checks its values, and every
problem becomes one line that says what to do. The sections ``task``, ``strategy`` and ``space`` stay plain mappings
here, since this package knows no task and no strategy; their owners check them with `checked`, so that the messages
read the same.
"""

from evo_nas.config.fitness import FitnessOptions, ValidationOptions
from evo_nas.config.load import configured, load_config, overridden
from evo_nas.config.schema import (
    BudgetOptions,
    SearchConfig,
    TrainingConfig,
    WorkerOptions,
    available_cores,
)
from evo_nas.config.validation_errors import checked, nearest, shown
from evo_nas.config.verdict import VerdictOptions

__all__ = [
    "BudgetOptions",
    "FitnessOptions",
    "SearchConfig",
    "TrainingConfig",
    "ValidationOptions",
    "VerdictOptions",
    "WorkerOptions",
    "available_cores",
    "checked",
    "configured",
    "load_config",
    "nearest",
    "overridden",
    "shown",
]
