"""The tasks by the name that a configuration gives in ``task.kind``; programs may add their own."""

from __future__ import annotations

import inspect
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from evo_nas.errors import ConfigError
from evo_nas.tasks.adding import AddingTask
from evo_nas.tasks.classification import ClassificationTask
from evo_nas.tasks.copy_memory import CopyMemoryTask
from evo_nas.tasks.digits import DigitsTask
from evo_nas.tasks.dyck import DyckTask
from evo_nas.tasks.few_shot import FewShotTask
from evo_nas.tasks.forecast import ForecastTask
from evo_nas.tasks.formal_language import FormalLanguageTask
from evo_nas.tasks.in_memory import InMemoryTask
from evo_nas.tasks.labelling import LabellingTask
from evo_nas.tasks.language_model import LanguageModelTask
from evo_nas.tasks.mnist1d import Mnist1dTask
from evo_nas.tasks.multi_label import MultiLabelTask
from evo_nas.tasks.panel import PanelTask
from evo_nas.tasks.parity import ParityTask
from evo_nas.tasks.regression import RegressionTask
from evo_nas.tasks.sines import SinesTask
from evo_nas.tasks.standard_library import StandardLibraryTask
from evo_nas.tasks.tagging import TaggingTask
from evo_nas.tasks.task import Task
from evo_nas.tasks.text_classification import TextClassificationTask

if TYPE_CHECKING:
    from collections.abc import Mapping

TaskClass = TypeVar("TaskClass", bound=type[Task[BaseModel]])

_tasks: dict[str, type[Task[BaseModel]]] = {}
TASKS: Mapping[str, type[Task[BaseModel]]] = MappingProxyType(_tasks)
"""All registered tasks by kind; a read-only view that `register_task` adds to."""


def register_task(cls: TaskClass) -> TaskClass:
    """Makes a kind of task known to configurations; usable as a decorator of the class.

    It holds for this process: every process that reads a configuration of this kind has to register it.

    Raises:
        ConfigError: The class is no complete task, or its ``kind`` belongs to another one.
    """
    if not (isinstance(cls, type) and issubclass(cls, Task)):
        raise ConfigError(f"{cls!r} cannot be registered; must be a subclass of evo_nas.tasks.task.Task")
    kind, options = getattr(cls, "kind", None), getattr(cls, "Options", None)
    if not (isinstance(kind, str) and re.fullmatch(r"[a-z][a-z0-9_]*", kind)):
        raise ConfigError(
            f"{cls.__name__}.kind is {kind!r}; must be a name of small letters, digits and underscores"
        )
    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        raise ConfigError(
            f"{cls.__name__}.Options is {options!r}; must be a pydantic model of the task's keys"
        )
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise ConfigError(f"{cls.__name__} does not define {missing}; a task must")
    taken = _tasks.get(kind, cls)
    if taken is not cls:
        raise ConfigError(
            f"{cls.__name__}.kind is {kind!r}, which {taken.__module__}.{taken.__name__} has; choose another"
        )
    _tasks[kind] = cls
    return cls


_SHIPPED: tuple[type[Task[BaseModel]], ...] = (
    AddingTask,
    ClassificationTask,
    CopyMemoryTask,
    DigitsTask,
    DyckTask,
    FewShotTask,
    ForecastTask,
    FormalLanguageTask,
    InMemoryTask,
    LabellingTask,
    LanguageModelTask,
    Mnist1dTask,
    MultiLabelTask,
    PanelTask,
    ParityTask,
    RegressionTask,
    SinesTask,
    StandardLibraryTask,
    TaggingTask,
    TextClassificationTask,
)
for _shipped in _SHIPPED:
    register_task(_shipped)
