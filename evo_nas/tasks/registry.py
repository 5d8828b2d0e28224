"""The tasks there are, by the name that a configuration gives in ``task.kind``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.tasks.adding import AddingTask
from evo_nas.tasks.classification import ClassificationTask
from evo_nas.tasks.copy_memory import CopyMemoryTask
from evo_nas.tasks.digits import DigitsTask
from evo_nas.tasks.dyck import DyckTask
from evo_nas.tasks.few_shot import FewShotTask
from evo_nas.tasks.forecast import ForecastTask
from evo_nas.tasks.labelling import LabellingTask
from evo_nas.tasks.language_model import LanguageModelTask
from evo_nas.tasks.multi_label import MultiLabelTask
from evo_nas.tasks.parity import ParityTask
from evo_nas.tasks.sines import SinesTask
from evo_nas.tasks.standard_library import StandardLibraryTask
from evo_nas.tasks.tagging import TaggingTask
from evo_nas.tasks.text_classification import TextClassificationTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.tasks.task import Task

_FROM_FILES: tuple[type[Task], ...] = (
    ClassificationTask,
    FewShotTask,
    ForecastTask,
    LabellingTask,
    LanguageModelTask,
    MultiLabelTask,
    TaggingTask,
    TextClassificationTask,
)
_WITHOUT_FILES: tuple[type[Task], ...] = (
    AddingTask,
    CopyMemoryTask,
    DigitsTask,
    DyckTask,
    ParityTask,
    SinesTask,
    StandardLibraryTask,
)
TASKS: Mapping[str, type[Task]] = {task.kind: task for task in (*_FROM_FILES, *_WITHOUT_FILES)}
