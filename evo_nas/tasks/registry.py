"""The tasks there are, by the name that a configuration gives in ``task.kind``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.tasks.classification import ClassificationTask
from evo_nas.tasks.digits import DigitsTask
from evo_nas.tasks.forecast import ForecastTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.tasks.task import Task

TASKS: Mapping[str, type[Task]] = {task.kind: task for task in (ClassificationTask, DigitsTask, ForecastTask)}
