"""The shipped contract of tasks, held against every registered kind."""

from __future__ import annotations

import pytest

from evo_nas.tasks.registry import TASKS
from evo_nas.testing.tasks import AnyTask, TaskContract


class TestRegisteredTasks(TaskContract):
    @pytest.fixture(params=list(TASKS))
    def task_class(self, request) -> type[AnyTask]:
        return TASKS[request.param]
