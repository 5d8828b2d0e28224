"""The Python interface; `evo_nas` itself offers these names without loading what they need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_nas.champion.champion import load_champion
from evo_nas.champion.exporters.registry import register_exporter
from evo_nas.config import SearchConfig, configured, load_config
from evo_nas.errors import ConfigError, ExecutionError
from evo_nas.runs import Run
from evo_nas.sessions import open_session
from evo_nas.sessions.events import Judged
from evo_nas.sessions.local import LocalSession
from evo_nas.strategies.registry import register_strategy
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.in_memory import InMemoryTask
from evo_nas.tasks.registry import register_task

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from evo_nas.champion.verdict import Verdict
    from evo_nas.experiment import ExecutorKind
    from evo_nas.sessions.events import Event
    from evo_nas.tasks.dataset import Dataset

__all__ = [
    "Run",
    "dataset_from_arrays",
    "load_champion",
    "load_run",
    "open_session",
    "register_exporter",
    "register_strategy",
    "register_task",
    "search",
]


def search(
    config: str | os.PathLike[str] | Mapping[str, Any] | SearchConfig,
    run: str | os.PathLike[str] | None = None,
    *,
    dataset: Dataset | None = None,
    executor: ExecutorKind = "ray",
    accept_data_loss: bool = False,
    on_event: Callable[[Event], None] = lambda _: None,
) -> Verdict:
    """Starts or resumes a search, runs it until its budget is spent, and returns the verdict on its champion.

    Args:
        config: A YAML file, its content as a mapping, or a checked configuration.
        run: Run directory or ``s3://bucket/name``, ``runs/<name of the configuration>`` by default.
        dataset: Data in memory, for example from `dataset_from_arrays`; the configuration then has no section
            ``task``.
        executor: ``ray`` for worker processes, ``inline`` to train in this one.
        accept_data_loss: Whether to resume although committed evaluations are damaged or missing.
        on_event: Called with every event of the session, see `sessions.events`.

    Raises:
        EvoNasError: The configuration, the data or the run directory cannot be used; the message says what to do.
    """
    settings = _settings(config, in_memory=dataset is not None)
    if not settings.verdict.at_end:
        raise ConfigError("verdict.at_end is false; must be true here, since search returns the verdict")
    place = run if run is not None else Path("runs") / settings.name
    with LocalSession(
        place, executor=executor, accept_data_loss=accept_data_loss, dataset=dataset
    ) as session:
        session.start(settings)
        for event in session.events():
            on_event(event)
            if isinstance(event, Judged):
                return event.verdict
    raise ExecutionError(f"the search of {place} was stopped; call search again to go on")


def load_run(run: str | os.PathLike[str]) -> pa.Table:
    """Returns all evaluations of a run, one row each, in the order in which they were told; see `ledger.SCHEMA`.

    Raises:
        RunError: There is no run at ``run``, or it cannot be read.
    """
    return Run.at(run).table()


def _settings(
    config: str | os.PathLike[str] | Mapping[str, Any] | SearchConfig, *, in_memory: bool
) -> SearchConfig:
    if isinstance(config, SearchConfig):
        return config
    defaults = {"task": {"kind": InMemoryTask.kind}} if in_memory else {}
    if isinstance(config, Mapping):
        return configured(defaults | dict(config))
    if isinstance(config, str | os.PathLike):
        return load_config(os.fspath(config), defaults=defaults)
    raise ConfigError(
        f"config is a {type(config).__name__}; must be the path of a YAML file, its content as a mapping, or a "
        "SearchConfig"
    )
