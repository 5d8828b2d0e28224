"""Programs may add tasks of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evo_nas.data.options import StrictOptions
from evo_nas.errors import ConfigError
from evo_nas.tasks import registry
from evo_nas.tasks.registry import TASKS, register_task
from evo_nas.tasks.task import Prepared, Task


class WeatherOptions(StrictOptions):
    days: int = 3


class WeatherTask(Task[WeatherOptions]):
    kind = "weather"
    Options = WeatherOptions

    def read(self) -> Prepared:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _shipped_tasks_afterwards() -> Iterator[None]:
    yield
    registry._tasks.pop("weather", None)


def test_every_task_is_found_by_its_kind() -> None:
    assert all(task.kind == kind for kind, task in TASKS.items())
    assert len(TASKS) == 20


def test_a_registered_task_is_there_for_configurations() -> None:
    assert register_task(WeatherTask) is WeatherTask
    assert TASKS["weather"] is WeatherTask


def test_registering_the_same_class_again_changes_nothing() -> None:
    register_task(WeatherTask)
    register_task(WeatherTask)
    assert TASKS["weather"] is WeatherTask


def test_the_view_of_all_tasks_is_read_only() -> None:
    with pytest.raises(TypeError):
        TASKS["weather"] = WeatherTask


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "forecast"}, r"which evo_nas\.tasks\.forecast\.ForecastTask has; choose another"),
        ({"kind": "Rain!"}, "kind is 'Rain!'; must be a name of small letters, digits and underscores"),
        ({"kind": None}, "kind is None; must be a name"),
        ({"Options": dict}, "Options is <class 'dict'>; must be a pydantic model"),
        ({"Options": None}, "Options is None; must be a pydantic model"),
    ],
)
def test_a_class_that_cannot_be_a_task_is_one_clear_error(changes, message) -> None:
    with pytest.raises(ConfigError, match=message):
        register_task(type("Broken", (WeatherTask,), changes))


def test_a_class_without_a_read_is_refused() -> None:
    class Unread(Task[WeatherOptions]):
        kind = "unread"
        Options = WeatherOptions

    with pytest.raises(ConfigError, match="Unread does not define read; a task must"):
        register_task(Unread)


def test_what_is_no_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be a subclass of"):
        register_task(WeatherOptions)
