"""One YAML file is one `SearchConfig`: everything that determines a search, and nothing else.

The file is read with YAML 1.2's rules for scalars, without aliases and within bounds; what it says
is checked by pydantic, and every problem becomes one line that a person can act on. Sections whose keys
belong to other rooms (``task``, ``strategy``, ``space``) stay plain mappings here, since this one knows no
task and no strategy; the owner's options model checks them through `checked`, and the messages read the same.
"""

from evo_nas.config.load import configured, load_config
from evo_nas.config.schema import (
    BudgetOptions,
    SearchConfig,
    TrainingConfig,
    WorkerOptions,
    available_cores,
)
from evo_nas.config.validation_errors import checked, nearest, shown

__all__ = [
    "BudgetOptions",
    "SearchConfig",
    "TrainingConfig",
    "WorkerOptions",
    "available_cores",
    "checked",
    "configured",
    "load_config",
    "nearest",
    "shown",
]
